"""The detector of one partition: rule versions, clocks, imports, memory, journeys that keep growing."""

from random import Random
from typing import Any

import pytest

from shared.detection.history import MAX_CACHED_SERVICES, RuleHistory
from shared.detection.journey import MARK_EVERY_EVENTS, MAX_TAIL_EVENTS, MIN_MARK_EVENTS, unpack
from shared.detection.partition import EVENTS_A_TICK, LONG_TAIL, MAX_WAITING, SEPARATOR
from shared.detection.settings import DEFAULTS, merged
from shared.errors import DetectionError
from shared.journey.control import ClockTicked, ImportFinished, ImportStarted, RulesPublished
from shared.journey.instants import DAY_US, to_text
from tests.detection.driver import Driver, points_in_force
from tests.reference.case import START_US, event

DAY_S = 86_400


def started(**overrides: Any) -> Driver:
    """A detector under the default rules, or others."""
    driver = Driver()
    driver.control(RulesPublished(1, merged(DEFAULTS, overrides)))
    return driver


def tick(driver: Driver, seconds: float) -> None:
    """A tick so many seconds after the start of every case."""
    driver.control(ClockTicked(to_text(START_US + round(seconds * 1_000_000))))


def in_force(driver: Driver) -> set[tuple[str, str]]:
    """(rule, anchor) of the points in force."""
    driver.checkpoint()
    return {(point.rule, point.anchor) for point in points_in_force(driver.rows).values()}


def test_an_event_keeps_the_version_of_its_first_fold() -> None:
    """Folded again under newer rules, an event is still judged by those it first met."""
    driver = started(low_rating={"limit": 1})
    driver.events([event("b", "feedback.given", 60, rating=2)])
    driver.control(RulesPublished(2, DEFAULTS))
    assert driver.partition.version == 2
    driver.events([event("a", "feedback.given", 0, rating=2)])
    assert in_force(driver) == {("low_rating", "a")}


def test_a_version_published_again_changes_nothing() -> None:
    """A repeat of `rules.published` is harmless, also after a newer version: the later record is in force."""
    driver = started()
    driver.control(RulesPublished(1, merged(DEFAULTS, {"turned_away": {"enabled": False}})))
    driver.events([event("a", "call.rejected", 0)])
    assert in_force(driver) == {("turned_away", "a")}


def test_before_anything_is_published_the_defaults_hold() -> None:
    """A log without `rules.published` is folded by the defaults, as version 0."""
    driver = Driver()
    driver.events([event("a", "call.rejected", 0)])
    assert in_force(driver) == {("turned_away", "a")}
    assert driver.rows[0].version == 0


def test_a_version_that_was_never_published_stops_the_detector() -> None:
    """It names the version: the state belongs to another log."""
    with pytest.raises(DetectionError, match="version 7"):
        RuleHistory().of_service("aid")[7]


def test_rules_of_any_number_of_services_take_bounded_room() -> None:
    """Publishers choose the names of services; what is kept per service is bounded."""
    history = RuleHistory()
    first = history.of_service("0")
    for number in range(MAX_CACHED_SERVICES + 1):
        history.of_service(str(number))
    assert history.of_service("0") is not first
    assert history.of_service("0")[0] is first[0]


def test_an_import_goes_by_its_own_time_while_it_runs() -> None:
    """A form abandoned in the past is a point once the import itself is further, whatever the ticks say."""
    driver = started()
    tick(driver, 400 * DAY_S)
    driver.control(ImportStarted("/test"))
    driver.control(ImportStarted("/test"))
    driver.events([event("a", "form.started", 0)])
    tick(driver, 401 * DAY_S)
    assert in_force(driver) == set()
    driver.events([event("b", "page.viewed", DAY_S + 59, subject="p1-bob")])
    assert in_force(driver) == set()
    driver.events([event("c", "page.viewed", DAY_S + 60, subject="p1-bob")])
    assert in_force(driver) == {("form_abandoned", "a")}


