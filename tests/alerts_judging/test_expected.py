"""What was to be expected: the test of two rates, overdispersion, weeks that are left out."""

import numpy as np
import pytest
from scipy.stats import binom

from services.alerts.calendar_clock import SLOTS_A_DAY, SLOTS_A_WEEK
from services.alerts.counts import Past, past_of
from services.alerts.expected import DAY_BLOCK, HOUR_BLOCK, Weeks, chance, dispersion, look, probability
from tests.alerts_judging.made_up import DAY, made_up

END = DAY // 900_000_000


def weeks(*counts: float, factor: float = 1.0, exposure: float = 1.0) -> Weeks:
    """The past of one series."""
    table = np.array([counts])
    return Weeks(table, np.ones(table.shape, dtype=np.bool_), np.array([factor]), exposure)


@pytest.mark.parametrize(("now", "before", "number"), [(5, 0, 8), (12, 20, 8), (3, 40, 3), (40, 100, 5), (1, 0, 26)])
def test_the_test_is_that_of_two_poisson_rates(now: int, before: int, number: int) -> None:
    """Given the sum of both, the count of now is binomial: the uncertainty of a short past is inside."""
    found = chance(np.array([now]), np.array([float(before)]), np.array([1 / (1 + number)]), np.ones(1))
    assert found[0] == pytest.approx(binom.sf(now - 1, now + before, 1 / (1 + number)), rel=1e-9)


def test_nothing_is_never_improbable() -> None:
    """No point at all has probability 1; so has anything without a past."""
    assert chance(np.zeros(1), np.array([100.0]), np.array([0.1]), np.ones(1))[0] == 1
    nothing = Weeks(np.zeros((1, 3)), np.zeros((1, 3), dtype=np.bool_), np.ones(1), 1.0)
    found = look(nothing, np.ones(1))
    assert found.weeks[0] == 0
    assert probability(np.array([50.0]), found, nothing, np.ones(1))[0] == 1


def test_overdispersion_makes_a_count_less_improbable() -> None:
    """Both counts are divided by it: forty of clusters of four are as ten."""
    now, before, share = np.array([40.0]), np.array([80.0]), np.array([1 / 9])
    wide = chance(now, before, share, np.array([4.0]))
    assert wide[0] == pytest.approx(binom.sf(9, 30, 1 / 9), rel=1e-9)
    assert wide[0] > chance(now, before, share, np.ones(1))[0]


def test_under_chance_small_probabilities_are_as_rare_as_they_say() -> None:
    """Of 200,000 draws without any rise no more than 1 % (and 0.1 %) have a probability below that."""
    random = np.random.default_rng(1)
    rate = np.exp(random.normal(1, 1.5, 200_000))
    now, before = random.poisson(rate), random.poisson(8 * rate)
    found = chance(now.astype(float), before.astype(float), np.full(len(rate), 1 / 9), np.ones(len(rate)))
    assert 0.002 < (found <= 0.01).mean() <= 0.01
    assert (found <= 0.001).mean() <= 0.0011


def test_a_peak_multiplies_the_expected_and_the_test_knows() -> None:
    """Three times as many on a payment day are no news."""
    past = weeks(10, 10, 10, 10, factor=3.0)
    found = look(past, np.ones(1))
    assert found.expected[0] == 30
    assert probability(np.array([30.0]), found, past, np.ones(1))[0] > 0.3
    plain = weeks(10, 10, 10, 10)
    assert probability(np.array([30.0]), look(plain, np.ones(1)), plain, np.ones(1))[0] < 1e-4


def test_the_hour_counts_four_times_as_long() -> None:
    """Its total stands for four quarter hours of each week."""
    past = weeks(40, 40, 40, 40, exposure=4.0)
    assert look(past, np.ones(1)).expected[0] == 10


