"""Rises: what is found, what is not, and that looking more often finds no more by chance."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.alerts.calendar_clock import MINUTE_US, SLOT_US, SLOTS_A_DAY, Floats
from services.alerts.counts import Past, SeriesTable, Touch, TouchCounts, past_of
from services.alerts.judging_rises import Alerted, RiseJudge, bounds, level
from services.alerts.settings import parse_alerts
from shared.alerts.finding import Finding, Series
from shared.journey.instants import DAY_US, HOUR_US, from_text
from tests.alerts_judging.made_up import DAY, MINUTES_A_DAY, MadePresent, made_up, names, settings

TEN = DAY + 10 * HOUR_US


def steady(series: int, rise: Floats | None = None, rate: float = 5.0, seed: int = 11) -> tuple[RiseJudge, object]:
    """A judge and the present of a site whose series all have the same rate in the mean."""
    past, present = made_up(seed, series, means=np.full(series, rate), rise=rise)
    return RiseJudge(settings(), names(series), past), present


def broken_at(minute: int, factor: float, series: int = 10, broken: int = 3) -> Floats:
    """One series that rises by a factor from a minute of the day on."""
    factors = np.ones((series, MINUTES_A_DAY))
    factors[broken, minute:] = factor
    return factors


def first_found(
    judge: RiseJudge, present: object, window: str, until: int = MINUTES_A_DAY
) -> tuple[int, list[Finding]]:
    """The first minute of the day with a finding in the window, and what was found then."""
    for minute in range(1, until + 1):
        found = [each for each in judge.judge(DAY + minute * MINUTE_US, present) if each.window == window]  # type: ignore[arg-type]
        if found:
            return minute, found
    return -1, []


def test_a_broken_form_is_found_within_a_quarter_of_an_hour() -> None:
    """Five times as many errors from ten o'clock on: found by 10:15, in that series only, with what it is compared with."""
    judge, present = steady(10, broken_at(600, 5.0))
    minute, found = first_found(judge, present, "fast")
    assert 601 <= minute <= 615
    assert [each.series for each in found] == [names(10)[3]]
    assert found[0].to_us - found[0].from_us == 15 * MINUTE_US
    assert found[0].since_us == found[0].from_us
    assert found[0].observed > 2 * found[0].expected
    assert found[0].probability < level(settings(), "fast", 10)
    assert found[0].citizens == found[0].observed


def test_a_slow_decline_is_found_by_the_slow_window_only() -> None:
    """A third more each few hours: never much in a quarter hour, but plain over a day."""
    factors = np.ones((10, MINUTES_A_DAY))
    factors[3] = 1.9
    judge, present = steady(10, factors, rate=1.5)
    minute, found = first_found(judge, present, "slow")
    assert minute > 300
    assert [each.series for each in found] == [names(10)[3]]
    assert found[0].to_us - found[0].from_us == DAY_US
    assert first_found(judge, present, "fast")[0] == -1


def test_the_daily_pattern_is_no_rise() -> None:
    """The morning's rush is a hundred times the night, every day: nothing is found."""
    judge, present = steady(10)
    assert first_found(judge, present, "fast")[0] == -1


