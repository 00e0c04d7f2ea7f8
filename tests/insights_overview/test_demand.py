"""Failure demand as it is stored, against failure demand by the names of events and people, through all that may happen to them."""

import contextlib
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from services.insights.figures import overview_demand_sql
from services.insights.figures.overview_demand import Demand, demand, demand_sums
from services.insights.figures.overview_ratio import Sums, ratio, read_sums
from services.insights.figures.summaries import answer
from services.insights.filters import Filters
from services.loader.assembly import Assembler, assemble_all
from shared.clock import now_us
from shared.detection.failure_demand import ANCHORING
from shared.detection.settings import DEFAULTS, RuleBook, merged
from shared.journey.vocabulary import CONTACT_TYPES, FORM_TYPES
from shared.store.client import Store
from shared.store.deletion import delete_subjects
from shared.store.migrate import FOLDER
from shared.store.recount import problems, recount
from tests.insights import seed
from tests.insights.seed import event, instant_us
from tests.insights_overview.demand_by_names import demand_by_names
from tests.loader.cut_off import Cut, Ends

BOOK = RuleBook(merged(DEFAULTS, {"service": {"permit": {"failure_demand": {"window_s": 86_400}}}}), 1)
SHORTER = RuleBook(merged(DEFAULTS, {"failure_demand": {"window_s": 3 * 86_400}}), 2)
KINDS = ("contact.made", "call.queued", "call.rejected", "form.started", "form.error", "message.received")
RULES = (*ANCHORING, "long_wait", "form_abandoned", "rework")
STATEMENTS = 21
"""A run of the assembler has fewer."""


def some_events(random: Random, first: int = 0, count: int = 200) -> list[dict[str, Any]]:
    """Contacts and others of few people, many of them at the very same minute."""
    return [
        event(
            f"e{random.randrange(10**6)}-{first + number}",
            random.choice(KINDS),
            f"2026-0{random.randrange(5, 8)}-{random.randrange(1, 25):02}T09:0{random.randrange(2)}:00.000000Z",
            f"p1-{random.randrange(12)}",
            random.choice(["aid", "permit"]),
            channel=random.choice(["web", "phone", "counter"]),
            territory=random.choice(["north/one", "north/two", "south"]),
            source=random.choice(["/a", "/b"]),
            **({"invited": True} if random.random() < 0.1 else {}),
        )
        for number in range(count)
    ]  # fmt: skip


