"""Thresholds, service levels and lag."""

import pytest

from services.alerts.calendar import Calendar
from services.alerts.calendar_clock import MINUTE_US, SLOT_US
from services.alerts.counts import SeriesTable, Touch, TouchCounts
from services.alerts.judging_levels import (
    Share,
    ThresholdSeries,
    judge_lag,
    judge_level,
    judge_threshold,
    level_window,
)
from services.alerts.settings import ServiceLevel, Threshold
from shared.alerts.finding import Finding
from shared.journey.instants import HOUR_US
from tests.alerts_judging.made_up import DAY, settings

TEN = DAY + 10 * HOUR_US
ORDINARY = settings().calendar


def threshold(**values: str) -> Threshold:
    """A threshold on 5 journeys within an hour."""
    lines = "".join(f'{name} = "{value}"\n' for name, value in values.items())
    return settings(f'[[threshold]]\nname = "flood"\nat_least = 5\nseverity = "critical"\n{lines}').thresholds[0]


def present(places: list[tuple[str, str, str, str]]) -> tuple[SeriesTable, TouchCounts]:
    """Five people touched at each place, half an hour before ten."""
    table = SeriesTable(1_000, 4)
    counts = TouchCounts(table)
    for place in places:
        for person in range(5):
            counts.add(Touch(TEN - 30 * MINUTE_US, *place, f"{place} {person}"))
    return table, counts


def judged(
    given: Threshold, table: SeriesTable, counts: TouchCounts, at_us: int = TEN, calendar: Calendar = ORDINARY
) -> Finding | None:
    """The threshold over all series of the table."""
    (numbers,) = ThresholdSeries([given]).numbers(table.series)
    return judge_threshold(given, numbers, counts, at_us, calendar)


HERE = ("queue_abandoned", "housing", "phone", "fr/idf")


@pytest.mark.parametrize(
    ("values", "citizens"),
    [
        ({}, 10),
        ({"rule": "queue_abandoned"}, 5),
        ({"rule": "queue_abandoned", "channel": "phone"}, 5),
        ({"service": "housing", "channel": "web"}, 5),
        ({"territory": "fr/idf"}, 10),
        ({"territory": "fr", "channel": "phone"}, 5),
        ({"rule": "long_wait"}, None),
        ({"territory": "fr/idf/75"}, None),
        ({"service": "passport"}, None),
    ],
)
def test_a_threshold_counts_the_journeys_of_its_place(values: dict[str, str], citizens: int | None) -> None:
    """Each once: neither the sum over channels nor the prefixes of a territory count a second time."""
    table, counts = present([HERE, ("error_loop", "housing", "web", "fr/idf")])
    found = judged(threshold(**values), table, counts)
    assert (found.citizens if found else None) == citizens
    if found:
        assert (found.severity, found.expected, found.series.name) == ("critical", 5, "flood")


def test_a_threshold_looks_at_its_window_only() -> None:
    """What lies before it does not count."""
    table, counts = present([HERE])
    assert judged(threshold(), table, counts, TEN + 30 * MINUTE_US) is not None
    assert judged(threshold(), table, counts, TEN + 31 * MINUTE_US) is None


@pytest.mark.parametrize("minute", [-59, -31, -30, -17, -1])
def test_a_threshold_is_crossed_since_its_first_journey(minute: int) -> None:
    """By the minute, whichever series it is of; its window stays what it is."""
    table, counts = present([HERE])
    counts.add(Touch(TEN + minute * MINUTE_US + 14, "error_loop", "housing", "web", "", "first"))
    counts.add(Touch(TEN - 61 * MINUTE_US, "error_loop", "housing", "web", "", "before the window"))
    found = judged(threshold(), table, counts)
    assert found is not None
    assert (found.from_us, found.to_us) == (TEN - HOUR_US, TEN)
    assert found.since_us == TEN + min(minute, -30) * MINUTE_US


def test_series_that_are_met_later_join_their_thresholds() -> None:
    """As if they had been there from the first, and each once."""
    given = [threshold(), threshold(service="housing"), threshold(service="passport", rule="long_wait")]
    table, _ = present([HERE])
    growing = ThresholdSeries(given)
    growing.numbers(table.series)
    for place in [("long_wait", "passport", "phone", ""), ("error_loop", "housing", "web", "fr")]:
        table.of_point(*place)
        growing.numbers(table.series)
    assert growing.numbers(table.series) == ThresholdSeries(given).numbers(table.series)
    assert [len(numbers) for numbers in growing.numbers(table.series)] == [3, 2, 1]


def service_level(**values: float) -> ServiceLevel:
    """80 % of calls within five minutes."""
    lines = "".join(f"{name} = {value}\n" for name, value in values.items())
    text = '[[service_level]]\nname = "calls"\nkind = "answered_in_time"\nwithin_s = 300\nat_least = 0.8\n'
    return settings(text + lines).service_levels[0]


