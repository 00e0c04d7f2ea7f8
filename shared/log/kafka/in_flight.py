"""A bound, in items and bytes, on what one writer has handed to Kafka and Kafka has not acknowledged."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shared.errors import LogUnavailable
from shared.log.port import Record


class InFlight:
    """Lets appends of several threads in while they fit; one larger than the bounds goes alone."""

    def __init__(self, max_items: int, max_bytes: int) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._items = 0
        self._size_bytes = 0
        self._changed = threading.Condition()

    @contextmanager
    def room_for(self, records: Sequence[Record], timeout_s: float) -> Iterator[None]:
        """Wait for room, at most `timeout_s`, and keep it within the block. Raises `LogUnavailable`."""
        items = sum(record.items for record in records)
        size_bytes = sum(len(record.value) for record in records)
        with self._changed:
            if not self._changed.wait_for(lambda: self._fits(items, size_bytes), timeout_s):
                raise LogUnavailable("too much is on its way to Kafka unacknowledged")
            self._items += items
            self._size_bytes += size_bytes
        try:
            yield
        finally:
            with self._changed:
                self._items -= items
                self._size_bytes -= size_bytes
                self._changed.notify_all()

    def _fits(self, items: int, size_bytes: int) -> bool:
        return not self._items or (
            self._items + items <= self._max_items and self._size_bytes + size_bytes <= self._max_bytes
        )