def point_of(random: Random, anchor: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A point that some rule finds at an event, with minutes or without."""
    data = anchor["data"]
    rule = random.choice(RULES)
    return {
        "id": f"point-{number}", "revision": 1, "sign": 1, "rule": rule, "version": 1, "parameters": {}, "figures": {},
        "source": anchor["source"], "anchor": anchor["id"], "subject": anchor["subject"], "service": data["service"],
        "journey": f"j-{anchor['subject']}-{data['service']}", "channel": data["channel"], "step": "", "office": "",
        "territory": data["territory"], "case": "", "time": anchor["time"], "evidence": [], "evidence_sources": [],
        "minutes_citizen": random.choice([None, 3.25, 7.5]), "minutes_administration": random.choice([None, 1.5]),
        "partition": 0, "offset": number,
    }  # fmt: skip


class Site:
    """A store to which things happen in random order."""

    def __init__(self, store: Store, number: int) -> None:
        self.store = store
        self.book = BOOK
        self._random = Random(number)
        self._events: list[dict[str, Any]] = []
        self._points: list[dict[str, Any]] = []
        self._number = 0
        for _ in range(4):
            self._more_events()
            self._more_points()

    def happens(self) -> None:
        """One of: events, late points, points taken back and found again, a person deleted, other settings."""
        steps = [self._more_events, self._more_points, self._more_points, self._taken_back, self._deleted, self._set]
        self._random.choices(steps, [4, 2, 2, 3, 1, 2])[0]()

    def assemble(self) -> None:
        """A run that may end anywhere, in parts as small as may be."""
        bounds = {"max_keys": self._random.choice([1, 4, 100]), "max_events": self._random.choice([5, 20, 1_000])}
        client: Any = Ends(
            self.store.writer(), self._random.randrange(1, 2 * STATEMENTS), after=self._random.random() < 0.5
        )
        with contextlib.suppress(Cut):
            Assembler(lambda: client, lambda: self.book, now_us, **bounds).run_once()

    def _more_events(self) -> None:
        events = some_events(self._random, len(self._events), self._random.randrange(1, 40))
        self._events += events
        seed.insert(self.store.writer(), seed.Kind.EVENTS, [*events, *self._random.sample(self._events, 1)])

    def _more_points(self) -> None:
        if self._events:
            anchors = self._random.choices(self._events, k=self._random.randrange(1, 15))
            points = [point_of(self._random, each, self._number + place) for place, each in enumerate(anchors)]
            self._number += len(points)
            self._points += points
            seed.insert(self.store.writer(), seed.Kind.POINTS, points)

    def _taken_back(self) -> None:
        """As a later event or detecting again does it: taken back for good, or said again with other minutes."""
        rows = []
        for point in self._random.sample(self._points, min(len(self._points), 6)):
            self._points.remove(point)
            rows.append({**point, "sign": -1})
            if self._random.random() < 0.5:
                again = {**point, "revision": point["revision"] + 1, "minutes_citizen": 11.0}
                self._points.append(again)
                rows.append(again)
        seed.insert(self.store.writer(), seed.Kind.POINTS, rows)

    def _deleted(self) -> None:
        subject = f"p1-{self._random.randrange(12)}"
        self._events = [each for each in self._events if each["subject"] != subject]
        self._points = [each for each in self._points if each["subject"] != subject]
        delete_subjects(self.store, [subject])

    def _set(self) -> None:
        self.book = self._random.choice([BOOK, SHORTER])


def by_names(store: Store, filters: Filters, book: RuleBook) -> tuple[Demand, Sums]:
    """From the rows of events and points alone."""
    (row,) = answer(store, demand_by_names(filters, book))
    known = {name: int(row[name] or 0) for name in ("contacts", "avoidable", "known_citizen", "known_administration")}
    minutes = {
        f"minutes_{who}": None if not known[f"known_{who}"] else pytest.approx(row[f"minutes_{who}"])
        for who in ("citizen", "administration")
    }
    return Demand(**known, **minutes), read_sums(row["sums"])


def periods() -> list[Filters]:
    """Every filter that applies, on days, months with days about them, and an odd minute."""
    days = {"from_us": instant_us("2026-05-05T00:00:00Z"), "to_us": instant_us("2026-07-20T00:00:00Z")}
    minutes = {"from_us": instant_us("2026-06-05T09:01:00Z"), "to_us": instant_us("2026-06-20T09:01:00Z")}
    return [
        Filters(),
        Filters(**days),
        Filters(**minutes),
        Filters(service="permit", **days),
        Filters(channel="phone", **minutes),
        Filters(territory="north", **days),
        Filters(source="/a", service="aid"),
        Filters(territory="nowhere"),
    ]


def agree(store: Store, book: RuleBook) -> None:
    """Every answer is that of the rows."""
    for filters in periods():
        assert (demand(store, filters), demand_sums(store, filters)) == by_names(store, filters, book)


@pytest.mark.parametrize("number", range(3))
def test_stored_verdicts_are_those_of_the_rows(empty_store: Store, number: int) -> None:
    """Whatever happens in whatever order, and wherever runs end: once nothing waits, each contact counts once and rightly."""
    site = Site(empty_store, number)
    avoidable = 0
    for _ in range(4):
        for _ in range(6):
            site.happens()
            site.assemble()
        assemble_all(empty_store, site.book)
        agree(empty_store, site.book)
        avoidable = max(avoidable, demand(empty_store, Filters()).avoidable)
    assert avoidable > 5
    assert problems(recount(empty_store)) == {}


def test_a_run_that_ends_anywhere(empty_store: Store) -> None:
    """At every statement, before it runs and after: the next run writes what is missing, and nothing twice."""
    random = Random(1)
    events, points = some_events(random, count=900), 0
    for place in range(2 * (STATEMENTS - 1)):
        part = events[place * 28 : place * 28 + 28]
        seed.insert(empty_store.writer(), seed.Kind.EVENTS, part)
        found = [point_of(random, each, points + number) for number, each in enumerate(part[::3])]
        points += len(found)
        seed.insert(empty_store.writer(), seed.Kind.POINTS, found)
        client: Any = Ends(empty_store.writer(), place // 2 + 1, after=place % 2 == 1)
        with contextlib.suppress(Cut):
            Assembler(lambda client=client: client, lambda: BOOK, now_us).run_once()
        assemble_all(empty_store, BOOK)
        found_demand, _ = by_names(empty_store, Filters(), BOOK)
        assert demand(empty_store, Filters()) == found_demand
    assert problems(recount(empty_store)) == {}


def test_points_alone_have_contacts_judged_and_no_journey_written(empty_store: Store) -> None:
    """A point that comes later, and one that is taken back, change the verdict; journeys stay as they are."""
    random = Random(2)
    events = some_events(random)
    seed.insert(empty_store.writer(), seed.Kind.EVENTS, events)
    assemble_all(empty_store, BOOK)
    assert demand(empty_store, Filters()).avoidable == 0
    written = empty_store.query("SELECT max(version), count() FROM journeys").rows
    points = [point_of(random, each, number) for number, each in enumerate(events[:40])]
    for rows in (points, [seed.retraction(each) for each in points[:20]]):
        seed.insert(empty_store.writer(), seed.Kind.POINTS, rows)
        assert assemble_all(empty_store, BOOK) == 0
        agree(empty_store, BOOK)
        assert demand(empty_store, Filters()).avoidable > 0
    assert empty_store.query("SELECT max(version), count() FROM journeys").rows == written


def test_another_window_has_those_with_points_judged_again(empty_store: Store) -> None:
    """Where the setting changes, only keys that have points are noted, and only once; nobody's journeys are written again."""
    random = Random(3)
    events = some_events(random)
    seed.insert(empty_store.writer(), seed.Kind.EVENTS, events)
    seed.insert(
        empty_store.writer(),
        seed.Kind.POINTS,
        [point_of(random, each, place) for place, each in enumerate(events[:30])],
    )
    assemble_all(empty_store, BOOK)
    before = demand(empty_store, Filters())
    assert assemble_all(empty_store, SHORTER) == 0
    agree(empty_store, SHORTER)
    assert demand(empty_store, Filters()) != before
    again = Assembler(empty_store.writer, lambda: SHORTER, now_us).run_once()
    assert again.keys == 0


def test_people_who_are_deleted_leave_no_verdict(empty_store: Store) -> None:
    """Nothing of the person is left, in rows and in sums, and nothing comes back."""
    random = Random(4)
    events = some_events(random)
    seed.insert(empty_store.writer(), seed.Kind.EVENTS, events)
    assemble_all(empty_store, BOOK)
    delete_subjects(empty_store, ["p1-3"])
    assert empty_store.query("SELECT count() FROM judged_contacts WHERE subject = 'p1-3'").rows == [(0,)]
    agree(empty_store, BOOK)
    assemble_all(empty_store, BOOK)
    agree(empty_store, BOOK)


def test_the_spread_of_many_is_that_of_a_part(empty_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where contacts are many, counts stay those of all, and the interval comes from a part of the persons."""
    random = Random(5)
    events = [
        {**each, "subject": f"p1-{random.randrange(400)}"} for each in some_events(random, count=2_000)
    ]  # fmt: skip
    seed.insert(empty_store.writer(), seed.Kind.EVENTS, events)
    points = [point_of(random, each, place) for place, each in enumerate(events[:600])]
    seed.insert(empty_store.writer(), seed.Kind.POINTS, points)
    assemble_all(empty_store, BOOK)
    every = demand_sums(empty_store, Filters())
    monkeypatch.setattr(overview_demand_sql, "SAMPLED_CONTACTS", 500)
    part = demand_sums(empty_store, Filters())
    assert part != every
    assert (part.part, part.whole) == (every.part, every.whole)
    assert part.units == pytest.approx(every.units, rel=0.2)
    one, other = ratio(part), ratio(every)
    assert one is not None
    assert other is not None
    assert one.value == other.value
    width = (one.interval.high - one.interval.low) / (other.interval.high - other.interval.low)
    assert width == pytest.approx(1, abs=0.25)


def test_the_tables_know_the_types_of_the_vocabulary() -> None:
    """Columns that follow from the types of contacts and forms are of those types: another needs a new migration."""
    text = (FOLDER / "0010_journey_numbers.sql").read_text()
    for types, times in ((CONTACT_TYPES, 2), (FORM_TYPES, 1)):
        assert text.count("(" + ", ".join(f"'{kind}'" for kind in sorted(types)) + ")") == times
