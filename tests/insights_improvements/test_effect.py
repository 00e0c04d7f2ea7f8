"""The effect of a repair on made-up series: what the method must find, refuse and say; checked against statsmodels."""

import math
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from services.insights.effect.estimate import estimate
from services.insights.effect.judge import judge
from services.insights.effect.panel import make_panel
from services.insights.effect.protocol import WEEK, Effect, Reason, Series, Span, Study, readings
from services.insights.effect.regression import fit
from tests.insights_improvements.simulation import FIRST_DAY, Service, study

STEADY = Service(points_a_day=10, excess=0.0)


def names(effect: Effect) -> set[str]:
    """The names of the reasons."""
    return {reason.name for reason in effect.reasons}


def flat(before: int, after: int, weeks: tuple[int, int] = (10, 13), contacts: int = 100) -> Study:
    """So many points on each day before and after the start, of so many contacts."""
    days = [weeks[0] * WEEK, weeks[1] * WEEK]
    one = Series(
        name="all",
        start=FIRST_DAY + days[0],
        points=(before,) * days[0] + (after,) * days[1],
        contacts=(contacts,) * sum(days),
    )
    return Study(first_day=FIRST_DAY, series=(one,))


def test_a_clean_step_is_found_exactly():
    """Ten points a day become six: 40 % fewer, 28 avoided a week, with an interval round both that leaves out no change."""
    effect = judge(flat(10, 6))
    assert effect.verdict == "improved"
    assert effect.ratio is not None
    assert effect.avoided_per_week is not None
    assert effect.ratio.value == pytest.approx(0.6, abs=1e-6)
    assert effect.ratio.low < 0.6 < effect.ratio.high < 1
    assert effect.avoided_per_week.value == pytest.approx(28, abs=1e-3)
    assert effect.avoided_per_week.low < 28 < effect.avoided_per_week.high
    assert (effect.points_before, effect.points_after) == (700, 6 * (13 * WEEK - WEEK))
    assert judge(flat(6, 10)).verdict == "worsened"


def test_the_rate_counts_not_the_number_of_contacts():
    """Twice the contacts with twice the points is no change, and a reader is warned that contacts doubled."""
    series = flat(5, 10).series[0]
    doubled = Series(name="all", start=series.start, points=series.points, contacts=(100,) * 70 + (200,) * 91)
    effect = judge(Study(first_day=FIRST_DAY, series=(doubled,)))
    assert effect.verdict == "no_change_seen"
    assert effect.ratio is not None
    assert effect.ratio.value == pytest.approx(1.0, abs=1e-6)
    assert "volume_changed" in names(effect)


def test_the_fit_is_that_of_statsmodels():
    """Terms and expected counts agree with statsmodels' Poisson regression on the same rows."""
    import statsmodels.api as sm

    made = study(np.random.default_rng(5), Service(), weeks_after=8)
    one = list(made.treated)
    panel = make_panel(one, None, made.first_day, Span(FIRST_DAY, made.end_day, 1, (None,)), one_step=False)
    found = fit(panel)
    assert found is not None
    rows = panel.used
    reference = sm.GLM(
        panel.points[rows], panel.design[rows], family=sm.families.Poisson(), offset=np.log(panel.contacts[rows])
    ).fit(tol=1e-12)
    assert found.terms == pytest.approx(reference.params, abs=1e-6)
    assert found.expected == pytest.approx(reference.fittedvalues, rel=1e-6)
    assert np.diag(found.inverse) == pytest.approx(np.diag(reference.cov_params()), rel=1e-4)


def test_with_a_comparison_the_fit_is_that_of_statsmodels_with_a_level_a_day():
    """Days profiled out give the same step as a dummy for every day."""
    import statsmodels.api as sm

    made = study(np.random.default_rng(6), STEADY, weeks_before=9, weeks_after=5, comparison=2, log_ratio=-0.4)
    panel = make_panel(
        list(made.treated), made.comparison, made.first_day, Span(FIRST_DAY, made.end_day, 1, (None,)), one_step=False
    )
    found = fit(panel)
    assert found is not None
    rows = found.rows
    days = panel.day[rows]
    dummies = (days[:, None] == np.unique(days)[None, :]).astype(float)
    reference = sm.GLM(
        panel.points[rows],
        np.hstack([panel.design[rows], dummies]),
        family=sm.families.Poisson(),
        offset=np.log(panel.contacts[rows]),
    ).fit(maxiter=200, tol=1e-12)
    assert found.terms == pytest.approx(reference.params[: found.terms.size], abs=1e-5)


