"""A client whose process ends at a statement of one's choice."""

from collections.abc import Callable
from typing import Any

from clickhouse_connect.driver.client import Client


class Cut(Exception):
    """The process ends here."""


class Ends:
    """A client whose process ends at the n-th statement, before it runs or after."""

    def __init__(self, client: Client, statement: int, *, after: bool) -> None:
        self._client = client
        self._left = statement
        self._after = after

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Any] = getattr(self._client, name)
        if name not in {"command", "query", "raw_insert"}:
            return method

        def call(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Cut
            answer = method(*arguments, **named)
            if self._left == 0:
                raise Cut
            return answer

        return call