def test_one_week_far_above_the_others_is_left_out() -> None:
    """An incident of the past is not taken for usual; a week that is merely the highest is kept, and so is one of three."""
    assert look(weeks(10, 11, 9, 300, 10, 8), np.ones(1)).expected[0] == pytest.approx(9.6)
    assert look(weeks(10, 11, 9, 18, 10, 8), np.ones(1)).weeks[0] == 6
    assert look(weeks(10, 11, 300), np.ones(1)).weeks[0] == 3
    assert look(weeks(10, 11, 9, 60, 10, 8), np.array([10.0])).weeks[0] == 6


def test_weeks_in_which_the_series_alerted_are_left_out() -> None:
    """Of the others the mean is taken."""
    out = np.array([[False, True, True, False]])
    found = look(weeks(10, 30, 30, 12), np.ones(1), out)
    assert (found.weeks[0], found.expected[0]) == (2, 11)


@pytest.mark.parametrize("block", [HOUR_BLOCK, DAY_BLOCK])
def test_poisson_counts_have_no_overdispersion(block: int) -> None:
    """Within a few hundredths, whatever the volume."""
    past, _ = made_up(3, 200)
    found = dispersion(past, END, 8, block)
    assert found.min() == 1
    assert np.median(found) < 1.1
    assert np.quantile(found, 0.95) < 1.6


def test_days_that_differ_are_noticed() -> None:
    """A common factor of variance 0.1 a day: counts of 300 a day scatter 31 times as much as Poisson (1 + 0.1 x 300), with caution."""
    past, _ = made_up(4, 60, scatter=0.1, means=np.full(60, 300 / SLOTS_A_DAY))
    found = dispersion(past, END, 8, DAY_BLOCK)
    assert 31 < np.median(found) < 60


def test_spans_that_are_left_out_of_many_series_are_each_its_own() -> None:
    """What one series leaves out changes nothing of another, and the order in which they are named nothing at all."""
    past, _ = made_up(6, 30)
    spans = [(number, END - days * SLOTS_A_DAY, END - days * SLOTS_A_DAY + 30) for number in (3, 17) for days in (9, 2)]
    together = dispersion(past, END, 8, HOUR_BLOCK, spans)
    assert np.array_equal(together, dispersion(past, END, 8, HOUR_BLOCK, spans[::-1]))
    gone = np.zeros(len(past.slots), dtype=np.bool_)
    for number, first, last in spans:
        for week in range(9):  # the same blocks of the week tell nothing in any of its weeks
            shift = week * SLOTS_A_WEEK
            of_week = (past.slots >= first // 4 * 4 - shift) & (past.slots < -(-last // 4) * 4 - shift)
            gone |= (past.series == number) & of_week
    kept = Past(past.slots[~gone], past.series[~gone], past.counts[~gone], past.known_from)
    assert np.allclose(together, dispersion(kept, END, 8, HOUR_BLOCK))


def test_one_incident_does_not_widen_what_is_usual() -> None:
    """A day a hundred times as high in one of eight weeks changes the estimate by little."""
    past, _ = made_up(5, 20, means=np.full(20, 2.0))
    counts = past.counts.copy()
    day = (past.slots >= END - 10 * SLOTS_A_DAY) & (past.slots < END - 9 * SLOTS_A_DAY) & (past.series == 7)
    counts[day] *= 100
    disturbed = Past(past.slots, past.series, counts, past.known_from)
    before, after = dispersion(past, END, 8, DAY_BLOCK), dispersion(disturbed, END, 8, DAY_BLOCK)
    assert after[7] < before[7] + 0.5
    assert np.allclose(np.delete(after, 7), np.delete(before, 7), atol=0.2)


def test_without_three_weeks_no_scatter_is_known() -> None:
    """It is then taken for Poisson; nothing at all, too."""
    rows = past_of([(END - SLOTS_A_WEEK, 0, 5.0), (END - 3, 0, 1.0)], [END - SLOTS_A_WEEK])
    assert dispersion(rows, END, 8, HOUR_BLOCK).tolist() == [1.0]
    assert dispersion(past_of([], [0, 0]), END, 8, HOUR_BLOCK).tolist() == [1.0, 1.0]
