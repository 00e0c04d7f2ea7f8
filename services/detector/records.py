"""What every host of the core does with records: fold one of `journey-events`, and put what came out into those of `frictions`."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from shared.detection.occurrence import decode_arrivals
from shared.detection.partition import Partition
from shared.journey.codec import decode_controls, join_encoded
from shared.journey.control import DetectionProgressed
from shared.log.port import MAX_RECORD_BYTES, MAX_RECORD_EVENTS, Kind, Position, Record

MAX_UNSAVED_EVENTS: Final = 20_000
"""A checkpoint is written after so many events at the latest."""

_encoder = msgspec.json.Encoder()


def fold_record(partition: Partition, offset: int, kind: Kind, value: bytes) -> int:
    """Fold a record of `journey-events`; gives the number of its events. Raises `DetectionError`."""
    if kind is Kind.EVENTS:
        arrivals = decode_arrivals(value)
        partition.fold_events(offset, arrivals)
        return len(arrivals)
    for control in decode_controls(value):
        partition.control(offset, control)
    return 0


def output_of(partition: Partition, position: Position) -> Iterator[Record]:
    """The records of a checkpoint: its points, its late events, and that everything before `position` was folded."""
    number = partition.number
    yield from _rows_as_records(number, Kind.POINTS, partition.points)
    yield from _rows_as_records(number, Kind.LATE, partition.late_events)
    progress = DetectionProgressed(number, position.log_id, position.next_offset, partition.state.late_events)
    yield Record(number, Kind.CONTROL, _encoder.encode([progress]), 1)


def _rows_as_records(partition: int, kind: Kind, rows: Sequence[msgspec.Struct]) -> Iterator[Record]:
    """The rows as records within the log's limits."""
    items: list[bytes] = []
    size_bytes = 2
    for row in rows:
        item = _encoder.encode(row)
        if items and (len(items) >= MAX_RECORD_EVENTS or size_bytes + len(item) + 1 > MAX_RECORD_BYTES):
            yield Record(partition, kind, join_encoded(items), len(items))
            items, size_bytes = [], 2
        items.append(item)
        size_bytes += len(item) + 1
    if items:
        yield Record(partition, kind, join_encoded(items), len(items))
