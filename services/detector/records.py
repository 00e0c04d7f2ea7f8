"""What every host of the core does with records: fold one of `journey-events`, and put what came out into those of `frictions`."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from opentelemetry.trace import SpanKind

from shared.detection.occurrence import decode_arrivals
from shared.detection.partition import Partition
from shared.journey.codec import decode_controls, join_encoded
from shared.journey.control import DetectionProgressed
from shared.log.port import JOURNEY_EVENTS, MAX_RECORD_BYTES, MAX_RECORD_EVENTS, Kind, Position, Record
from shared.telemetry.tracing import NO_SPAN, Origins, Parent, Span

MAX_UNSAID_EVENTS: Final = 20_000
"""A checkpoint writes the output after so many events at the latest."""
MAX_CHANGED_JOURNEYS: Final = 20_000
"""It also writes the journeys, and how far they are, when about so many have changed, ..."""
MAX_EVENTS_AGAIN: Final = 50_000
"""... or after about so many events, which a restart folds again in a few seconds, ..."""
JOURNEYS_INTERVAL_S: Final = 10.0
"""... or after so long; and whenever it is quiet."""

_encoder = msgspec.json.Encoder()


class Unsaved(msgspec.Struct):
    """What one partition has folded since its journeys were written, and since its output was."""

    events: int = 0
    saved_at_s: float | None = None
    unsaid_events: int = 0
    unsaid: bool = False
    changed: bool = False

    def folded(self, events: int, *, unsaid: bool) -> None:
        """A record of so many events; `unsaid` unless its output was written before a restart."""
        self.events += events
        self.changed = True
        if unsaid:
            self.unsaid_events += events
            self.unsaid = True

    def are_journeys_due(self, partition: Partition, now_s: float) -> bool:
        """Whether the next checkpoint is to write the journeys, though it is not quiet."""
        return (
            self.saved_at_s is None
            or self.events >= MAX_EVENTS_AGAIN
            or partition.changed_journeys >= MAX_CHANGED_JOURNEYS
            or now_s - self.saved_at_s >= JOURNEYS_INTERVAL_S
        )

    def saved(self, now_s: float) -> None:
        """All is written."""
        self.events, self.saved_at_s, self.changed = 0, now_s, False
        self.said()

    def said(self) -> None:
        """The output is written."""
        self.unsaid_events, self.unsaid = 0, False


def fold_record(partition: Partition, offset: int, kind: Kind, value: bytes) -> int:
    """Fold a record of `journey-events`; gives the number of its events. Raises `DetectionError`."""
    if kind is Kind.EVENTS:
        arrivals = decode_arrivals(value)
        partition.fold_events(offset, arrivals)
        return len(arrivals)
    for control in decode_controls(value):
        partition.control(offset, control)
    return 0


def output_of(partition: Partition, position: Position, traceparent: str = "") -> Iterator[Record]:
    """The records of a checkpoint: its points, its late events, and that everything before `position` was folded.

    `traceparent` is that of the checkpoint's own span, `detect_span`.
    """
    number = partition.number
    yield from _rows_as_records(number, Kind.POINTS, partition.points, traceparent)
    yield from _rows_as_records(number, Kind.LATE, partition.late_events, traceparent)
    progress = DetectionProgressed(number, position.log_id, position.next_offset, partition.state.late_events)
    yield Record(number, Kind.CONTROL, _encoder.encode([progress]), 1)


def detect_span(origins: Origins, partitions: Sequence[Partition], events: int) -> Span:
    """The span of one checkpoint, from its first record to its end: `origins` are the traces of the records folded."""
    if not origins:
        return NO_SPAN
    about: dict[str, str | int] = {
        "messaging.destination.name": JOURNEY_EVENTS,
        "parcours.events": events,
        "parcours.points": sum(len(partition.points) for partition in partitions),
        "parcours.late_events": sum(len(partition.late_events) for partition in partitions),
    }
    if len(partitions) == 1:
        about["messaging.destination.partition.id"] = str(partitions[0].number)
    return origins.span("detect", SpanKind.CONSUMER, Parent.ONLY, about)


def _rows_as_records(partition: int, kind: Kind, rows: Sequence[msgspec.Struct], traceparent: str) -> Iterator[Record]:
    """The rows as records within the log's limits."""
    items: list[bytes] = []
    size_bytes = 2
    for row in rows:
        item = _encoder.encode(row)
        if items and (len(items) >= MAX_RECORD_EVENTS or size_bytes + len(item) + 1 > MAX_RECORD_BYTES):
            yield Record(partition, kind, join_encoded(items), len(items), traceparent)
            items, size_bytes = [], 2
        items.append(item)
        size_bytes += len(item) + 1
    if items:
        yield Record(partition, kind, join_encoded(items), len(items), traceparent)
