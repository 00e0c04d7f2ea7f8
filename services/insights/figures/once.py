"""A store that asks each question once: a page's figures share what they count together."""

from collections.abc import Mapping
from typing import Any

from services.insights.ports import Rows, Store


class OnceStore:
    """Answers of a store, kept for one request; for one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._answers: dict[tuple[str, str], Rows] = {}

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Rows:
        """As the store's `query`; a question that was asked before is not asked again."""
        key = (sql, repr(sorted(parameters.items())))
        if key not in self._answers:
            self._answers[key] = self._store.query(sql, parameters)
        return self._answers[key]
