"""Runs deliveries through the detector of one partition as its hosts do, and gives the points in force at the end."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from shared.detection.occurrence import decode_arrivals
from shared.detection.partition import SEPARATOR, Partition
from shared.detection.partition_state import PartitionState
from shared.journey.control import ClockTicked, ImportFinished, ImportStarted, RulesPublished
from shared.journey.instants import from_text, to_text
from shared.journey.point import LateEvent, Point
from tests.strategies import arrivals

_state_decoder = msgspec.msgpack.Decoder(PartitionState)


class Records:
    """The records of a checkpoint, in a dictionary."""

    def __init__(self) -> None:
        self.by_key: dict[str, tuple[bytes, int, str]] = {}

    def load(self, key: str) -> bytes | None:
        found = self.by_key.get(key)
        return None if found is None else found[0]


class Driver:
    """A host of one partition, with checkpoints and crashes; `rows` is what it has written durably."""

    def __init__(self, *, hot_journeys: int = 3, young_journeys: int = 2) -> None:
        self.records = Records()
        self.rows: list[Point] = []
        self.late_events: list[LateEvent] = []
        self._sizes = (hot_journeys, young_journeys)
        self._saved: bytes | None = None
        self._log: list[Callable[[int], None]] = []
        self._saved_offset = self._said_offset = 0
        self.partition = self._start()

    def _start(self) -> Partition:
        hot, young = self._sizes
        partition = Partition(0, self.records, hot_journeys=hot, young_journeys=young)
        if self._saved is not None:
            timers = [(timer, clock, key) for key, (_, timer, clock) in self.records.by_key.items() if timer]
            partition.restore(_state_decoder.decode(self._saved), timers)
        return partition

    def crash(self) -> None:
        """Lose what was not checkpointed, start again, and read the log from where the journeys are."""
        self.partition = self._start()
        for offset in range(self._saved_offset, len(self._log)):
            self._log[offset](offset)
            if offset < self._said_offset:
                self.partition.said()

    def checkpoint(self, *, whole: bool = True) -> None:
        """Make durable what was said since the last one, and the journeys if it is `whole`."""
        self.rows += self.partition.points
        self.late_events += self.partition.late_events
        self._said_offset = len(self._log)
        self.partition.said()
        if not whole:
            return
        state, changed = self.partition.changes()
        self._saved = msgspec.msgpack.encode(state)
        for each in changed:
            self.records.by_key[each.key] = (each.record, each.timer_us, each.clock)
        self._saved_offset = len(self._log)
        self.partition.saved()

    def events(self, events: list[dict[str, Any]]) -> None:
        """A record of events, as ingest writes them."""
        value = msgspec.json.encode([stored(event) for event in events])
        self._append(lambda offset: self.partition.fold_events(offset, decode_arrivals(value)))

    def control(self, control: Any) -> None:
        """A control record."""
        self._append(lambda offset: self.partition.control(offset, control))

    def _append(self, apply: Callable[[int], None]) -> None:
        self._log.append(apply)
        apply(len(self._log) - 1)

    def deliver(self, delivery: arrivals.Delivery, checkpoint_every: int = 3) -> None:
        """All items of a delivery, with its crashes; every other checkpoint leaves the journeys for the next."""
        for index, item in enumerate(delivery.items):
            if index in delivery.crashes:
                self.crash()
            match item:
                case arrivals.Record(events=events):
                    self.events(events)
                case arrivals.Tick(now_us=now_us):
                    self.control(ClockTicked(to_text(now_us)))
                case arrivals.Published(version=version, document=document):
                    self.control(RulesPublished(version, {"service": {}, "source": {}, "minutes": {}, **document}))
                case arrivals.ImportStarted(source=source):
                    self.control(ImportStarted(source))
                case arrivals.ImportFinished(source=source):
                    self.control(ImportFinished(source))
            if index % checkpoint_every == 0:
                self.checkpoint(whole=index // checkpoint_every % 2 == 0)
        self.checkpoint()


def stored(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as a gateway would have stored it: instants in UTC."""
    stored = {**event, "time": to_text(from_text(event["time"])), "recordedtime": "2026-01-01T00:00:00.000000Z"}
    data = {name: value for name, value in event["data"].items() if value != ""}
    if "due" in data:
        data["due"] = to_text(from_text(data["due"]))
    return {**stored, "data": data}


def points_in_force(rows: list[Point]) -> dict[str, Point]:
    """The latest revision of every point whose signs add up to one; fails on rows that contradict each other."""
    revisions: dict[tuple[str, str], int] = {}
    in_force: dict[str, Point] = {}
    for row in rows:
        owner = (row.subject, row.service)
        assert row.revision == revisions.get(owner, 0) + 1, "revisions run without gaps"
        revisions[owner] = row.revision
        if row.sign > 0:
            assert row.id not in in_force, "a point is given while it is in force"
            in_force[row.id] = row
        else:
            taken = in_force.pop(row.id)
            assert _content(taken) == _content(row), "a retraction repeats what it takes back"
    return in_force


def _content(point: Point) -> dict[str, Any]:
    return {
        name: value
        for name, value in msgspec.structs.asdict(point).items()
        if name not in {"revision", "sign", "partition", "offset"}
    }


def comparable(point: Point, cut_of: Callable[[str, str, str], int]) -> dict[str, Any]:
    """The point in the form of the reference."""
    found = _content(point)
    del found["id"]
    found["cut"] = cut_of(point.subject, point.service, found.pop("journey"))
    return found


__all__ = ["SEPARATOR", "Driver", "Records", "comparable", "points_in_force"]
