"""Whether a series of counts rises or falls: the rank test of Mann (1945) and Kendall, with its correction for ties."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from math import sqrt
from typing import Final, Literal

Trend = Literal["rising", "falling", "stable", "unknown"]
MIN_BINS: Final = 8
"""Fewer stretches do not bear a trend."""
MIN_POINTS: Final = 20
_Z: Final = 2.575829
"""Confidence 99 %: a board has many rows, and one in twenty would be said to move by chance."""


def trend(counts: Sequence[int]) -> Trend:
    """What equally long stretches, in order of time, say; `unknown` where they are too few, or hold too little."""
    if len(counts) < MIN_BINS or sum(counts) < MIN_POINTS:
        return "unknown"
    z = kendall_z(counts)
    return "stable" if abs(z) < _Z else "rising" if z > 0 else "falling"


def kendall_z(counts: Sequence[int]) -> float:
    """The standardised score: pairs that rise less those that fall, over its standard deviation without a trend."""
    n = len(counts)
    score = 0
    # Each count against all before it, which are kept in order: a board asks this of a hundred series.
    before: list[int] = []
    for at, count in enumerate(counts):
        lower = bisect_left(before, count)
        not_higher = bisect_right(before, count, lower)
        score += lower - (at - not_higher)
        before.insert(not_higher, count)
    ties = sum(size * (size - 1) * (2 * size + 5) for size in Counter(counts).values())
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    if variance <= 0 or score == 0:
        return 0.0
    return (score - (1 if score > 0 else -1)) / sqrt(variance)