def test_when_an_import_is_finished_the_last_tick_holds() -> None:
    """What the import's own time had not reached is decided by the clock at once; also after a restart."""
    driver = started()
    tick(driver, 400 * DAY_S)
    driver.control(ImportStarted("/test"))
    driver.events([event("a", "form.started", 0)])
    driver.checkpoint()
    driver.crash()
    assert in_force(driver) == set()
    driver.control(ImportFinished("/test"))
    driver.control(ImportFinished("/test"))
    assert in_force(driver) == {("form_abandoned", "a")}


def test_a_second_import_of_the_same_source_takes_its_journeys_back() -> None:
    """A timer set by the live clock waits for the import's own time when the import runs again."""
    driver = started()
    tick(driver, 0)
    driver.events([event("a", "form.started", 0)])
    driver.control(ImportStarted("/test"))
    tick(driver, 30 * DAY_S)
    assert in_force(driver) == set()
    driver.control(ImportFinished("/test"))
    assert in_force(driver) == {("form_abandoned", "a")}


def test_a_timer_outlives_any_number_of_imports() -> None:
    """Set under the import's clock, woken by the live one while the import runs again: it still fires in the end."""
    driver = started()
    driver.control(ImportStarted("/test"))
    driver.events([event("a", "form.started", 0)])
    driver.control(ImportFinished("/test"))
    driver.control(ImportStarted("/test"))
    tick(driver, 30 * DAY_S)
    assert in_force(driver) == set()
    driver.control(ImportFinished("/test"))
    assert in_force(driver) == {("form_abandoned", "a")}


def test_a_deadline_that_is_no_longer_judged_stays_silent() -> None:
    """Announced again, earlier, under rules that judge none: the timer of the first finds nothing to say, nor to take back."""
    driver = started()
    driver.events([event("a", "case.opened", 0, case="c", due=10 * DAY_S)])
    driver.control(RulesPublished(2, merged(DEFAULTS, {"deadline_missed": {"enabled": False}})))
    driver.events([event("b", "case.progressed", 60, case="c", due=5 * DAY_S)])
    tick(driver, 11 * DAY_S)
    assert in_force(driver) == set()
    driver.events([event("c", "case.progressed", DAY_S, case="c")])
    assert in_force(driver) == set()
    assert driver.rows == []


def test_time_never_goes_back() -> None:
    """A tick from before the last one changes nothing."""
    driver = started()
    tick(driver, 10 * DAY_S)
    tick(driver, 0)
    driver.events([event("a", "form.started", 0)])
    assert in_force(driver) == {("form_abandoned", "a")}


def test_the_live_clock_is_not_an_import_that_could_finish() -> None:
    """`import.finished` without a source leaves the live clock as it is."""
    driver = started()
    driver.control(ImportFinished(""))
    tick(driver, 10 * DAY_S)
    driver.events([event("a", "form.started", 0)])
    assert in_force(driver) == {("form_abandoned", "a")}


def test_journeys_are_found_again_wherever_they_are_kept() -> None:
    """Unpacked, packed in memory, or only in the records of the last checkpoint: a journey goes on."""
    driver = started()
    for number in range(20):
        driver.events([event("a", "contact.made", 0, subject=f"p1-{number}")])
        driver.checkpoint()
    for number in range(20):
        driver.events([event("b", "contact.made", 600, subject=f"p1-{number}")])
        driver.checkpoint()
    assert len(points_in_force(driver.rows)) == 20


def tail_of(driver: Driver) -> Any:
    """The one journey of the driver."""
    driver.checkpoint()
    record = driver.records.load(f"p1-ann{SEPARATOR}aid")
    assert record is not None
    return unpack(record, {})


def test_the_tail_of_a_slow_journey_is_short() -> None:
    """Only what an event within the limit may still precede is kept."""
    driver = started()
    for day in range(40):
        driver.events([event(str(day), "contact.made", 2 * DAY_S * day)])
    assert len(tail_of(driver).tail) <= 2 * MIN_MARK_EVENTS