def test_an_edge_within_the_hour_is_no_rise() -> None:
    """A bulk mailing each day from 9:45 to 10:00: the quarter hour is usual though the hour is not so busy otherwise."""
    minutes = np.zeros((1, 2 * MINUTES_A_DAY), dtype=np.int64)
    past = [(DAY // SLOT_US - day * SLOTS_A_DAY + 39, 0, 60.0) for day in range(1, 57)]
    judge = RiseJudge(settings(), names(1), past_of(past, [0]))
    minutes[0, MINUTES_A_DAY + 585 : MINUTES_A_DAY + 600] = 4
    present = MadePresent(minutes, DAY - MINUTES_A_DAY * MINUTE_US)
    assert first_found(judge, present, "fast") == (-1, [])
    assert RiseJudge(settings(), names(1), past_of([(1, 0, 1.0)], [0])).judge(TEN, present)


@pytest.mark.parametrize(("weeks", "found"), [(2, False), (3, True), (8, True)])
def test_with_few_weeks_what_is_usual_is_unknown(weeks: int, found: bool) -> None:
    """Less than three comparable weeks: no alert, and the number of such series is told."""
    past, present = made_up(11, 2, means=np.full(2, 5.0), rise=broken_at(600, 20.0, 2, 0))
    known = np.full(2, DAY // SLOT_US - weeks * 7 * SLOTS_A_DAY)
    judge = RiseJudge(settings(), names(2), Past(past.slots, past.series, past.counts, known))
    assert bool(judge.judge(TEN + 15 * MINUTE_US, present)) == found
    assert judge.unknown(TEN + 15 * MINUTE_US) == (0 if found else 2)


def one_place(rows: list[tuple[int, int, float]], *lines: str) -> tuple[RiseJudge, TouchCounts, SeriesTable]:
    """A site with one series and the past given; touches are counted as in the platform."""
    chosen = settings("\n".join(lines))
    table = SeriesTable(100, 0)
    table.of_point("error_loop", "housing", "", "")
    return RiseJudge(chosen, table.series, past_of(rows, [0])), TouchCounts(table), table


def touch(minute: float, journey: str) -> Touch:
    """A point that many minutes before ten o'clock."""
    return Touch(TEN - round(minute * MINUTE_US), "error_loop", "housing", "", "", journey)


PAST = [(DAY // SLOT_US - day * SLOTS_A_DAY + 39, 0, 1.0) for day in range(7, 60, 7)]


def test_one_person_who_clicks_a_hundred_times_is_one() -> None:
    """A journey counts once a quarter hour; forty journeys are a rise."""
    judge, present, _ = one_place(PAST)
    for number in range(100):
        present.add(touch(3 + number / 100, "one"))
    assert judge.judge(TEN, present) == []
    for number in range(40):
        present.add(touch(3, f"person {number}"))
    assert {each.window for each in judge.judge(TEN, present)} == {"fast", "slow"}


def test_retracted_points_end_a_rise() -> None:
    """What was taken back is not counted, to the last."""
    judge, present, _ = one_place(PAST)
    touches = [touch(3, f"person {number}") for number in range(40)]
    for each in touches:
        present.add(each)
    assert judge.judge(TEN, present)
    for each in touches:
        present.take_back(each)
    assert judge.judge(TEN, present) == []


@pytest.mark.parametrize(
    ("journeys", "lines", "found"),
    [
        (12, (), True),
        (12, ("[rises]", "min_citizens = 13"), False),
        (12, ("[rises]", "min_excess = 12"), False),
        (12, ("[rises]", "min_ratio = 13"), False),
        (12, ("[rises]", "enabled = false"), False),
        (12, ("[rises]", 'off = ["error_loop"]'), False),
        (12, ("[false_alerts]", "a_day = 1e-9"), False),
    ],
)
def test_the_least_effect_is_set_by_the_site(journeys: int, lines: tuple[str, ...], found: bool) -> None:
    """Journeys touched, difference, ratio, rules, and how improbable it must be."""
    judge, present, _ = one_place(PAST, *lines)
    for number in range(journeys):
        present.add(touch(3, f"person {number}"))
    assert bool(judge.judge(TEN, present)) == found


def test_the_citizens_of_a_day_are_counted_once_each() -> None:
    """Four people who come back each quarter hour are four: too few, whatever the count."""
    judge, present, _ = one_place(PAST)
    for slot in range(60):
        for person in range(4):
            present.add(touch(1 + 15 * slot, f"person {person}"))
    assert judge.judge(TEN, present) == []
    present.add(touch(2, "a fifth"))
    assert [each.citizens for each in judge.judge(TEN, present)] == [5]


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("factor = 100\nmonth_days = [11]", False),
        ("factor = 1.1\nmonth_days = [11]", True),
        ("mute = true\nmonth_days = [11]", False),
        ("mute = true\nmonth_days = [12]", True),
        ('mute = true\nmonth_days = [11]\nservices = ["passport"]', True),
    ],
)
def test_an_expected_peak_is_no_rise(entry: str, found: bool) -> None:
    """On the day of the peak, where it applies; on other days it is one."""
    rows = [(slot, number, count * 5) for slot, number, count in PAST]
    judge, present, _ = one_place(rows, f'[[calendar.peak]]\nname = "peak"\n{entry}')
    for number in range(60):
        present.add(touch(3, f"person {number}"))
    assert bool(judge.judge(TEN, present)) == found


def test_what_alerted_before_is_not_taken_for_usual() -> None:
    """The weeks in which the series alerted are left out; otherwise three bad weeks would hide the fourth."""
    rows = [(slot, 0, 60.0 if number < 3 else 1.0) for number, (slot, _, _) in enumerate(PAST)]
    judge, present, table = one_place(rows)
    for number in range(30):
        present.add(touch(3, f"person {number}"))
    assert judge.judge(TEN, present) == []
    for number in range(3):
        start = rows[number][0] * SLOT_US
        judge.leave_out(Alerted(table.series[0], start, start + HOUR_US))
    assert judge.judge(TEN, present)


def test_what_was_found_goes_on_by_a_weaker_rule() -> None:
    """A count that wavers round its level neither ends nor begins again; when it is usual again, it ends."""
    judge, present, table = one_place([(slot, 0, 8.0) for slot, _, _ in PAST])
    for number in range(22):
        present.add(touch(3, f"person {number}"))
    firing = {(table.series[0], "fast")}
    assert [each.window for each in judge.judge(TEN, present) if each.window == "fast"] == []
    assert [each.window for each in judge.judge(TEN, present, firing) if each.window == "fast"] == ["fast"]
    for number in range(13):
        present.take_back(touch(3, f"person {number}"))
    assert judge.judge(TEN, present, firing) == []


def test_a_window_ends_with_its_minute_however_often_it_is_looked_at() -> None:
    """All instants of a minute have the same fast window, all of a quarter hour the same slow one: they are one look."""
    for window, step in (("fast", MINUTE_US), ("slow", SLOT_US)):
        chosen = settings()
        same = {bounds(chosen, window, TEN + each).to_us for each in (1, step // 2, step - 1, step)}  # type: ignore[arg-type]
        assert same == {TEN + step}
        assert bounds(chosen, window, TEN).to_us == TEN  # type: ignore[arg-type]
    assert bounds(settings("[rises]\nfast_min = 30"), "fast", TEN + MINUTE_US).weights.tolist() == pytest.approx(
        [14 / 15, 1, 1 / 15]
    )


def test_false_alerts_of_a_day_add_up_to_what_is_accepted() -> None:
    """Levels times looks times series are the shares of a_day, for any number of series."""
    chosen = settings()
    for series in (1, 100, 10_000):
        total = level(chosen, "fast", series) * 1_440 * series + level(chosen, "slow", series) * 96 * series
        assert total == pytest.approx(0.05 * 0.8)


def test_the_window_between_two_quarter_hours_is_compared_in_proportion() -> None:
    """At 10:05 two thirds of the quarter hour before ten and one of that after."""
    rows = [(slot + more, 0, count) for slot, _, _ in PAST for more, count in ((0, 30.0), (1, 3.0))]
    judge, present, _ = one_place(rows, "[rises]\nmin_ratio = 1\n[false_alerts]\na_day = 10")
    for number in range(80):
        present.add(Touch(TEN + 4 * MINUTE_US, "error_loop", "housing", "", "", f"person {number}"))
    found = [each for each in judge.judge(TEN + 5 * MINUTE_US, present) if each.window == "fast"]
    assert found[0].expected == pytest.approx(30 * 2 / 3 + 3 / 3)


def test_the_change_of_clocks_moves_nothing() -> None:
    """Counts at ten by the clock of Paris are compared with ten by that clock, in summer and in winter."""
    chosen = parse_alerts('[calendar]\nholidays = "none"', "alerts.toml")
    now = from_text("2026-04-01T08:00:00.000000Z")
    zone = ZoneInfo("Europe/Paris")
    assert str(chosen.calendar.clock.zone) == str(zone)
    in_winter = [now - week * 7 * DAY_US + HOUR_US for week in range(1, 9)]
    rows = [(instant // SLOT_US, 0, 40.0) for instant in in_winter]
    table = SeriesTable(10, 0)
    table.of_point("error_loop", "housing", "", "")
    present = TouchCounts(table)
    for number in range(45):
        present.add(Touch(now + MINUTE_US, "error_loop", "housing", "", "", f"person {number}"))
    judge = RiseJudge(chosen, table.series, past_of(rows, [0]))
    assert [each.window for each in judge.judge(now + 15 * MINUTE_US, present)] == []


def test_a_grave_rise_is_critical() -> None:
    """Many times the usual and many people; else a warning."""
    for people, severity in ((60, "critical"), (20, "warning")):
        judge, present, _ = one_place(PAST)
        for number in range(people):
            present.add(touch(3, f"person {number}"))
        assert {each.severity for each in judge.judge(TEN, present)} == {severity}


def test_series_and_past_must_go_together() -> None:
    """A past numbered otherwise is a defect that is told."""
    with pytest.raises(ValueError, match="2 series, but a past of 1"):
        RiseJudge(settings(), [Series("rise", "a"), Series("rise", "b")], past_of([], [0]))
