"""The intervals against published examples, other implementations, and their own promise (coverage)."""

from math import inf
from random import Random

import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from services.insights.figures import intervals
from services.insights.figures.intervals import Estimate, Interval


@pytest.mark.parametrize(("count", "total"), [(0, 10), (1, 29), (15, 148), (81, 263), (10, 10), (5_000, 1_000_000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_a_share_has_wilsons_interval(count: int, total: int, confidence: float):
    """As statsmodels computes it, also where nothing or everything is counted."""
    found = intervals.share(count, total, confidence)
    assert found is not None
    assert found.interval == pytest.approx(proportion_confint(count, total, 1 - confidence, "wilson"), abs=1e-12)
    assert found.value == count / total


def test_a_share_as_published():
    """Newcombe (1998): 81 of 263 is 0.2553 to 0.3662 by the score method."""
    found = intervals.share(81, 263)
    assert found is not None
    assert tuple(round(end, 4) for end in found.interval) == (0.2553, 0.3662)


def test_the_difference_of_two_shares_as_published():
    """Newcombe (1998), method 10: 56/70 against 48/80 differs by 0.0524 to 0.3339."""
    found = intervals.share_difference((56, 70), (48, 80))
    assert found is not None
    assert tuple(round(end, 4) for end in found.interval) == (0.0524, 0.3339)
    assert found.value == pytest.approx(0.2)


@pytest.mark.parametrize(("first", "second"), [((9, 10), (3, 10)), ((0, 20), (5, 30)), ((56, 70), (48, 80))])
def test_the_difference_of_two_shares_is_newcombes(first: tuple[int, int], second: tuple[int, int]):
    """As statsmodels computes it."""
    found = intervals.share_difference(first, second)
    assert found is not None
    assert found.interval == pytest.approx(confint_proportions_2indep(*first, *second, method="newcomb"))


@pytest.mark.parametrize(("count", "exposure"), [(0, 1.0), (1, 10.0), (10, 100.0), (2_500, 77.5)])
def test_a_rate_has_the_exact_poisson_interval(count: int, exposure: float):
    """From the quantiles of chi-squared, as scipy gives them."""
    found = intervals.rate(count, exposure)
    assert found is not None
    low = stats.chi2.ppf(0.025, 2 * count) / 2 / exposure if count else 0.0
    assert found.interval == pytest.approx((low, stats.chi2.ppf(0.975, 2 * count + 2) / 2 / exposure))
    assert found.value == count / exposure


def test_a_rate_of_clustered_occurrences_is_less_sure():
    """A count with dispersion 4 is as sure as a quarter of it; a dispersion below 1 makes nothing surer."""
    plain, clustered = intervals.rate(25, 50), intervals.rate(100, 200, dispersion=4)
    assert plain is not None
    assert clustered is not None
    assert clustered.interval == pytest.approx(plain.interval)
    assert intervals.rate(25, 50, dispersion=0.2) == plain


def test_dispersion():
    """Single occurrences have 1; clusters of three have 3; nothing has 1."""
    assert intervals.dispersion_of(50, 50) == 1
    assert intervals.dispersion_of(30, 90) == 3
    assert intervals.dispersion_of(0, 0) == 1


@pytest.mark.parametrize(
    ("first", "second"), [((10, 100.0), (20, 120.0)), ((0, 10.0), (4, 12.0)), ((60, 514.775), (30, 543.087))]
)
def test_the_ratio_of_two_rates_is_exact(first: tuple[int, float], second: tuple[int, float]):
    """From the quantiles of the beta distribution, as scipy gives them."""
    found = intervals.rate_ratio(first, second)
    assert found is not None
    low = stats.beta.ppf(0.025, first[0], second[0] + 1) if first[0] else 0.0
    high = stats.beta.ppf(0.975, first[0] + 1, second[0])
    scale = second[1] / first[1]
    assert found.interval == pytest.approx((low / (1 - low) * scale, high / (1 - high) * scale))


def test_the_ratio_to_a_rate_of_nothing_is_not_known():
    """Without occurrences or exposure in the second there is no ratio."""
    assert intervals.rate_ratio((5, 10), (0, 10)) is None
    assert intervals.rate_ratio((5, 10), (5, 0)) is None


def test_a_mean_has_students_interval():
    """As scipy computes it from the values."""
    values = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0]
    found = intervals.mean(6, sum(values), sum(each * each for each in values))
    assert found is not None
    expected = stats.t.interval(0.95, 5, loc=sum(values) / 6, scale=stats.sem(values))
    assert found.interval == pytest.approx(expected)


def test_the_difference_of_two_means_is_welchs():
    """As scipy computes it from the values."""
    first, second = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0], [0.0, 1.0, 0.0, 2.0, 9.0]
    found = intervals.mean_difference(_sums(first), _sums(second))
    assert found is not None
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert found.interval == pytest.approx((expected.low, expected.high))


def _sums(values: list[float]) -> tuple[int, float, float]:
    return len(values), sum(values), sum(each * each for each in values)


def test_means_that_never_vary_differ_for_sure():
    """Without any variation the interval is one value."""
    assert intervals.mean_difference((5, 5.0, 5.0), (4, 8.0, 16.0)) == Estimate(-1.0, Interval(-1.0, -1.0))


@pytest.mark.parametrize("units", [1, 2, 5])
def test_a_median_of_few_has_no_interval(units: int):
    """Below six values no two of them enclose the median with 95 %."""
    assert intervals.median_ranks(units) is None
    assert intervals.median([1.0] * units) is None


@pytest.mark.parametrize("units", [6, 7, 8, 20, 21, 100, 1_001, 250_000])
def test_the_ranks_of_a_median_are_the_narrowest_that_hold(units: int):
    """The probability outside is at most 5 %, and one rank less on either side would leave more."""
    ranks = intervals.median_ranks(units)
    assert ranks is not None
    low, high = ranks
    assert high == units + 1 - low
    assert stats.binom.cdf(low - 1, units, 0.5) <= 0.025 < stats.binom.cdf(low, units, 0.5)


def test_a_median_as_published():
    """Conover: of 16 values the 4th and the 13th enclose the median."""
    assert intervals.median_ranks(16) == (4, 13)
    values = [float(each) for each in range(16, 0, -1)]
    assert intervals.median(values) == Estimate(8.5, Interval(4.0, 13.0))


def test_the_difference_of_two_medians_covers_as_promised():
    """Over 400 draws of skewed durations the true difference lies within at least 93 times of a hundred."""
    random = Random(5)
    held = 0
    for _ in range(400):
        first = intervals.median([random.lognormvariate(1.0, 1.2) for _ in range(40)])
        second = intervals.median([random.lognormvariate(0.5, 0.8) for _ in range(60)])
        assert first is not None
        assert second is not None
        found = intervals.difference(first, second).interval
        held += found.low <= 2.718281828 - 1.6487212707 <= found.high
    assert held >= 372


def test_nothing_has_no_interval():
    """Unknown is not zero."""
    assert intervals.share(0, 0) is None
    assert intervals.rate(0, 0) is None
    assert intervals.mean(1, 2.0, 4.0) is None
    assert intervals.share_difference((0, 0), (1, 2)) is None
    assert intervals.mean_difference((1, 1.0, 1.0), (5, 1.0, 1.0)) is None
    assert intervals.median_ranks(0) is None


def test_what_a_difference_says():
    """Only an interval that leaves the neutral value out says higher or lower."""
    assert intervals.reading(Interval(0.1, 0.4)) == "higher"
    assert intervals.reading(Interval(-0.4, -0.1)) == "lower"
    assert intervals.reading(Interval(0.0, 0.4)) == "no_difference"
    assert intervals.reading(Interval(0.8, inf), 1.0) == "no_difference"
    assert intervals.reading(Interval(1.1, inf), 1.0) == "higher"
    assert intervals.reading(None) == "unknown"


def test_several_comparisons_need_more_confidence():
    """Ten comparisons at 95 % together need 99.5 % each."""
    assert intervals.corrected(0.95, 10) == pytest.approx(0.995)
    assert intervals.corrected(0.95, 1) == pytest.approx(0.95)