def test_the_tail_of_a_busy_journey_covers_the_limit() -> None:
    """With many events a day the tail covers the lateness limit, and not much more."""
    driver = started()
    for hour in range(0, 24 * 20, 24):
        driver.events([event(f"{hour + each:05}", "page.viewed", 3_600 * (hour + each)) for each in range(24)])
    journey = tail_of(driver)
    span_us = journey.tail[-1].time_us - journey.tail[0].time_us
    assert DAY_US <= span_us <= 3 * DAY_US


def test_a_long_journey_in_any_order_costs_few_refolds() -> None:
    """Single events of a robot, shuffled: they are taken in together, at a tick or when many wait; none is lost."""
    driver = started()
    count = 4 * LONG_TAIL
    driver.events([event(f"{each:05}", "page.viewed", 1 + each) for each in range(0, count, 2)])
    odd = list(range(1, count, 2))
    Random(7).shuffle(odd)
    for each in odd:
        driver.events([event(f"{each:05}", "page.viewed", 1 + each)])
    driver.events([event(f"{odd[-1]:05}", "page.viewed", 1 + odd[-1])])
    assert driver.partition.counts.duplicates == 1
    for _ in range(1 + count // EVENTS_A_TICK):
        tick(driver, count)
    assert driver.partition.counts.refolds <= 1 + len(odd) // MAX_WAITING
    assert [each.id for each in tail_of(driver).tail] == [f"{each:05}" for each in range(count)]
    assert not driver.late_events


def test_what_waits_outlives_a_crash() -> None:
    """Events that wait for a tick are part of the checkpoint."""
    driver = started()
    driver.events([event(f"{each:05}", "page.viewed", 2 * each) for each in range(2 * LONG_TAIL)])
    driver.events([event("between", "page.viewed", 11)])
    driver.checkpoint()
    driver.crash()
    assert "between" not in {each.id for each in tail_of(driver).tail}
    tick(driver, 4 * LONG_TAIL)
    tick(driver, 4 * LONG_TAIL)
    assert tail_of(driver).tail[6].id == "between"


def test_a_journey_that_keeps_growing_stays_bounded() -> None:
    """A robot's tail is cut at a fixed length, marks are few, and what comes from before the tail is late."""
    driver = started()
    count = MAX_TAIL_EVENTS + MAX_TAIL_EVENTS // 2
    for first in range(0, count, 1_000):
        driver.events([event(f"{each:06}", "page.viewed", 1 + each) for each in range(first, first + 1_000)])
    driver.events([event("before", "page.viewed", 0)])
    journey = tail_of(driver)
    assert MAX_TAIL_EVENTS <= len(journey.tail) <= MAX_TAIL_EVENTS * 1.5
    assert len(journey.marks) < MARK_EVERY_EVENTS
    assert [late.id for late in driver.late_events] == ["before"]


def test_how_far_it_is_and_what_it_holds_can_be_watched() -> None:
    """The latest tick folded, and the journeys in memory: unpacked, and packed since the last checkpoint."""
    driver = started()
    assert (driver.partition.live_us, driver.partition.journeys_in_memory) == (0, (0, 0))
    tick(driver, 60)
    for number in range(4):
        driver.events([event(f"a{number}", "call.rejected", 0, subject=f"p{number}")])
    assert driver.partition.live_us == START_US + 60_000_000
    assert driver.partition.journeys_in_memory == (4, 0)
    driver.checkpoint()
    assert driver.partition.journeys_in_memory == (3, 1)


def test_changed_journeys_are_counted_until_they_are_saved() -> None:
    """A host asks how many journeys a checkpoint would write."""
    driver = started()
    driver.events([event("a", "call.rejected", 0)])
    assert driver.partition.changed_journeys == 1
    driver.checkpoint()
    assert driver.partition.changed_journeys == 0
