"""The geometry of a value with its interval on a horizontal axis: places in per cent of the plot."""

from collections.abc import Iterable
from math import ceil, floor, isfinite
from typing import Final

from msgspec import Struct

from services.insights.charts.steps import round_step
from services.insights.figures.intervals import Interval

_ROOM: Final = 0.04
"""Of the width, kept free at either end, so that a mark on the edge is whole."""


class Whisker(Struct, frozen=True):
    """Where the interval begins and ends and where the value lies, in per cent; an end beyond the axis is `open`."""

    low: float
    high: float
    at: float
    open_low: bool = False
    open_high: bool = False


class Scale(Struct, frozen=True):
    """An axis from `low` to `high`, in the values' own unit."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Where a value lies, in per cent of the plot."""
        span = self.high - self.low or 1.0
        inside = min(max((value - self.low) / span, 0.0), 1.0)
        return round(100 * (_ROOM + inside * (1 - 2 * _ROOM)), 2)

    def whisker(self, value: float, interval: Interval | None) -> Whisker:
        """The mark of a value; without an interval a bare dot."""
        low, high = interval or (value, value)
        return Whisker(
            self.place(low), self.place(high), self.place(value), open_low=low < self.low, open_high=high > self.high
        )

    def ticks(self, wanted: int = 4) -> list[tuple[float, float]]:
        """(place, value) of round values on the axis."""
        step = round_step((self.high - self.low) / wanted or 1.0)
        first = ceil(self.low / step - 1e-9)
        last = floor(self.high / step + 1e-9)
        return [(self.place(each * step), round(each * step, 10)) for each in range(first, last + 1)]


def scale_from_zero(values: Iterable[float], at_least: float = 0.0) -> Scale:
    """An axis from 0 that holds these values; what is not finite is left out."""
    highest = max((value for value in values if isfinite(value)), default=0.0)
    return Scale(0.0, max(highest, at_least) or 1.0)


def scale_round_zero(values: Iterable[float]) -> Scale:
    """An axis as long below 0 as above that holds these values."""
    highest = max((abs(value) for value in values if isfinite(value)), default=0.0) or 1.0
    return Scale(-highest, highest)
