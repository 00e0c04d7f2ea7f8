"""Bars of counts without axes, small enough for a cell of a table."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

WIDTH: Final = 120
HEIGHT: Final = 30
_GAP: Final = 2.0
_LOWEST: Final = 1.5
_HIDDEN: Final = 6.0
"""The height of a bar whose count is not shown: the same for all of them."""


class Bar(Struct, frozen=True):
    """One bar: its place and size in the box 0 0 `WIDTH` `HEIGHT`, and whether its count stays unshown."""

    x: float
    y: float
    width: float
    height: float
    hidden: bool


class Sparkline(Struct, frozen=True):
    """The bars of a line of counts."""

    bars: list[Bar]
    width: int = WIDTH
    height: int = HEIGHT


def sparkline(values: Sequence[int | None]) -> Sparkline | None:
    """Bars from 0 to the highest count; `None` stands for one that is not shown. Nothing of fewer than two."""
    if len(values) < 2:
        return None
    highest = max((value for value in values if value is not None), default=0) or 1
    room = WIDTH / len(values)
    bars = []
    for index, value in enumerate(values):
        height = _HIDDEN if value is None else max(_LOWEST, HEIGHT * value / highest)
        bars.append(
            Bar(
                round(index * room, 2),
                round(HEIGHT - height, 2),
                round(room - _GAP, 2),
                round(height, 2),
                value is None,
            )
        )
    return Sparkline(bars)