def test_what_all_share_is_not_taken_for_an_effect():
    """A reform that halves points everywhere on the day of the start: alone it looks like success, compared it does not."""
    halved = flat(20, 10)
    other = Series(name="others", start=None, points=halved.series[0].points, contacts=halved.series[0].contacts)
    assert judge(halved).verdict == "improved"
    compared = judge(Study(first_day=FIRST_DAY, series=(*halved.series, other)))
    assert compared.verdict == "no_change_seen"
    assert compared.compared
    assert "comparison_used" in names(compared)
    assert "season_not_known" not in names(compared)


def test_readings_are_fixed_beforehand():
    """Between the readings the verdict stands still, whatever comes; the last reading ends the watch."""
    made = flat(10, 4, weeks=(10, 60))
    series = made.series[0]

    def on(day: int) -> Effect:
        length = 70 + day
        cut = Series(name="all", start=series.start, points=series.points[:length], contacts=series.contacts[:length])
        return judge(Study(first_day=FIRST_DAY, series=(cut,)))

    start = FIRST_DAY + 70
    assert readings(start, start) == [start + 28, start + 56, start + 91, start + 182]
    assert on(0).verdict == on(27).verdict == "too_early"
    assert on(27).next_reading == start + 28
    assert on(28).verdict == "improved"
    assert on(28).ratio == on(55).ratio != on(56).ratio
    assert on(182).ratio == on(400).ratio
    assert on(182).next_reading is None
    assert "final" in names(on(182))


def test_too_little_is_said_by_its_reason():
    """Too short a past, too few points before, none received since: cannot be observed; too few expected since: too early."""
    short = judge(flat(10, 6, weeks=(7, 13)))
    assert (short.verdict, names(short) & {"few_weeks_before"}) == ("not_observable", {"few_weeks_before"})
    assert short.ratio is None
    assert judge(flat(0, 6)).reasons[0].name == "few_points_before"
    silent = Series(name="all", start=FIRST_DAY + 70, points=(5,) * 70 + (0,) * 91, contacts=(100,) * 70 + (0,) * 91)
    assert judge(Study(first_day=FIRST_DAY, series=(silent,))).reasons[0].name == "no_contacts_after"
    quiet = Series(name="all", start=FIRST_DAY + 70, points=(1,) * 70 + (0,) * 28, contacts=(100,) * 70 + (10,) * 28)
    waiting = judge(Study(first_day=FIRST_DAY, series=(quiet,)))
    assert (waiting.verdict, waiting.reasons[0].name) == ("too_early", "points_expected")
    gaps = Series(name="all", start=FIRST_DAY + 70, points=(2, 0) * 80, contacts=(100, 0) * 80)
    assert judge(Study(first_day=FIRST_DAY, series=(gaps,))).reasons[0].name == "gaps_before"
    unseen = judge(flat(10, 6), observed=False)
    assert (unseen.verdict, unseen.reasons) == ("not_observable", (Reason("rule_not_observed"),))


def test_the_minimum_of_data_does_not_look_at_the_outcome():
    """No point at all after the start is no reason to wait: what was expected counts."""
    gone = judge(flat(10, 0))
    assert gone.verdict == "improved"
    assert gone.ratio is not None
    assert gone.ratio.value == gone.ratio.low == 0
    assert 0 < gone.ratio.high < 0.2
    assert gone.avoided_per_week is not None
    assert gone.avoided_per_week.low > 0


def test_bad_weeks_just_before_the_start_are_left_out():
    """A repair begun at a peak that passes by itself is no success once the peak is left out, and the reader is told."""
    peak = (10,) * 84 + (18,) * 28 + (10,) * 91
    one = Series(name="all", start=FIRST_DAY + 112, points=peak, contacts=(100,) * len(peak))
    effect = judge(Study(first_day=FIRST_DAY, series=(one,)))
    assert "started_at_a_peak" in names(effect)
    assert effect.verdict == "no_change_seen"
    assert effect.ratio is not None
    assert effect.ratio.value == pytest.approx(1.0, abs=0.01)
    kept = Series(name="all", start=FIRST_DAY + 70, points=peak[42:], contacts=(100,) * (len(peak) - 42))
    assert "peak_kept" in names(judge(Study(first_day=FIRST_DAY, series=(kept,))))


