"""A line of counts without axes, small enough for a cell of a table."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

WIDTH: Final = 120
HEIGHT: Final = 32
_MARGIN: Final = 3


class Sparkline(Struct, frozen=True):
    """`points` for a polyline of the box 0 0 `WIDTH` `HEIGHT`; where the last value stands."""

    points: str
    last_x: float
    last_y: float
    width: int = WIDTH
    height: int = HEIGHT


def sparkline(values: Sequence[float]) -> Sparkline | None:
    """The line from 0 to the highest value; `None` for fewer than two values."""
    if len(values) < 2:
        return None
    highest = max(values) or 1
    step = (WIDTH - 2 * _MARGIN) / (len(values) - 1)
    places = [
        (round(_MARGIN + index * step, 1), round(HEIGHT - _MARGIN - (HEIGHT - 2 * _MARGIN) * value / highest, 1))
        for index, value in enumerate(values)
    ]
    return Sparkline(" ".join(f"{x},{y}" for x, y in places), *places[-1])


def in_groups(values: Sequence[int], groups: int) -> list[float]:
    """Sums of neighbours, so that at most `groups` values are left; what is over at the beginning joins the first."""
    size = -(-len(values) // groups) if groups else 1
    if size <= 1:
        return [float(value) for value in values]
    starts = range(len(values), 0, -size)
    return [float(sum(values[max(0, end - size) : end])) for end in starts][::-1]
