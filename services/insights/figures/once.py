"""A store that asks each question once, and a way to work out parts of a page side by side: they share what they count together."""

from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from threading import Lock
from typing import Any, Final, TypeVar

from services.insights.ports import Rows, Store

LANES: Final = 2
"""Parts of a page that are worked out at a time: a short question keeps one processor busy, a long one every."""


Made = TypeVar("Made")


class OnceStore:
    """Answers of a store, kept for one request, and what is made of them; for any number of threads.

    Who asks a question that is under way waits for its answer; what it raises, everybody gets who asked it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._answers: dict[Hashable, Future[Any]] = {}
        self._lock = Lock()

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Rows:
        """As the store's `query`; a question that was asked before is not asked again."""
        return self.once((sql, repr(sorted(parameters.items()))), lambda: self._store.query(sql, parameters))

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` gives to the first who asks under this key."""
        with self._lock:
            first = key not in self._answers
            answer: Future[Made] = self._answers.setdefault(key, Future())
        if first:
            try:
                answer.set_result(make())
            except BaseException as error:
                answer.set_exception(error)
                raise
        return answer.result()


def once(store: Store, key: Hashable, make: Callable[[], Made]) -> Made:
    """What several figures of a page are made from, made once for the request; by itself, a figure makes its own."""
    return store.once(key, make) if isinstance(store, OnceStore) else make()


def side_by_side(parts: Mapping[str, Callable[[], object]]) -> dict[str, Any]:
    """What each part gives, by its name; begun in the order they stand in, `LANES` at a time, and best the longest first.

    Raises what the first part in this order raises; parts that were not begun by then are left.
    """
    with ThreadPoolExecutor(LANES, thread_name_prefix="part-of-page") as lanes:
        begun = {name: lanes.submit(copy_context().run, part) for name, part in parts.items()}
        try:
            return {name: each.result() for name, each in begun.items()}
        finally:
            for each in begun.values():
                each.cancel()
