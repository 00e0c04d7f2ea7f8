"""The silence of a channel, rises in refused events, and all conditions in one round."""

import numpy as np
import pytest
from msgspec.structs import replace

from services.alerts.calendar_clock import MINUTE_US, SLOT_US, SLOTS_A_DAY
from services.alerts.counts import SeriesTable, TouchCounts, past_of
from services.alerts.judging import Counted, Judge, Sight, continued, nothing_counted
from services.alerts.judging_levels import Share
from services.alerts.judging_streams import SilenceJudge, judge_rejects
from shared.alerts.finding import Finding, Series
from shared.journey.instants import HOUR_US
from tests.alerts_judging.made_up import DAY, settings

TEN = DAY + 10 * HOUR_US
NOW = TEN // SLOT_US
PHONE = Series("silence", "", "housing", "phone")
WEB = Series("silence", "", "housing", "web")


def events(
    last: int, rate: float = 10.0, days: int = 63, hours: tuple[int, int] = (8, 18)
) -> list[tuple[int, int, float]]:
    """The events of a channel from Monday to Friday within its hours, up to a slot."""
    found = []
    for day in range(days + 1):
        for slot in range(hours[0] * 4, hours[1] * 4):
            at = (last // SLOTS_A_DAY - days + day) * SLOTS_A_DAY + slot
            if at <= last and (at // SLOTS_A_DAY + 3) % 7 < 5:
                found.append((at, 0, rate))
    return found


def judge(last: int, text: str = "", **values: float) -> SilenceJudge:
    """A judge of one channel whose last event came in this slot."""
    return SilenceJudge(settings(text), [PHONE], past_of(events(last, **values), [0]))


def first_told(found: SilenceJudge, until: int = 400) -> int | None:
    """The quarter hours after ten o'clock at the end of which the silence is first told."""
    return next((late for late in range(until) if found.judge((NOW + late) * SLOT_US)), None)


def test_a_channel_that_stops_is_told_soon() -> None:
    """Ten events a quarter hour, then none: told after half an hour, with since when and what was expected."""
    silent = judge(NOW - 1)
    assert first_told(silent) == 2
    found = silent.judge((NOW + 2) * SLOT_US)[0]
    assert (found.since_us, found.observed, found.severity) == (TEN, 0, "critical")
    assert found.expected == pytest.approx(20)


def test_a_thin_channel_is_given_more_time() -> None:
    """One event a quarter hour: a gap that has a certain probability takes ten times as long."""
    assert first_told(judge(NOW - 1, rate=1.0)) == 11


def test_nobody_expects_events_at_night_or_on_sunday() -> None:
    """After the last event of Friday evening the gap is told on Monday morning, not before."""
    friday = DAY // SLOT_US + 2 * SLOTS_A_DAY + 18 * 4 - 1
    silent = judge(friday)
    monday = DAY // SLOT_US + 5 * SLOTS_A_DAY + 8 * 4
    assert [late for late in range(friday + 1, monday + 1) if silent.judge(late * SLOT_US)] == []
    assert silent.judge((monday + 2) * SLOT_US)


def test_an_event_in_the_quarter_hour_under_way_ends_it() -> None:
    """The slot has not ended, but something came."""
    rows = [*events(NOW - 1), (NOW + 4, 0, 1.0)]
    silent = SilenceJudge(settings(), [PHONE], past_of(rows, [0]))
    assert silent.judge((NOW + 4) * SLOT_US - 1)
    assert silent.judge((NOW + 4) * SLOT_US + MINUTE_US) == []


@pytest.mark.parametrize(
    "text",
    [
        "[silence]\nenabled = false",
        '[[calendar.maintenance]]\nname = "x"\nmonth_days = [11]',
        '[[calendar.opening]]\nname = "x"\nhours = ["11:00-18:00"]\nchannels = ["phone"]',
        "[silence]\nmin_gap_min = 120",
    ],
)
def test_silence_that_is_expected_is_not_told(text: str) -> None:
    """Switched off, maintenance, outside the opening hours, shorter than the site's least gap."""
    assert judge(NOW - 1, text).judge((NOW + 3) * SLOT_US) == []


def test_a_closed_channel_is_not_silent_for_ever() -> None:
    """After two weeks without any event nobody expects one."""
    silent = judge(NOW - 1)
    for day in range(1, 14):  # the silent week is no measure of what is usual
        assert silent.judge((NOW + day * SLOTS_A_DAY) * SLOT_US)[0].since_us == TEN
    assert not silent.judge((NOW + 15 * SLOTS_A_DAY) * SLOT_US)


def test_a_silence_goes_on_until_something_comes() -> None:
    """It does not end and begin again as the comparison wavers: what would not begin it still keeps it, an event ends it."""
    silent = judge(NOW - 1, rate=1.0)
    soon = (NOW + 9) * SLOT_US
    assert silent.judge(soon) == []
    assert silent.judge(soon, {(PHONE, "none")})
    back = SilenceJudge(settings(), [PHONE], past_of([*events(NOW - 1, rate=1.0), (NOW + 8, 0, 1.0)], [0]))
    assert back.judge(soon, {(PHONE, "none")}) == []


def test_a_new_channel_has_no_usual_yet() -> None:
    """With less than three weeks of past nothing is told."""
    rows = events(NOW - 1, days=14)
    silent = SilenceJudge(settings(), [PHONE], past_of(rows, [rows[0][0]]))
    assert first_told(silent, 40) is None


def test_only_the_silent_channel_is_told() -> None:
    """Beside one that goes on."""
    rows = [*events(NOW - 1), *((slot, 1, n) for slot, _, n in events(NOW + 8))]
    silent = SilenceJudge(settings(), [PHONE, WEB], past_of(rows, [0, 0]))
    assert [each.series for each in silent.judge((NOW + 4) * SLOT_US)] == [PHONE]


def test_channels_that_are_not_silent_are_not_told_by_chance() -> None:
    """Eight channels with one event a quarter hour, for two days: no gap is found in them."""
    random = np.random.default_rng(3)
    rows = [
        (DAY // SLOT_US - 70 * SLOTS_A_DAY + slot, number, float(count))
        for number in range(8)
        for slot, count in enumerate(random.poisson(1.0, 72 * SLOTS_A_DAY))
        if count
    ]
    silent = SilenceJudge(
        settings(), [replace(PHONE, service=str(number)) for number in range(8)], past_of(rows, [0] * 8)
    )
    assert [late for late in range(2 * SLOTS_A_DAY) if silent.judge((DAY // SLOT_US + late) * SLOT_US)] == []


SOURCE = Series("rejects", name="/web/site")


@pytest.mark.parametrize(("observed", "found"), [(19, False), (60, True), (30, False)])
def test_a_rise_in_refused_events_is_told(observed: int, found: bool) -> None:
    """Compared with the same quarter hour of the days before; from a least number on."""
    past = past_of([(NOW - 1 - day * SLOTS_A_DAY, 0, 15.0) for day in range(1, 14)], [0])
    told = judge_rejects(settings(), [SOURCE], past, np.array([float(observed)]), TEN)
    assert bool(told) == found
    if told:
        assert (told[0].expected, told[0].observed) == (15, 60)


def test_a_rise_in_refused_events_goes_on_by_the_weaker_rule() -> None:
    """As rises of points do; switched off it is not told at all."""
    past = past_of([(NOW - 1 - day * SLOTS_A_DAY, 0, 10.0) for day in range(1, 14)], [0])
    observed = np.array([24.0])
    assert judge_rejects(settings(), [SOURCE], past, observed, TEN) == []
    assert judge_rejects(settings(), [SOURCE], past, observed, TEN, {(SOURCE, "fast")})
    off = settings("[rejects]\nenabled = false")
    assert judge_rejects(off, [SOURCE], past, np.array([500.0]), TEN) == []


ALL = """
[[threshold]]
name = "none"
at_least = 1
[[service_level]]
name = "calls"
kind = "answered_by_person"
at_least = 0.9
"""


def whole() -> tuple[Judge, TouchCounts]:
    """A judge of all conditions; the phone has been silent for an hour at eleven."""
    chosen = settings(ALL)
    table = SeriesTable(10, 0)
    silent = Counted([PHONE], past_of(events(NOW - 1), [0]))
    rejects = Counted([SOURCE], past_of([(NOW + 3 - day * SLOTS_A_DAY, 0, 1.0) for day in range(1, 14)], [0]))
    return Judge(chosen, Counted(table.series, past_of([], [])), silent, rejects), TouchCounts(table)


def test_a_round_judges_all_conditions() -> None:
    """Silence, refused events and the service level in one round, in order."""
    judging, present = whole()
    sight = Sight(present=present, shares={"calls": Share(10, 100)}, rejected=np.array([400.0]))
    found = judging.judge(TEN + HOUR_US, sight)
    assert [each.series.condition for each in found] == ["rejects", "service_level", "silence"]


def test_while_data_are_late_nobody_is_called_silent() -> None:
    """Lag is told instead."""
    judging, present = whole()
    found = judging.judge(TEN + HOUR_US, Sight(present=present, lag_s={"journey-events.ingest": 3_600.0}))
    assert [each.series.condition for each in found] == ["lag"]


def test_a_site_without_anything_has_nothing_to_tell() -> None:
    """No series, no events, no settings: no finding, and nothing unknown."""
    judging = Judge(settings(), nothing_counted(), nothing_counted(), nothing_counted())
    present = TouchCounts(SeriesTable(10, 0))
    assert judging.judge(TEN, Sight(present=present)) == []
    assert judging.unknown(TEN) == 0


def test_what_goes_on_keeps_the_instant_it_was_first_seen() -> None:
    """Also when its window has moved on; another series or window begins anew."""
    one = Finding(series=PHONE, window="fast", from_us=TEN, to_us=TEN, since_us=TEN, observed=1)
    earlier = replace(one, since_us=TEN - HOUR_US)
    assert continued([one], [earlier])[0].since_us == TEN - HOUR_US
    assert continued([one], [replace(earlier, window="slow")])[0].since_us == TEN
