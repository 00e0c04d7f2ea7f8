"""Journeys of a period and of the one before, counted in one question, against each period counted by itself."""

from random import Random
from typing import Any

import pytest
from msgspec import structs

from services.insights.figures.overview_journeys import NOTHING, in_short
from services.insights.figures.overview_periods import BEFORE, NOW, TwoPeriods, period_before
from services.insights.filters import Filters
from shared.journey.instants import DAY_US, HOUR_US, to_text
from shared.store.client import Store
from tests.insights import seed
from tests.insights.seed import event, instant_us

FIRST_US = instant_us("2025-12-01T00:00:00Z")
DAYS = 60
CHANNELS = ("web", "phone", "counter", "partner")
ENDS = ("case.decided", "case.closed")


def _of_a_person(chance: Random, number: int) -> list[dict[str, Any]]:
    """A form that is sent, ends otherwise, or does not end; up to three cases, some of which end, over the turn of the year."""
    place = {
        "service": chance.choice(["aid", "permit"]),
        "channel": chance.choice(CHANNELS),
        "territory": chance.choice(["north/one", "north/two", "south"]),
    }
    at_us = FIRST_US + chance.randrange(DAYS * DAY_US)
    events = []

    def then(kind: str, days: float, **data: Any) -> None:
        nonlocal at_us
        at_us += round(chance.random() * days * DAY_US)
        name = f"e{number}-{len(events)}"
        events.append(event(name, kind, to_text(at_us), f"p1-{number}", **{**place, **data}))

    if chance.random() < 0.6:
        then("form.started", 2)
        if chance.random() < 0.7:
            kind, data = chance.choice([("form.submitted", {}), ("form.step", {"outcome": "not_eligible"})])
            then(kind, 6, **data)
    for case in range(chance.choice([0, 1, 1, 3])):
        then("contact.made", 4, case=f"c{number}-{case}")
        if chance.random() < 0.7:
            then(chance.choice(ENDS), 8, case=f"c{number}-{case}")
    return events


@pytest.mark.parametrize("number", range(2))
def test_both_periods_are_counted_as_each_by_itself(empty_store: Store, number: int):
    """Under any filter, for periods of full days and of odd instants, and while the period shown is not over."""
    chance = Random(number)
    events = [each for person in range(120) for each in _of_a_person(chance, person)]
    seed.fill(empty_store.writer(), events)
    end_us = FIRST_US + (DAYS + 30) * DAY_US
    telling = 0
    for each in (
        Filters(), Filters(service="aid"), Filters(channel="phone"), Filters(territory="north"),
        Filters(service="permit", channel="web", territory="south"),
    ):  # fmt: skip
        for from_us, days in ((FIRST_US + 35 * DAY_US, 14), (FIRST_US + 30 * DAY_US + 5 * HOUR_US + 7, 20)):
            to_us = from_us + days * DAY_US
            now, before = each.on(from_us, to_us), each.on(*period_before(from_us, to_us))
            for data_end_us in (end_us, to_us - 3 * DAY_US):
                periods = TwoPeriods(now, before, data_end_us)
                found = in_short(empty_store, periods)
                until_us = periods.until_us(BEFORE)
                assert found == {
                    NOW: in_short(empty_store, structs.replace(periods, before=None))[NOW],
                    BEFORE: in_short(empty_store, TwoPeriods(before, None, until_us))[NOW],
                }, (number, each, days)
                telling += found[BEFORE] not in {found[NOW], NOTHING}
    assert telling > 10
