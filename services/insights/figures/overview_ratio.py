"""A ratio of two sums over independent units (journeys), with the interval that clustering within a unit asks for."""

from collections.abc import Sequence
from math import sqrt
from typing import Any, Final

from msgspec import Struct

from services.insights.figures.intervals import Estimate, Interval

_Z: Final = 1.959964
"""The 97.5th percentile of the normal distribution."""
MIN_UNITS: Final = 30
"""Fewer units do not bear the normal approximation."""


class Sums(Struct, frozen=True):
    """Over the units: how many, sum of the parts and of the wholes, of their squares and of their products."""

    units: int
    part: float
    whole: float
    part_squares: float
    products: float
    whole_squares: float


def read_sums(values: Sequence[Any]) -> Sums:
    """The answer to `sums_sql`."""
    return Sums(int(values[0]), *(float(each) for each in values[1:]))


def scaled(sample: Sums, part: float, whole: float) -> Sums:
    """Sums over all units from those over some of them, whose parts and wholes are known to add up to `part` and `whole`."""
    times = whole / sample.whole if sample.whole > 0 else 1.0
    return Sums(
        units=round(sample.units * times),
        part=part,
        whole=whole,
        part_squares=sample.part_squares * times,
        products=sample.products * times,
        whole_squares=sample.whole_squares * times,
    )


def ratio(sums: Sums) -> Estimate | None:
    """Part over whole with its interval (linearised ratio estimator: Cochran, Sampling Techniques, 6.3).

    `None` of nothing. With fewer than `MIN_UNITS` units the interval is everything that a share can be.
    """
    if sums.whole <= 0:
        return None
    value = sums.part / sums.whole
    if sums.units < MIN_UNITS:
        return Estimate(value, Interval(0.0, max(1.0, value)))
    squares = sums.part_squares - 2 * value * sums.products + value * value * sums.whole_squares
    half = _Z * sqrt(max(squares, 0.0) * sums.units / (sums.units - 1)) / sums.whole
    return Estimate(value, Interval(max(value - half, 0.0), value + half))


def sums_sql(part: str, whole: str, units: str = "1") -> str:
    """The six sums of `Sums` as one tuple, in its order; `part` and `whole` are expressions over rows of `units` alike units."""
    p, w = f"toFloat64({part})", f"toFloat64({whole})"
    sums = ", ".join(f"sum({units} * {each})" for each in (p, w, f"{p} * {p}", f"{p} * {w}", f"{w} * {w}"))
    return f"(sumIf({units}, {w} > 0), {sums})"
