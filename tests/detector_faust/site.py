"""Topics of a test's own on a real broker, what ingest writes into them, and what a detector made of it."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from services.detector.cluster import ClusterSettings
from services.detector.kafka_checkpoint import Topics
from shared.journey.codec import decode_controls, decode_points
from shared.journey.control import ClockTicked, DetectionProgressed, ImportFinished, ImportStarted, RulesPublished
from shared.journey.instants import to_text
from shared.journey.point import LateEvent, Point
from shared.log.kafka.reader import KafkaLogReader
from shared.log.kafka.topics import Topic, create_topics, topic_states
from shared.log.kafka.writer import KafkaLogWriter
from shared.log.port import Kind, Position, Record, StoredRecord
from tests.detection.comparison import assert_as_defined
from tests.detection.driver import points_in_force, stored
from tests.strategies import arrivals
from tests.strategies.documents import random_document
from tests.strategies.events import random_stream

CHECKPOINT_MS: Final = 150
CHECKPOINT_QUIET_MS: Final = 50
HOT_JOURNEYS: Final = 5
"""So few that most journeys are packed and unpacked many times."""
READ_BYTES: Final = 50_000_000
_POLL_S: Final = 0.1
_late = msgspec.json.Decoder(list[LateEvent])


class Site:
    """The three topics a detector works with, and its group."""

    def __init__(self, brokers: str, name: Callable[[str], str], partitions: int) -> None:
        self.brokers, self.partitions = brokers, partitions
        self.topics = Topics(name("journey-events"), name("frictions"), name("detector-state"), name("detector"))
        compacted = {"cleanup.policy": "compact"}
        made = [
            Topic(self.topics.events, partitions, {}),
            Topic(self.topics.frictions, partitions, {"compression.type": "lz4"}),
            Topic(self.topics.state, partitions, compacted),
        ]
        create_topics(brokers, made, 1)
        self._writer = KafkaLogWriter(brokers, self.topics.events, partitions)

    def close(self) -> None:
        """Release the connections."""
        self._writer.close()

    def settings(self, session_ms: int = 2_000) -> ClusterSettings:
        """A worker's settings."""
        return ClusterSettings(
            brokers=self.brokers,
            topics=self.topics,
            checkpoint_ms=CHECKPOINT_MS,
            checkpoint_quiet_ms=CHECKPOINT_QUIET_MS,
            hot_journeys=HOT_JOURNEYS,
            log_id=self.log_id,
            left_limit_s=session_ms / 1_000 + 5,
        )

    def log_id(self) -> str:
        """The identity of `journey-events`."""
        return topic_states(self.brokers, [self.topics.events])[self.topics.events].topic_id

    def append(self, records: Sequence[Record]) -> list[int]:
        """Write as ingest does."""
        return self._writer.append(records)

    def frictions(self) -> list[StoredRecord]:
        """All that is committed, in the order of each partition."""
        reader = KafkaLogReader(self.brokers, self.topics.frictions)
        try:
            found: list[StoredRecord] = []
            after: dict[int, Position] = {}
            while records := reader.read(after, READ_BYTES):
                found += records
                after |= {each.partition: Position(reader.log_id() or "", each.offset + 1) for each in records}
            return found
        finally:
            reader.close()

    def ends(self) -> dict[int, int]:
        """The next offset of `journey-events`, by partition."""
        reader = KafkaLogReader(self.brokers, self.topics.events)
        try:
            return reader.ends()
        finally:
            reader.close()

    def await_detected(self, timeout_s: float, alive: Callable[[], None] = lambda: None) -> list[StoredRecord]:
        """Wait until all is detected; what stands in `frictions` then. `alive` may raise to end the waiting."""
        deadline = time.monotonic() + timeout_s
        wanted = self.ends()
        while True:
            rows = self.frictions()
            reached = {number: offsets[-1] for number, offsets in progress(rows).items()}
            if reached == wanted:
                return rows
            alive()
            assert time.monotonic() < deadline, f"detected up to {reached} of {wanted}"
            time.sleep(_POLL_S)


