"""Failure demand by numbers against failure demand by names, where both are hard to tell apart."""

from random import Random
from typing import Any

import pytest

from services.insights.figures import overview_demand, overview_demand_sql
from services.insights.figures.overview_demand import Demand, demand
from services.insights.figures.overview_demand_sql import demand_by_names, demand_question
from services.insights.figures.summaries import answer
from services.insights.filters import Filters
from shared.detection.settings import DEFAULTS, RuleBook
from shared.journey.vocabulary import CONTACT_TYPES, FORM_TYPES
from shared.store.client import Store
from shared.store.migrate import FOLDER
from tests.insights import seed
from tests.insights.seed import event, instant_us

BOOK = RuleBook(DEFAULTS | {"service": {"permit": {"failure_demand": {"window_s": 86_400}}}}, 1)
KINDS = ("contact.made", "call.queued", "call.rejected", "form.started", "form.error", "message.received")


def some_events(seed_number: int) -> list[dict[str, Any]]:
    """Contacts and others of few people, many of them at the very same minute."""
    random = Random(seed_number)
    return [
        event(
            f"e{random.randrange(10**6)}-{number}",
            random.choice(KINDS),
            f"2026-06-{random.randrange(1, 25):02}T09:0{random.randrange(2)}:00.000000Z",
            f"p1-{random.randrange(12)}",
            random.choice(["aid", "permit"]),
            channel=random.choice(["web", "phone", "counter"]),
            territory=random.choice(["north/one", "north/two", "south"]),
            source=random.choice(["/a", "/b"]),
            **({"invited": True} if random.random() < 0.1 else {}),
        )
        for number in range(200)
    ]


def filled(store: Store, seed_number: int) -> None:
    """Events and points, of which some were taken back and some of these came again."""
    events = some_events(seed_number)
    seed.insert(store.writer(), seed.Kind.EVENTS, events)
    points = []
    for place, found in enumerate(seed.point_rows(events)):
        minutes = {
            "minutes_citizen": float(place % 7) if place % 3 else None,
            "minutes_administration": 1.5 if place % 2 else None,
        }
        point = {**found, **minutes}
        points.append(point)
        if place % 4 == 0:
            points.append(seed.retraction(point))
        if place % 8 == 0:
            points.append({**point, "revision": 3})
    seed.insert(store.writer(), seed.Kind.POINTS, points)


def by_names(store: Store, filters: Filters) -> Demand:
    """All contacts by the names of events and people."""
    (row,) = answer(store, demand_by_names(filters, BOOK))
    return overview_demand._demand(row)


def periods() -> list[Filters]:
    """Every filter that applies."""
    edges = {"from_us": instant_us("2026-06-05T00:00:00Z"), "to_us": instant_us("2026-06-20T00:00:00Z")}
    return [
        Filters(),
        Filters(**edges),
        Filters(service="permit", **edges),
        Filters(channel="phone", **edges),
        Filters(territory="north", **edges),
        Filters(source="/a", service="aid"),
        Filters(territory="nowhere"),
    ]


@pytest.mark.parametrize("number", range(3))
def test_both_ways_agree(empty_store: Store, number: int) -> None:
    """Events of one instant, points taken back, windows of a service's own, and every filter; some people are told by name."""
    filled(empty_store, number)
    (row,) = answer(empty_store, demand_question(Filters(), BOOK))
    assert 0 < len(row["tied"]) < 24
    for filters in periods():
        found, exact = demand(empty_store, filters, BOOK), by_names(empty_store, filters)
        assert (found.contacts, found.avoidable, found.sums) == (exact.contacts, exact.avoidable, exact.sums)
        assert (found.known_citizen, found.known_administration) == (exact.known_citizen, exact.known_administration)
        assert found.minutes_citizen == pytest.approx(exact.minutes_citizen)
        assert found.minutes_administration == pytest.approx(exact.minutes_administration)
    assert demand(empty_store, Filters(), BOOK).avoidable > 10


def test_of_many_such_people_all_are_told_by_name(empty_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is the same where more people are in doubt than are named one by one."""
    filled(empty_store, 1)
    expected = demand(empty_store, Filters(), BOOK)
    for module in (overview_demand, overview_demand_sql):
        monkeypatch.setattr(module, "MAX_TIED", 2)
    assert demand(empty_store, Filters(), BOOK) == expected


def test_the_tables_know_the_types_of_the_vocabulary() -> None:
    """Columns that follow from the types of contacts and forms are of those types: another needs a new migration."""
    text = (FOLDER / "0010_journey_numbers.sql").read_text()
    for types, times in ((CONTACT_TYPES, 2), (FORM_TYPES, 1)):
        assert text.count("(" + ", ".join(f"'{kind}'" for kind in sorted(types)) + ")") == times