def test_staggered_starts_are_pooled_by_what_each_would_have_had():
    """A large unit at 0.5 and a small one at 1: the ratio is that of all points together."""
    days = 70 + 42 + 182
    large = Series(name="a", start=FIRST_DAY + 70, points=(20,) * 70 + (10,) * (days - 70), contacts=(200,) * days)
    small = Series(name="b", start=FIRST_DAY + 112, points=(5,) * days, contacts=(50,) * days)
    others = Series(name="c", start=None, points=(40,) * days, contacts=(400,) * days)
    effect = judge(Study(first_day=FIRST_DAY, series=(large, small, others)))
    assert effect.ratio is not None
    after = (days - 70 - 7, days - 112 - 7)
    expected = (10 * after[0] + 5 * after[1]) / (20 * after[0] + 5 * after[1])
    assert effect.ratio.value == pytest.approx(expected, abs=1e-4)


def test_units_that_start_late_serve_as_not_yet_repaired():
    """Eight weeks after the first start, a unit that began a week ago gives its weeks before, and is named as waiting."""
    days = 70 + 56
    first = Series(name="a", start=FIRST_DAY + 70, points=(20,) * 70 + (10,) * 56, contacts=(200,) * days)
    late = Series(name="b", start=FIRST_DAY + 119, points=(20,) * days, contacts=(200,) * days)
    effect = judge(Study(first_day=FIRST_DAY, series=(first, late)))
    assert "units_waiting" in names(effect)
    assert effect.ratio is not None
    assert effect.ratio.value == pytest.approx(0.5, abs=0.02)


def test_the_weeks_tell_what_was_expected():
    """Weeks are counted from the start; in each, the expectation is that without the repair, within its range."""
    effect = judge(flat(10, 6))
    starts = [week.start for week in effect.weeks]
    assert FIRST_DAY + 70 in starts
    assert all(later - earlier == WEEK for earlier, later in pairwise(starts))
    for week in effect.weeks:
        assert week.expected is not None
        assert week.expected.value == pytest.approx(70, abs=0.01)
        assert week.expected.low < 70 < week.expected.high
        assert week.points == (70 if week.start < FIRST_DAY + 70 else 42)
    assert [week.start for week in effect.weeks if not week.used] == [FIRST_DAY + 70]
    together = judge(flat(10, 6), row_weeks=2)
    assert {week.weeks for week in together.weeks} == {2}
    assert together.weeks[-1].expected is not None
    assert together.weeks[-1].expected.value == pytest.approx(140, abs=0.01)


def test_a_service_closed_at_weekends_is_read():
    """Days without contacts say nothing; the rest is enough."""
    week = (1, 1, 1, 1, 1, 0, 0)
    days = 23 * WEEK
    contacts = tuple(100 * week[day % WEEK] for day in range(days))
    points = tuple((20 if day < 70 else 10) * week[day % WEEK] for day in range(days))
    effect = judge(
        Study(first_day=FIRST_DAY, series=(Series(name="a", start=FIRST_DAY + 70, points=points, contacts=contacts),))
    )
    assert effect.verdict == "improved"
    assert effect.ratio is not None
    assert effect.ratio.value == pytest.approx(0.5, abs=1e-6)


def test_a_comparison_that_is_too_small_is_not_used():
    """It would add more noise than it takes away."""
    made = flat(20, 10)
    few = Series(name="c", start=None, points=(0,) * 160 + (1,), contacts=(5,) * 161)
    effect = judge(Study(first_day=FIRST_DAY, series=(*made.series, few)))
    assert not effect.compared
    assert "comparison_small" in names(effect)
    assert effect.verdict == "improved"


def test_nothing_to_fit_gives_no_estimate():
    """Points that do not suffice to tell the terms apart give none, rather than a number."""
    one = [Series(name="a", start=FIRST_DAY + 5, points=(0,) * 12, contacts=(1,) + (0,) * 11)]
    assert estimate(one, None, FIRST_DAY, Span(FIRST_DAY, FIRST_DAY + 5, 1, (None,))) is None
    with pytest.raises(ValueError, match="repaired"):
        judge(Study(first_day=FIRST_DAY, series=()))


def test_importing_the_method_reads_no_numpy():
    """Pages that need no estimate do not wait for it."""
    code = "import sys; import services.insights.effect.judge; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_ratios_stay_finite():
    """However wide, an interval has ends."""
    effect = judge(study(np.random.default_rng(1), Service(points_a_day=0.7, excess=0.5, kept=0.9), weeks_after=26))
    if effect.ratio is not None:
        assert math.isfinite(effect.ratio.high)
