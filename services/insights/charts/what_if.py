"""Pairs of columns: what is found now beside what would be found then, one pair a stretch of time."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from services.insights.charts.columns import PLOT_HEIGHT, Gridline, nice_ticks

_PAIR_SHARE: Final = 0.76
"""Of a pair's room, what its two columns fill."""
_MAX_LABELS: Final = 12


class PairColumn(Struct, frozen=True):
    """One column: left edge and width in per cent, top and height in pixels; `value` is `None` where it is not shown."""

    x: float
    width: float
    y: float
    height: float
    value: int | None


class Pair(Struct, frozen=True):
    """Now and then of one stretch; `labelled` if there is room for its name on any screen."""

    now: PairColumn
    then: PairColumn
    centre: float
    labelled: bool


class Pairs(Struct, frozen=True):
    """The chart."""

    pairs: list[Pair]
    gridlines: list[Gridline]
    height: int = PLOT_HEIGHT


def pairs(now: Sequence[int | None], then: Sequence[int | None]) -> Pairs:
    """A chart of these values; what is not shown becomes a column of the height of the smallest tick's half, to be hatched."""
    ticks = nice_ticks(max((value for value in (*now, *then) if value is not None), default=0))
    scale = PLOT_HEIGHT / ticks[-1]
    room = 100 / max(len(now), 1)
    step = -(-len(now) // _MAX_LABELS) or 1
    unshown = ticks[1] / 4

    def column(value: int | None, index: int, place: int) -> PairColumn:
        width = room * _PAIR_SHARE / 2
        height = (unshown if value is None else value) * scale
        left = index * room + room * (1 - _PAIR_SHARE) / 2 + place * width
        return PairColumn(round(left, 3), round(width, 3), round(PLOT_HEIGHT - height, 2), round(height, 2), value)

    found = [
        Pair(column(one, index, 0), column(other, index, 1), round((index + 0.5) * room, 3), index % step == 0)
        for index, (one, other) in enumerate(zip(now, then, strict=True))
    ]
    return Pairs(found, [Gridline(round(PLOT_HEIGHT - tick * scale, 2), tick) for tick in ticks])
