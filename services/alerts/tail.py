"""Follows the streams of the log: events first, then what detection made of them, then what was refused."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from services.alerts.live import Live
from shared.errors import LogError
from shared.log.port import Kind, LogReader, Position, StoredRecord

READ_BYTES: Final = 8_000_000

Positions = Mapping[str, Mapping[int, Position]]
"""Where a reader stands, by stream and partition."""


class _Cause(Struct, gc=False):
    """Which record of events a point, or the word of progress, goes back to."""

    partition: int = 0
    offset: int = 0


_causes: Final = msgspec.json.Decoder(list[_Cause])


class Tail:
    """Reads from `positions` on (a partition not named: from what the log still holds); belongs to one thread.

    A record of the detector is taken when the events before it are: an import must be known of before its points are seen.
    """

    def __init__(
        self, events: LogReader, points: LogReader, rejects: Sequence[LogReader], positions: Positions
    ) -> None:
        self._events = events
        self._points = points
        self._rejects = list(rejects)
        self._read = {stream: dict(each) for stream, each in positions.items()}
        self._taken = {stream: dict(each) for stream, each in positions.items()}
        self._waiting: deque[StoredRecord] = deque()

    @property
    def positions(self) -> Positions:
        """Everything before these has been taken."""
        return self._taken

    def step(self, live: Live, now_us: int) -> bool:
        """Take what there is, within bounds; whether there may be more at once.

        Raises `LogError`; the next step goes on after what was taken.
        """
        try:
            return self._step(live, now_us)
        except BaseException:
            self._waiting.clear()
            self._read = {stream: dict(each) for stream, each in self._taken.items()}
            raise

    def _step(self, live: Live, now_us: int) -> bool:
        points = [] if self._waiting else self._next(self._points)
        self._waiting.extend(points)
        events = self._next(self._events)
        for record in events:
            live.take(record, now_us)
            self._pass(self._events, record)
        while self._waiting and (not events or self._is_known(self._waiting[0])):
            record = self._waiting.popleft()
            live.take(record, now_us)
            self._pass(self._points, record)
        more = bool(events or points or self._waiting)
        for reader in self._rejects:
            for record in self._next(reader):
                live.take(record, now_us)
                self._pass(reader, record)
        return more

    def _next(self, reader: LogReader) -> Iterable[StoredRecord]:
        at = self._read.setdefault(reader.stream, {})
        records = reader.read(dict(at), READ_BYTES)
        if records:
            log_id = reader.log_id()
            if log_id is None:
                raise LogError(f"{reader.stream}: the log is gone")
            for record in records:
                at[record.partition] = Position(log_id, record.offset + 1)
        return records

    def _pass(self, reader: LogReader, record: StoredRecord) -> None:
        position = self._read[reader.stream][record.partition]
        self._taken.setdefault(reader.stream, {})[record.partition] = Position(position.log_id, record.offset + 1)

    def _is_known(self, record: StoredRecord) -> bool:
        """Whether the events that the record goes back to are taken."""
        if record.kind not in (Kind.POINTS, Kind.CONTROL):
            return True
        at = self._taken.get(self._events.stream, {})
        try:
            causes = _causes.decode(record.value)
        except msgspec.MsgspecError as error:
            offset = record.offset
            raise LogError(f"{self._points.stream}: the record at offset {offset} cannot be read: {error}") from error
        own = int(record.kind is Kind.POINTS)  # of progress, the offset is the first that is not folded
        return all(each.offset + own <= at[each.partition].next_offset for each in causes if each.partition in at)