def progress(rows: Sequence[StoredRecord]) -> dict[int, list[int]]:
    """The offsets that `detection.progressed` names, by partition, in order."""
    found: dict[int, list[int]] = {}
    for row in rows:
        if row.kind is Kind.CONTROL:
            for control in decode_controls(row.value):
                assert isinstance(control, DetectionProgressed)
                assert control.partition == row.partition
                found.setdefault(row.partition, []).append(control.offset)
    return found


def points_of(rows: Sequence[StoredRecord], partition: int) -> list[Point]:
    """The rows of points of a partition, in order."""
    return [
        point
        for row in rows
        if row.partition == partition and row.kind is Kind.POINTS
        for point in decode_points(row.value)
    ]


def late_of(rows: Sequence[StoredRecord], partition: int) -> list[LateEvent]:
    """The late events of a partition, in order."""
    return [
        late for row in rows if row.partition == partition and row.kind is Kind.LATE for late in _late.decode(row.value)
    ]


class Feed:
    """A random delivery for every partition, and what must come of it."""

    def __init__(self, partitions: int, events: int, seed: int, record_max: int = 8) -> None:
        self.partitions = partitions
        self._documents = [random_document(seed + number, lateness=False) for number in range(partitions)]
        self._events = [random_stream(seed + number, events, self._documents[number]) for number in range(partitions)]
        self._deliveries = [
            arrivals.random_delivery(
                seed + number, self._events[number], documents=[self._documents[number]], record_max=record_max
            )
            for number in range(partitions)
        ]

    def steps(self) -> list[list[Record]]:
        """What ingest appends, step by step: the next record of each partition that has one."""
        columns = [
            [record_of(number, item) for item in delivery.items] for number, delivery in enumerate(self._deliveries)
        ]
        longest = max(len(column) for column in columns)
        return [[column[row] for column in columns if row < len(column)] for row in range(longest)]

    def assert_detected(self, rows: Sequence[StoredRecord]) -> int:
        """The points in force are those of the definitions, and no row stands twice or is missing; their number."""
        total = 0
        for offsets in progress(rows).values():
            assert offsets == sorted(set(offsets)), "every checkpoint goes on where the one before it ended"
        for number, delivery in enumerate(self._deliveries):
            assert len(late_of(rows, number)) == _late_events_counted(rows, number)
            in_force = points_in_force(points_of(rows, number))
            versions: Mapping[str, Any] = {"version_of": delivery.version_of, "documents": delivery.documents}
            events, document = self._events[number], self._documents[number]
            total += assert_as_defined(in_force, events, delivery.now_us, document, **versions)
        return total


def _late_events_counted(rows: Sequence[StoredRecord], partition: int) -> int:
    """What the last `detection.progressed` of a partition says."""
    last = [row for row in rows if row.partition == partition and row.kind is Kind.CONTROL][-1]
    [control] = decode_controls(last.value)
    assert isinstance(control, DetectionProgressed)
    return control.late_events


def record_of(partition: int, item: arrivals.Item) -> Record:
    """An item of a delivery as a record of the log."""
    if isinstance(item, arrivals.Record):
        return events_record(partition, item.events)
    return control_record(partition, _control(item))


def events_record(partition: int, events: Sequence[Mapping[str, Any]]) -> Record:
    """A record of events as a gateway stores them."""
    return Record(partition, Kind.EVENTS, msgspec.json.encode([stored(event) for event in events]), len(events))


def control_record(partition: int, control: Any) -> Record:
    """A record of one control event."""
    return Record(partition, Kind.CONTROL, msgspec.json.encode([control]), 1)


def _control(item: arrivals.Item) -> Any:
    match item:
        case arrivals.Tick(now_us=now_us):
            return ClockTicked(to_text(now_us))
        case arrivals.Published(version=version, document=document):
            return RulesPublished(version, {"service": {}, "source": {}, "minutes": {}, **document})
        case arrivals.ImportStarted(source=source):
            return ImportStarted(source)
        case arrivals.ImportFinished(source=source):
            return ImportFinished(source)
    raise AssertionError(item)
