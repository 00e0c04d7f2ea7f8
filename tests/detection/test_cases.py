"""The hand-written cases of the definitions, in order and in the worst order."""

from typing import Any

import pytest

from shared.journey.control import ClockTicked, RulesPublished
from shared.journey.instants import to_text
from tests.detection.comparison import assert_as_defined
from tests.detection.driver import Driver, points_in_force
from tests.reference.case import Case
from tests.reference.cases import CASES

MANY = 200
"""Longer cases come in one record: one by one and backwards they fold the whole tail for each event."""


def published(document: dict[str, Any], version: int = 1) -> RulesPublished:
    """The record that puts a document in force, whatever the lateness."""
    year_s = 400 * 86_400
    sources = {source: {"lateness_s": year_s} for source in ("/test", "/a", "/b")}
    return RulesPublished(version, {"service": {}, "minutes": {}, **document, "source": sources})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("order", ["in order", "backwards", "in one record", "after the clock"])
def test_case(case: Case, order: str) -> None:
    """Each case gives the points of the page, in whatever order its events come."""
    driver = Driver()
    driver.control(published(case.document))
    events = sorted(case.events, key=lambda event: (event["time"], event["source"], event["id"]))
    if len(events) > MANY:
        order = "in one record"
    if order == "backwards":
        events = _no_later_than_allowed(events)
    if order == "after the clock":
        driver.control(ClockTicked(to_text(case.now_us)))
    if order == "in one record":
        driver.events(events)
    else:
        for event in events:
            driver.events([event])
    driver.control(ClockTicked(to_text(case.now_us)))
    driver.checkpoint()
    assert_as_defined(points_in_force(driver.rows), case.events, case.now_us, case.document)


def _no_later_than_allowed(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Backwards in runs that span no more than the limit of an unnamed source, 24 hours."""
    runs: list[list[dict[str, Any]]] = []
    for event in events:
        if runs and event["time"][:10] == runs[-1][0]["time"][:10]:
            runs[-1].append(event)
        else:
            runs.append([event])
    return [event for run in runs for event in reversed(run)]
