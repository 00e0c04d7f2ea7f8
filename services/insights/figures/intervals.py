"""How sure a figure is: intervals of shares, rates, means and medians, and of the differences between two of them.

All are for independent units (journeys, people). Events of one journey are not independent: count journeys, take the mean over
journeys, or give `dispersion`. Sources stand at each function; `docs/designers/compare.md` says it in plain words.
"""

from math import floor, inf, sqrt
from statistics import NormalDist
from typing import Final, Literal, NamedTuple

CONFIDENCE: Final = 0.95

Reading = Literal["higher", "lower", "no_difference", "unknown"]
"""What a difference says: the first is surely above or below the second, neither can be told, or nothing is known."""


class Interval(NamedTuple):
    """A range of values that the data do not speak against; an end may be infinite."""

    low: float
    high: float


class Estimate(NamedTuple):
    """A value and its interval."""

    value: float
    interval: Interval


def corrected(confidence: float, comparisons: int) -> float:
    """The confidence that each of several comparisons needs so that all hold together (Bonferroni)."""
    return 1 - (1 - confidence) / max(comparisons, 1)


def reading(interval: Interval | None, neutral: float = 0.0) -> Reading:
    """What the interval of a difference (neutral 0) or of a ratio (neutral 1) says."""
    if interval is None:
        return "unknown"
    if interval.low > neutral:
        return "higher"
    return "lower" if interval.high < neutral else "no_difference"


def share(count: int, total: int, confidence: float = CONFIDENCE) -> Estimate | None:
    """A share of independent units, with Wilson's score interval (1927); `None` of nothing."""
    if total <= 0:
        return None
    value = count / total
    z = _z(confidence)
    spread = z * sqrt(value * (1 - value) / total + z * z / (4 * total * total))
    centre = value + z * z / (2 * total)
    scale = 1 + z * z / total
    low = 0.0 if count == 0 else (centre - spread) / scale
    high = 1.0 if count == total else (centre + spread) / scale
    return Estimate(value, Interval(low, high))


def rate(count: int, exposure: float, confidence: float = CONFIDENCE, dispersion: float = 1.0) -> Estimate | None:
    """Occurrences per unit of exposure, with the exact Poisson interval (Garwood 1936); `None` of no exposure.

    dispersion: how many times larger than its mean the variance of the count is (1 for single, independent occurrences; never
    taken below 1). The count is then worth that many times fewer (McCullagh and Nelder, quasi-likelihood).
    """
    if exposure <= 0:
        return None
    # Read on first use: it takes half a second, and few pages need it.
    from scipy.special import gammaincinv  # noqa: PLC0415

    worth = max(dispersion, 1.0)
    tail = (1 - confidence) / 2
    low = float(gammaincinv(count / worth, tail)) if count else 0.0
    high = float(gammaincinv(count / worth + 1, 1 - tail))
    return Estimate(count / exposure, Interval(low * worth / exposure, high * worth / exposure))


def dispersion_of(total: float, total_of_squares: float) -> float:
    """Of occurrences that come in clusters: from the sum of the clusters' counts and the sum of their squares.

    For clusters that come independently this is the variance of the total over its mean (compound Poisson); 1 where each has
    one occurrence.
    """
    return max(total_of_squares / total, 1.0) if total > 0 else 1.0


def mean(units: int, total: float, total_of_squares: float, confidence: float = CONFIDENCE) -> Estimate | None:
    """The mean of independent units, with Student's interval; from sums. `None` of fewer than two units."""
    if units < 2:
        return None
    value = total / units
    half = _t(confidence, units - 1) * sqrt(_variance_of_mean(units, total, total_of_squares))
    return Estimate(value, Interval(value - half, value + half))


