"""The geometry of charts drawn on the server: widths in per cent of the plot, heights in pixels, colours by class.

Templates draw what stands here; nothing needs a style attribute or a script.
"""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import Final

from msgspec import Struct

PLOT_HEIGHT: Final = 240
_GAP_SHARE: Final = 0.24
"""Of a column's room, what stays empty."""
_MAX_LABELS: Final = 16
OTHERS: Final = "others"


class Segment(Struct, frozen=True):
    """A part of a column: `y` and `height` in pixels from the top of the plot."""

    series: str
    y: float
    height: float
    value: int


class Column(Struct, frozen=True):
    """One stretch of time: its left edge, width and centre in per cent, its parts from the bottom up."""

    label: str
    x: float
    width: float
    centre: float
    segments: list[Segment]
    total: int
    rank: int
    """Which labels stay when there is little room: 0 always, 1 on wider screens, 2 on the widest, 3 never."""

    def value_of(self, series: str) -> int:
        """The number of one series in this column."""
        return next((segment.value for segment in self.segments if segment.series == series), 0)


class Gridline(Struct, frozen=True):
    """A horizontal line and the figure it stands for."""

    y: float
    value: int


class StackedColumns(Struct, frozen=True):
    """A chart of columns, each divided by series; `series` from the bottom up with their totals."""

    columns: list[Column]
    gridlines: list[Gridline]
    series: list[tuple[str, int]]
    total: int
    height: int = PLOT_HEIGHT


def stacked_columns(labels: Sequence[str], values: Mapping[str, Sequence[int]], max_series: int) -> StackedColumns:
    """A chart of one column per label. `values`: per series one number a label; the smallest series become `OTHERS`.

    A single one beyond `max_series` keeps its name.
    """
    ranked = sorted(values, key=lambda name: (-sum(values[name]), name))
    series = {name: list(values[name]) for name in ranked[:max_series]}
    rest = ranked[max_series:]
    if len(rest) == 1:
        series[rest[0]] = list(values[rest[0]])
    elif rest:
        series[OTHERS] = [sum(column) for column in zip(*(values[name] for name in rest), strict=True)]
    totals = [sum(column) for column in zip(*series.values(), strict=True)] if series else [0] * len(labels)
    ticks = nice_ticks(max(totals, default=0))
    scale = PLOT_HEIGHT / ticks[-1]
    room = 100 / max(len(labels), 1)
    columns = [
        Column(
            label,
            x=round(index * room + room * _GAP_SHARE / 2, 3),
            width=round(room * (1 - _GAP_SHARE), 3),
            centre=round((index + 0.5) * room, 3),
            segments=_stack({name: each[index] for name, each in series.items()}, scale),
            total=totals[index],
            rank=_label_rank(index, len(labels)),
        )
        for index, label in enumerate(labels)
    ]
    lines = [Gridline(round(PLOT_HEIGHT - tick * scale, 2), tick) for tick in ticks]
    return StackedColumns(columns, lines, [(name, sum(each)) for name, each in series.items()], sum(totals))


def _stack(values: Mapping[str, int], scale: float) -> list[Segment]:
    segments = []
    top = float(PLOT_HEIGHT)
    for name, value in values.items():
        if value:
            height = value * scale
            top -= height
            segments.append(Segment(name, round(top, 2), round(height, 2), value))
    return segments


def _label_rank(index: int, count: int) -> int:
    step = ceil(count / _MAX_LABELS)
    if index % step:
        return 3
    position = index // step
    return 0 if position % 4 == 0 else 1 if position % 2 == 0 else 2


def nice_ticks(highest: int, wanted: int = 4) -> list[int]:
    """Round whole numbers from 0 to at least `highest`, about `wanted` steps; never a single one."""
    rough = max(highest, 1) / wanted
    size = 10 ** floor(log10(rough)) if rough >= 1 else 1
    step = max(
        1, next(int(each * size) for each in (1, 2, 2.5, 5, 10) if each * size >= rough and (each * size) % 1 == 0)
    )
    return list(range(0, step * ceil(max(highest, 1) / step) + 1, step))


def bar_share(value: float, highest: float) -> float:
    """The length of a bar in a table, in per cent of the longest; a value above 0 is always visible."""
    return max(0.8, round(100 * value / highest, 2)) if value > 0 and highest > 0 else 0.0