@pytest.mark.parametrize(
    ("kept", "total", "found"),
    [
        (0, 19, False),
        (9, 20, True),
        (14, 20, False),
        (160, 200, False),
        (155, 200, False),
        (130, 200, True),
        (0, 0, False),
    ],
)
def test_a_share_below_what_was_announced_is_told_when_it_is_no_chance(kept: int, total: int, found: bool) -> None:
    """Not with too few contacts, not where a few more would do, not when it is kept."""
    finding = judge_level(service_level(), Share(kept, total), TEN, ORDINARY)
    assert (finding is not None) == found
    if finding:
        assert finding.observed == pytest.approx(kept / total)
        assert (finding.expected, finding.citizens) == (0.8, total - kept)
        assert finding.probability is not None
        assert finding.probability <= 0.001


def test_the_window_of_a_level_ends_with_a_whole_quarter_hour() -> None:
    """So that no contact that is still going on lowers it."""
    level = service_level(window_min=120)
    assert level_window(level, TEN + 14 * MINUTE_US, ORDINARY) == (TEN - 2 * HOUR_US, TEN)


def upkeep(*, kind: str = "maintenance", **values: str) -> Calendar:
    """The calendar of a site with a maintenance from 9:00 to 9:45, before ten; or a peak that mutes."""
    lines = "".join(f'{name} = ["{value}"]\n' for name, value in values.items())
    mute = "mute = true\n" if kind == "peak" else ""
    span = "from = 2026-03-11T09:00:00\nto = 2026-03-11T09:45:00\n"
    return settings(f'[[calendar.{kind}]]\nname = "new line"\n{span}{mute}{lines}').calendar


@pytest.mark.parametrize(
    ("place", "entry", "quiet"),
    [
        ({}, {}, True),
        ({}, {"channels": "phone"}, False),
        ({}, {"services": "housing"}, False),
        ({"service": "housing"}, {}, True),
        ({"service": "housing"}, {"services": "housing"}, True),
        ({"service": "housing"}, {"services": "passport"}, False),
        ({"service": "housing"}, {"services": "housing", "channels": "phone"}, False),
        ({"service": "housing", "channel": "phone"}, {"services": "housing", "channels": "phone"}, True),
        ({"service": "housing", "channel": "phone"}, {"kind": "peak", "channels": "phone"}, True),
        ({"channel": "phone"}, {"channels": "phone"}, True),
        ({"territory": "fr/idf", "channel": "phone"}, {"channels": "phone"}, True),
    ],
)
def test_a_threshold_within_a_maintenance_is_quiet(place: dict[str, str], entry: dict[str, str], quiet: bool) -> None:
    """Only where the maintenance holds all that it counts; what was touched within one does not count afterwards either."""
    table, counts = present([HERE])
    for at_us in (TEN - 25 * MINUTE_US, TEN - 15 * MINUTE_US, TEN):
        assert judged(threshold(**place), table, counts, at_us) is not None
        assert (judged(threshold(**place), table, counts, at_us, upkeep(**entry)) is None) == quiet


def test_a_threshold_counts_again_from_the_end_of_a_maintenance_on() -> None:
    """Its window begins there, until it is as long as was set."""
    table, counts = present([HERE])
    for person in range(5):
        counts.add(Touch(TEN - 10 * MINUTE_US, *HERE, f"after {person}"))
    found = judged(threshold(), table, counts, TEN, upkeep())
    assert found is not None
    assert (found.citizens, found.from_us, found.to_us) == (5, TEN - SLOT_US, TEN)
    before = judged(threshold(), table, counts, TEN, settings(NIGHTS).calendar)
    assert before is not None
    assert (before.citizens, before.from_us) == (10, TEN - HOUR_US)


NIGHTS = '[[calendar.maintenance]]\nname = "nights"\nhours = ["02:00-04:00"]\n'


def test_a_service_level_is_not_judged_within_a_maintenance() -> None:
    """Its window is empty then, and begins after it: a level over a whole day is judged in spite of one each night."""
    level, night = service_level(window_min=1440), settings(NIGHTS).calendar
    three = DAY + 3 * HOUR_US
    assert judge_level(level, Share(0, 30), three + MINUTE_US, night) is None
    assert judge_level(level, Share(0, 30), DAY + 4 * HOUR_US, night) is None
    start, end = level_window(level, DAY + 2 * HOUR_US + MINUTE_US, night)
    assert start == end == DAY + 2 * HOUR_US
    found = judge_level(level, Share(0, 30), TEN, night)
    assert found is not None
    assert (found.from_us, found.to_us) == (DAY + 4 * HOUR_US, TEN)
    whole = judge_level(level, Share(0, 30), DAY + 2 * HOUR_US, night)
    assert whole is not None
    assert whole.from_us == DAY - 20 * HOUR_US


def test_lag_is_told_by_stream_and_gravity() -> None:
    """Beyond the first limit a warning, beyond the second critical; never when it is switched off."""
    lag = {"a": 119.0, "b": 121.0, "c": 901.0}
    found = judge_lag(settings(), lag, TEN)
    assert [(each.series.name, each.severity, each.observed) for each in found] == [
        ("b", "warning", 121.0),
        ("c", "critical", 901.0),
    ]
    assert found[1].since_us == TEN - 901_000_000
    assert judge_lag(settings("[lag]\nenabled = false"), lag, TEN) == []
