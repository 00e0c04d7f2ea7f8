"""How far each stream has been loaded, kept in ClickHouse beside the rows.

A position is written after its rows: a loader killed in between loads them again, which insertion by identity makes
harmless. The stream `detected` is the detector's own progress through `journey-events`, taken from `frictions`.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from clickhouse_connect.driver.client import Client

from shared.journey.control import DetectionProgressed
from shared.journey.instants import to_text
from shared.log.port import Position
from shared.store.client import Store, insert_rows
from shared.store.failures import typed_errors

DETECTED: Final = "detected"

_SELECT: Final = """
SELECT stream, partition, argMax(log_id, at), argMax(next_offset, at), toUnixTimestamp64Micro(max(at))
FROM positions GROUP BY stream, partition
"""


class Positions:
    """Positions by stream and partition: read once, changed in memory, saved together."""

    def __init__(self, store: Store, clock_us: Callable[[], int]) -> None:
        self._clock_us = clock_us
        self._by_stream: dict[str, dict[int, Position]] = {}
        self._changed: set[tuple[str, int]] = set()
        self._saved_us = 0
        for stream, partition, log_id, next_offset, at_us in store.query(_SELECT).rows:
            self._by_stream.setdefault(stream, {})[partition] = Position(log_id, next_offset)
            self._saved_us = max(self._saved_us, at_us)

    def of(self, stream: str) -> dict[int, Position]:
        """Where the loader stands in a stream, by partition; empty when nothing of it has been read."""
        return dict(self._by_stream.get(stream, {}))

    def advance(self, stream: str, partition: int, position: Position) -> None:
        """Everything before the position has been loaded, or is loaded before `save`."""
        positions = self._by_stream.setdefault(stream, {})
        if positions.get(partition) != position:
            positions[partition] = position
            self._changed.add((stream, partition))

    def detected(self, progress: Iterable[DetectionProgressed]) -> None:
        """Note the detector's progress; in one log it never goes back, whatever is read again."""
        for step in progress:
            known = self._by_stream.get(DETECTED, {}).get(step.partition)
            if known is None or known.log_id != step.log_id or known.next_offset < step.offset:
                self.advance(DETECTED, step.partition, Position(step.log_id, step.offset))

    @property
    def unsaved(self) -> bool:
        """Whether something has changed since the last save."""
        return bool(self._changed)

    def save(self, writer: Client) -> None:
        """Write what has changed. Raises `StoreError`; then everything is still unsaved.

        The row written last must win also when the clock has gone back, so `at` never does.
        """
        if not self._changed:
            return
        at_us = max(self._clock_us(), self._saved_us + 1)
        rows = [self._row(stream, partition, to_text(at_us)) for stream, partition in sorted(self._changed)]
        with typed_errors("positions"):
            insert_rows(writer, "positions", msgspec.json.encode(rows))
        self._saved_us = at_us
        self._changed.clear()

    def _row(self, stream: str, partition: int, at: str) -> dict[str, str | int]:
        position = self._by_stream[stream][partition]
        return {
            "stream": stream,
            "partition": partition,
            "log_id": position.log_id,
            "next_offset": position.next_offset,
            "at": at,
        }