def median_ranks(units: int, confidence: float = CONFIDENCE) -> tuple[int, int] | None:
    """Which of the sorted values (from 1) bound the median: the exact binomial interval (Conover, 3.2).

    `None` of so few units that no two values do.
    """
    if units < 1:
        return None
    from scipy.special import bdtr, bdtrik  # noqa: PLC0415

    tail = (1 - confidence) / 2
    below = floor(float(bdtrik(tail, units, 0.5)))
    while below >= 0 and float(bdtr(below, units, 0.5)) > tail:
        below -= 1
    while below + 1 < units / 2 and float(bdtr(below + 1, units, 0.5)) <= tail:
        below += 1
    return None if below < 0 else (below + 1, units - below)


def median(values: list[float], confidence: float = CONFIDENCE) -> Estimate | None:
    """The median of independent units with its order statistics; `None` of too few. Sorts a copy."""
    ranks = median_ranks(len(values), confidence)
    if ranks is None:
        return None
    ordered = sorted(values)
    half = len(ordered) // 2
    value = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
    return Estimate(value, Interval(ordered[ranks[0] - 1], ordered[ranks[1] - 1]))


def difference(first: Estimate, second: Estimate) -> Estimate:
    """First minus second, for independent estimates: the intervals of both put together (MOVER: Zou and Donner 2008).

    Of two shares with Wilson's intervals this is Newcombe's method 10 (1998). It holds for rates and medians alike.
    """
    value = first.value - second.value
    low = value - _root(first.value - first.interval.low, second.interval.high - second.value)
    high = value + _root(first.interval.high - first.value, second.value - second.interval.low)
    return Estimate(value, Interval(low, high))


def share_difference(
    first: tuple[int, int], second: tuple[int, int], confidence: float = CONFIDENCE
) -> Estimate | None:
    """The difference of two shares, each given as (count, total): Newcombe's method 10."""
    one, other = share(*first, confidence), share(*second, confidence)
    return None if one is None or other is None else difference(one, other)


def mean_difference(
    first: tuple[int, float, float], second: tuple[int, float, float], confidence: float = CONFIDENCE
) -> Estimate | None:
    """The difference of two means, each given as (units, total, total of squares): Welch (1947)."""
    if min(first[0], second[0]) < 2:
        return None
    one, other = _variance_of_mean(*first), _variance_of_mean(*second)
    value = first[1] / first[0] - second[1] / second[0]
    if one + other == 0:
        return Estimate(value, Interval(value, value))
    freedom = (one + other) ** 2 / (one**2 / (first[0] - 1) + other**2 / (second[0] - 1))
    half = _t(confidence, freedom) * sqrt(one + other)
    return Estimate(value, Interval(value - half, value + half))


def rate_ratio(first: tuple[int, float], second: tuple[int, float], confidence: float = CONFIDENCE) -> Estimate | None:
    """How many times the second rate the first is, each given as (count, exposure): exact, given the sum of both counts.

    Clopper and Pearson's interval of the first's part of all occurrences, turned into a ratio (Przyborowski and Wilenski 1940).
    `None` where either has no exposure, the second has no occurrence, or neither has.
    """
    (count, exposure), (other_count, other_exposure) = first, second
    if exposure <= 0 or other_exposure <= 0 or other_count == 0:
        return None
    from scipy.special import betaincinv  # noqa: PLC0415

    tail = (1 - confidence) / 2
    part_low = float(betaincinv(count, other_count + 1, tail)) if count else 0.0
    part_high = float(betaincinv(count + 1, other_count, 1 - tail))
    scale = other_exposure / exposure
    value = count / other_count * scale
    return Estimate(value, Interval(_odds(part_low) * scale, _odds(part_high) * scale))


def _odds(part: float) -> float:
    return inf if part >= 1 else part / (1 - part)


def _root(first: float, second: float) -> float:
    return sqrt(first * first + second * second)


def _variance_of_mean(units: int, total: float, total_of_squares: float) -> float:
    return max(total_of_squares - total * total / units, 0.0) / (units - 1) / units


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _t(confidence: float, freedom: float) -> float:
    from scipy.special import stdtrit  # noqa: PLC0415

    return float(stdtrit(freedom, (1 + confidence) / 2))
