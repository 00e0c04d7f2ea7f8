"""Orders of arrival in which no event is late, with repetitions, records, ticks, imports, rule versions and crashes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.reference.journeys import instant_us, seconds_us
from tests.reference.rule_settings import DAY_S, HOUR_S, LATENESS_S
from tests.strategies.choosers import Chooser, DrawnChooser, SeededChooser

Event = dict[str, Any]
Identity = tuple[str, str]

FINAL_TICK_S = 3_000 * DAY_S
"""The last tick lies so far after the last time or due that every timer has fired."""


@dataclass(frozen=True)
class Record:
    """Events that arrive in one record of the log."""

    events: list[Event]


@dataclass(frozen=True)
class Tick:
    """A `clock.ticked`: growing, and arbitrary against the events' times."""

    now_us: int


@dataclass(frozen=True)
class Published:
    """A `rules.published`. The first item of a delivery is version 1."""

    version: int
    document: Mapping[str, Any]


@dataclass(frozen=True)
class ImportStarted:
    """An `import.started` of a source."""

    source: str


@dataclass(frozen=True)
class ImportFinished:
    """An `import.finished` of a source."""

    source: str


Item = Record | Tick | Published | ImportStarted | ImportFinished


@dataclass(frozen=True)
class Delivery:
    """What a detector is given. A crash happens just before the item of each index in `crashes` is folded.

    `now_us` is the last tick. `versions` is the version of the rules in which each identity first arrives, `documents` the
    documents by version: what `points_in_force` takes as `version_of` and `documents`.
    """

    items: list[Item]
    crashes: list[int]
    now_us: int
    versions: dict[Identity, int]
    documents: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    def version_of(self, identity: Identity) -> int:
        """The version in which an identity first arrives."""
        return self.versions[identity]


def limit_of_24_hours(_source: str) -> float:
    """The lateness limit of every source by default, in seconds."""
    return LATENESS_S


@st.composite
def arrivals(
    draw: st.DrawFn,
    events: Sequence[Event],
    lateness_s: Callable[[str], float] = limit_of_24_hours,
    documents: Sequence[Mapping[str, Any]] = (),
    record_max: int = 8,
) -> Delivery:
    """Deliveries of the events. `lateness_s` gives a source's limit; `documents` are published in turn as versions 1, 2, …

    All documents must give every source the same limit: then no event is late, whichever version is in force.
    """
    return choose_delivery(DrawnChooser(draw), events, lateness_s, documents, record_max)


def random_delivery(
    seed: int,
    events: Sequence[Event],
    lateness_s: Callable[[str], float] = limit_of_24_hours,
    documents: Sequence[Mapping[str, Any]] = (),
    record_max: int = 500,
) -> Delivery:
    """The same for a seed."""
    return choose_delivery(SeededChooser(Random(seed)), events, lateness_s, documents, record_max)


def choose_delivery(
    choose: Chooser,
    events: Sequence[Event],
    lateness_s: Callable[[str], float],
    documents: Sequence[Mapping[str, Any]],
    record_max: int,
) -> Delivery:
    """Order, repeat, cut into records, and put the other items between."""
    order = _with_repetitions(choose, arrival_order(choose, events, lateness_s))
    items = _items(choose, order, record_max)
    now_us = max((_latest_us(event) for event in events), default=0) + seconds_us(FINAL_TICK_S)
    _insert_import(choose, items, events)
    _insert_versions(choose, items, documents)
    items.append(Tick(now_us))
    crashes = sorted({choose.integer(0, len(items) - 1) for _ in range(choose.pick((0, 1, 2, 4)))})
    return Delivery(items, crashes, now_us, _versions(items), dict(enumerate(documents, start=1)))


def arrival_order(choose: Chooser, events: Sequence[Event], lateness_s: Callable[[str], float]) -> list[Event]:
    """Each event waits between nothing and its source's limit; equal instants of arrival come in any order.

    So an event that comes after another of its journey is behind it by no more than its own wait, and any order in which no
    event is late can come about. Each journey as a whole waits too, so that journeys interleave.
    """
    waits_us: dict[tuple[str | None, str], int] = {}
    keyed = []
    for number, event in enumerate(events):
        owner = (event.get("subject"), event["data"]["service"])
        if owner not in waits_us:
            waits_us[owner] = seconds_us(choose.pick((0, HOUR_S, DAY_S, 30 * DAY_S)))
        limit_us = seconds_us(lateness_s(event["source"]))
        wait_us = choose.pick((0, 0, limit_us, limit_us, limit_us // 2, choose.integer(0, limit_us)))
        arrival_us = instant_us(event["time"]) + waits_us[owner] + wait_us
        keyed.append((arrival_us, choose.integer(0, 3), number, event))
    return [event for *_, event in sorted(keyed, key=lambda entry: entry[:3])]


def _with_repetitions(choose: Chooser, order: list[Event]) -> list[Event]:
    """Some events come again, soon after or much later, some more than once."""
    placed = [(float(place), event) for place, event in enumerate(order)]
    for place, event in enumerate(order):
        for _ in range(choose.pick((0, 0, 0, 0, 0, 0, 1, 2))):
            again = choose.pick((place, min(place + 2, len(order)), choose.integer(place, len(order))))
            placed.append((again + 0.5, event))
    return [event for _, event in sorted(placed, key=lambda entry: entry[0])]


def _items(choose: Chooser, order: list[Event], record_max: int) -> list[Item]:
    """Records of one to `record_max` events, ticks between some of them."""
    items: list[Item] = []
    now_us = min((instant_us(event["time"]) for event in order), default=0) - seconds_us(DAY_S)
    rest = order
    while rest:
        size = min(record_max, choose.pick((1, 1, 2, 4, record_max)))
        items.append(Record(rest[:size]))
        latest_us = max(instant_us(event["time"]) for event in rest[:size])
        rest = rest[size:]
        if choose.chance(50):
            seen_us = latest_us + seconds_us(choose.pick((0, 60, 61, HOUR_S, DAY_S, 8 * DAY_S)))
            arbitrary_us = now_us + seconds_us(choose.pick((1, HOUR_S, 30 * DAY_S)))
            now_us = max(now_us + 1, seen_us if choose.chance(80) else arbitrary_us)
            items.append(Tick(now_us))
    return items


def _insert_import(choose: Chooser, items: list[Item], events: Sequence[Event]) -> None:
    """Sometimes one source runs as an import for a part of the time, or several times."""
    for _ in range(choose.pick((0, 0, 1, 2)) if events else 0):
        source = choose.pick(sorted({event["source"] for event in events}))
        start = choose.integer(0, len(items))
        items.insert(start, ImportStarted(source))
        items.insert(choose.integer(start + 1, len(items)), ImportFinished(source))


def _insert_versions(choose: Chooser, items: list[Item], documents: Sequence[Mapping[str, Any]]) -> None:
    """Version 1 first, the others anywhere, in turn."""
    place = 0
    for version, document in enumerate(documents, start=1):
        items.insert(place, Published(version, document))
        place = choose.integer(place + 1, len(items))


def _versions(items: Sequence[Item]) -> dict[Identity, int]:
    versions: dict[Identity, int] = {}
    version = 1
    for item in items:
        if isinstance(item, Published):
            version = item.version
        if isinstance(item, Record):
            for event in item.events:
                versions.setdefault((event["source"], event["id"]), version)
    return versions


def _latest_us(event: Event) -> int:
    """The event's time or its due, whichever is later."""
    return max(instant_us(event["time"]), instant_us(event["data"].get("due", event["time"])))
