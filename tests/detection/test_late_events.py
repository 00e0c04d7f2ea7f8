"""Late events: stored and reported by others, and of no effect on points."""

from shared.detection.journey import MIN_MARK_EVENTS
from shared.detection.settings import DEFAULTS, merged
from shared.journey.control import ClockTicked, RulesPublished
from shared.journey.instants import DAY_US, to_text
from tests.detection.driver import Driver, points_in_force
from tests.reference.case import LONG_AFTER_US, START_US, event

DAY_S = 86_400


def started(lateness_s: float | None = None) -> Driver:
    """A detector with the default rules, and perhaps another lateness limit for the source of the tests."""
    driver = Driver()
    source = {} if lateness_s is None else {"/test": {"lateness_s": lateness_s}}
    driver.control(RulesPublished(1, merged(DEFAULTS, {"source": source})))
    return driver


def finished(driver: Driver) -> set[tuple[str, str]]:
    """The points in force at the end, as (rule, anchor)."""
    driver.control(ClockTicked(to_text(LONG_AFTER_US)))
    driver.checkpoint()
    return {(point.rule, point.anchor) for point in points_in_force(driver.rows).values()}


def test_exactly_at_the_limit_is_not_late() -> None:
    """The limit is inclusive: an event 24 hours behind still counts, one microsecond more is late."""
    for seconds, points in ((0.0, {("repeat_contact", "b")}), (-0.000_001, set())):
        driver = started()
        driver.events([event("b", "contact.made", DAY_S)])
        driver.events([event("a", "contact.made", seconds)])
        assert finished(driver) == points
        assert [late.id for late in driver.late_events] == ([] if points else ["a"])


def test_a_late_event_is_reported_with_its_copy() -> None:
    """The report names the copy, its journey, and how far behind it came."""
    driver = started()
    driver.events([event("b", "contact.made", 3 * DAY_S), event("a", "contact.made", 0, source="/phone")])
    driver.checkpoint()
    (late,) = driver.late_events
    assert (late.source, late.id, late.subject, late.service) == ("/phone", "a", "p1-ann", "aid")
    assert late.recordedtime == "2026-01-01T00:00:00.000000Z"
    assert late.time == to_text(START_US)
    assert late.behind_s == 3 * DAY_S
    assert driver.partition.counts.late == 1


def test_a_source_with_a_longer_limit_may_come_later() -> None:
    """A limit of seven days lets an event come seven days behind, also after a restart."""
    driver = started(7 * DAY_S)
    driver.events([event("b", "contact.made", 6 * DAY_S)])
    driver.checkpoint()
    driver.crash()
    driver.events([event("a", "contact.made", 0)])
    assert finished(driver) == {("repeat_contact", "b")}
    assert driver.late_events == []


def test_a_longer_limit_does_not_reach_behind_what_is_settled() -> None:
    """Where a limit is raised later, what the tail no longer holds stays late: it cannot be folded any more."""
    driver = started()
    driver.events([event(f"a{number:02}", "page.viewed", number) for number in range(2 * MIN_MARK_EVENTS)])
    driver.events([event("c", "contact.made", 3 * DAY_S)])
    driver.control(RulesPublished(2, merged(DEFAULTS, {"source": {"/test": {"lateness_s": 30 * DAY_S}}})))
    driver.events([event("b", "contact.made", -1)])
    driver.events([event("d", "contact.made", 2 * DAY_S)])
    finished(driver)
    assert [late.id for late in driver.late_events] == ["b"]


def test_an_event_without_subject_is_in_no_journey() -> None:
    """It is counted, and no rule sees it."""
    driver = started()
    driver.events([event("a", "call.rejected", 0, subject=None)])
    assert finished(driver) == set()
    assert driver.partition.counts.without_journey == 1


def test_repeats_change_nothing() -> None:
    """A repeat in the tail is dropped and counted; the rows of output stay the same."""
    driver = started()
    driver.events([event("a", "call.rejected", 0), event("b", "call.rejected", 60)])
    driver.checkpoint()
    rows = list(driver.rows)
    driver.events([event("a", "call.rejected", 0)])
    driver.events([event("b", "call.rejected", 60)])
    driver.checkpoint()
    assert driver.rows == rows
    assert driver.partition.counts.duplicates == 2


def test_a_provisional_point_is_taken_back_by_an_event_in_time() -> None:
    """The clock passes a form's window first; the submission from before the window's end takes the point back."""
    driver = started()
    driver.events([event("a", "form.started", 0)])
    driver.control(ClockTicked(to_text(START_US + DAY_US + 59_999_999)))
    assert driver.partition.counts.points == 0
    driver.control(ClockTicked(to_text(START_US + DAY_US + 60_000_000)))
    assert driver.partition.counts.points == 1
    driver.events([event("b", "form.submitted", DAY_S)])
    assert driver.partition.counts.retractions == 1
    assert finished(driver) == set()
