"""Contacts that turn unserved, or served after all, after others have been compared with them."""

from random import Random
from typing import Any

import pytest

from shared.detection.settings import DEFAULTS
from shared.journey.control import ClockTicked, RulesPublished
from shared.journey.instants import to_text
from tests.detection.comparison import assert_as_defined
from tests.detection.driver import Driver, points_in_force
from tests.reference.case import LONG_AFTER_US, event
from tests.reference.rule_settings import resolved

TYPES = ("call.queued", "call.queued", "call.abandoned", "call.answered", "call.rejected", "contact.made", "form.step")


def busy_day(seed: int, contacts: int, hours: int) -> list[dict[str, Any]]:
    """Contacts of one citizen, close together, on a few matters and channels, that are missed and served in between."""
    choose = Random(seed)
    events = []
    for number in range(60):
        fields: dict[str, Any] = {"channel": choose.choice(("phone", "web"))}
        if choose.random() < 0.85:
            fields["contact"] = f"c{choose.randrange(contacts)}"
        if choose.random() < 0.4:
            fields["matter"] = choose.choice(("leak", "noise"))
        if choose.random() < 0.1:
            fields["invited"] = True
        seconds = choose.randrange(0, hours * 3_600, choose.choice((1, 300, 3_600)))
        events.append(event(f"{number:02}", choose.choice(TYPES), seconds, **fields))
    return events


def check(events: list[dict[str, Any]], record_events: int) -> int:
    """Fold in records of so many events, compare with the definitions; the number of points."""
    driver = Driver()
    driver.control(RulesPublished(1, {**DEFAULTS, "minutes": {}, "source": {"/test": {"lateness_s": 30 * 86_400}}}))
    for first in range(0, len(events), record_events):
        driver.events(events[first : first + record_events])
        driver.checkpoint()
    driver.control(ClockTicked(to_text(LONG_AFTER_US)))
    driver.checkpoint()
    return assert_as_defined(points_in_force(driver.rows), events, LONG_AFTER_US, resolved({}))


@pytest.mark.parametrize(("contacts", "hours"), [(3, 2), (6, 8), (12, 30), (30, 20), (20, 72)])
def test_busy_days(contacts: int, hours: int) -> None:
    """In order and shuffled, in records of one and of many: the points are those of the definitions."""
    points = 0
    for seed in range(25):
        events = busy_day(seed, contacts, hours)
        in_order = sorted(events, key=lambda each: (each["time"], each["source"], each["id"]))
        points += check(in_order, 1) + check(in_order, 7) + check(events, 9)
    assert points > 200


def test_a_contact_missed_afterwards_counts_no_longer() -> None:
    """Two later contacts compared with it: one finds an earlier contact instead, the other was never concerned."""
    events = [
        event("a", "contact.made", 0, contact="A"),
        event("x", "call.queued", 1_000, contact="X"),
        event("y", "contact.made", 2_000, contact="Y"),
        event("z", "contact.made", 3_000, contact="Z"),
        event("w", "contact.made", 4_000, contact="W"),
        event("x2", "call.abandoned", 5_000, contact="X"),
        event("v", "contact.made", 6_000, contact="V"),
        event("x3", "call.answered", 7_000, contact="X"),
    ]
    assert check(events, 1) == check(list(reversed(events)), 1) > 4
