"""The newest events of the log, and those that come, read through the log's port."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from shared.errors import LogMismatch
from shared.log.port import Kind, LogReader, Position, StoredRecord

POLL_S: Final = 0.5
READ_BYTES: Final = 4_000_000
_FIRST_WINDOW_RECORDS: Final = 256
_WINDOW_GROWTH: Final = 16

Positions = dict[int, Position]

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode


def last_events(reader: LogReader, count: int) -> tuple[deque[bytes], Positions]:
    """The newest `count` events, oldest first, encoded; and where the log goes on. Raises `LogError`."""
    window = _FIRST_WINDOW_RECORDS
    while True:
        start, whole = _start(reader, window)
        newest: deque[bytes] = deque(maxlen=count)
        end = dict(start)
        for record in _records(reader, end):
            newest.extend(_events(record))
        if whole or len(newest) >= count:
            return newest, end
        window *= _WINDOW_GROWTH


def follow_events(
    reader: LogReader, positions: Positions, sleep: Callable[[float], None] = time.sleep
) -> Iterator[bytes]:
    """The events from the positions on, as they come, without end. Raises `LogError`."""
    while True:
        for record in _records(reader, positions):
            yield from _events(record)
        sleep(POLL_S)


def _start(reader: LogReader, window: int) -> tuple[Positions, bool]:
    """Positions so many records before the ends, and whether that is all the log holds."""
    log_id = reader.log_id()
    ends = reader.ends()
    if log_id is None or any(end <= window for end in ends.values()):
        return {}, True
    start = {partition: Position(log_id, end - window) for partition, end in ends.items()}
    try:
        reader.read(start, 1)
    except LogMismatch:  # pruned: what is left is what there is
        return {}, True
    return start, False


def _records(reader: LogReader, positions: Positions) -> Iterator[StoredRecord]:
    """All records from the positions on; moves the positions behind each."""
    while records := reader.read(positions, READ_BYTES):
        log_id = reader.log_id() or ""
        for record in records:
            positions[record.partition] = Position(log_id, record.offset + 1)
            yield record


def _events(record: StoredRecord) -> list[bytes]:
    return [bytes(event) for event in _split(record.value)] if record.kind is Kind.EVENTS else []
