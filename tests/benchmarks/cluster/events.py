"""The stream that every engine gets, in the forms they read, and the points that must come of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any, Final, NamedTuple, Self

import msgspec

from shared.detection.occurrence import decode_arrivals
from shared.detection.partition import Partition
from shared.detection.settings import DEFAULTS, RULES, merged
from shared.journey.codec import join_encoded
from shared.journey.control import ClockTicked, RulesPublished
from shared.journey.event import Event, EventData
from shared.journey.instants import DAY_US, HOUR_US, SECOND_US, to_text
from shared.journey.vocabulary import CONTACT_TYPES
from shared.log.port import Kind
from tests.benchmarks.cluster.engines.two_rules import matters
from tests.benchmarks.folding import MemoryRecords
from tests.benchmarks.workload import ALL_RULES, SERVICE, START_US, EventMaker, pseudonyms

SPAN_US: Final = 10 * DAY_US
TICK_EVENTS: Final = 500
"""The clock ticks after so many events, whatever the size of the records."""
COMPARED: Final = frozenset({"repeat_contact", "error_loop"})
TWO_RULES: Final = merged(DEFAULTS, {rule: {"enabled": rule in COMPARED} for rule in RULES})
RULE_SETS: Final[Mapping[str, Mapping[str, Any]]] = {"two": TWO_RULES, "eighteen": ALL_RULES}

Found = frozenset[tuple[str, str]]
"""Rule and id of the anchor, of every point in force."""


class Row(NamedTuple):
    """A record to produce."""

    key: bytes | None
    value: bytes
    kind: Kind | None
    items: int


class VisitMaker(EventMaker):
    """Contacts that end before the subject's next one begins: then two rules can be written without looking back."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._now_us = 0
        self._begun_us: dict[str, int] = {}

    def event(self, subject: str, time_us: int) -> Event:
        """As `EventMaker.event`."""
        self._now_us = time_us
        event = super().event(subject, time_us)
        if event.type in CONTACT_TYPES and event.data.contact is None:
            self._contacts.pop(subject, None)
        return event

    def _contact(self, subject: str) -> str:
        if self._now_us - self._begun_us.get(subject, 0) > 20 * HOUR_US:
            self._contacts.pop(subject, None)
        before = self._contacts.get(subject)
        contact = super()._contact(subject)
        if contact != before:
            self._begun_us[subject] = self._now_us
        return contact


def arriving(maker: VisitMaker, subjects: Sequence[str], count: int) -> Iterator[Event]:
    """Events in order. Who met an error at a form tries again within minutes, half of the time, and meets it again."""
    random, again = maker.random, list[tuple[int, str, str]]()
    for number in range(count):
        time_us = START_US + number * SPAN_US // count
        if again and again[0][0] <= time_us:
            _, subject, step = heappop(again)
            data = EventData(SERVICE, channel="web", step=step)
            event = Event(maker.uuid(), "/web/portal", "form.error", to_text(time_us), to_text(time_us), data, subject)
        else:
            event = maker.event(random.choice(subjects), time_us)
        if event.type == "form.error" and random.random() < 0.5:
            again_us = time_us + random.randrange(5, 300) * SECOND_US
            heappush(again, (again_us, event.subject or "", event.data.step or ""))
        yield event


class Workload:
    """Events in order, made before anything is timed. The first n of them are the stream of a slow engine."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.subjects: list[str] = []
        self.values: list[bytes] = []
        self.times: list[str] = []
        self._places: dict[str, int] = {}
        for number, event in enumerate(events):
            self.values.append(msgspec.json.encode(event))
            self.subjects.append(event.subject or "")
            self.times.append(event.time)
            self._places[event.id] = number
        self._found: Found | None = None

    @classmethod
    def made(cls, events: int, subjects: int, seed: int = 3) -> Self:
        """The realistic mix."""
        return cls(arriving(VisitMaker(seed), pseudonyms(subjects), events))

    def needed(self) -> "Workload":
        """Those of the events that the two rules need, about a quarter; the points are the same."""
        events = map(msgspec.json.Decoder(Event).decode, self.values)
        return Workload(event for event in events if matters(msgspec.to_builtins(event)))

    def logged(self, events: int, record_events: int, rules: str) -> Iterator[Row]:
        """As gateways store them: arrays of events, and between them the control records."""
        yield Row(None, msgspec.json.encode([RulesPublished(1, dict(RULE_SETS[rules]))]), Kind.CONTROL, 1)
        for start in range(0, events, record_events):
            end = min(start + record_events, events)
            yield Row(None, join_encoded(self.values[start:end]), Kind.EVENTS, end - start)
            if end % TICK_EVENTS < record_events or end == events:
                yield Row(None, msgspec.json.encode([ClockTicked(self.times[end - 1])]), Kind.CONTROL, 1)

    def usual(self, events: int, record_events: int) -> Iterator[Row]:
        """As other engines want them: one event keyed by its subject, or arrays keyed by the partition."""
        if record_events == 1:
            for subject, value in zip(self.subjects[:events], self.values, strict=False):
                yield Row(subject.encode(), value, None, 1)
        else:
            for start in range(0, events, record_events):
                values = self.values[start : min(start + record_events, events)]
                yield Row(b"0", join_encoded(values), None, len(values))

    def expected(self, events: int) -> Found:
        """The points of the two rules over the first events, by the core of the detector."""
        if self._found is None:
            self._found = self._fold()
        return frozenset(point for point in self._found if self._places[point[1]] < events)

    def _fold(self) -> Found:
        partition = Partition(0, MemoryRecords(), hot_journeys=1_000_000, young_journeys=0)
        partition.control(0, RulesPublished(1, dict(TWO_RULES)))
        for start in range(0, len(self.values), TICK_EVENTS):
            partition.fold_events(start, decode_arrivals(join_encoded(self.values[start : start + TICK_EVENTS])))
        assert partition.counts.retractions == 0, "the stream is made so that no point is taken back"
        assert partition.counts.late == 0
        return frozenset((point.rule, point.anchor) for point in partition.points)


def in_force(rows: Sequence[Mapping[str, Any]]) -> Found:
    """Rule and anchor of rows of points; a row without a sign is a point."""
    signs: dict[tuple[str, str], int] = {}
    for row in rows:
        name = (row["rule"], row["anchor"])
        signs[name] = signs.get(name, 0) + row.get("sign", 1)
    assert set(signs.values()) <= {0, 1}, "a point stands twice"
    return frozenset(name for name, sign in signs.items() if sign)
