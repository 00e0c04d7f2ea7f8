"""The geometry of the weeks round a repair: widths in per cent of the plot, heights in pixels from its top.

Lines and bands are drawn in a box `PLOT_WIDTH` wide that is stretched to the plot; marks stand beside it, in per cent.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from typing import Any, Final

from msgspec import Struct

from services.insights.charts.steps import round_step
from services.insights.figures.table import Table

PLOT_WIDTH: Final = 1000
PLOT_HEIGHT: Final = 260
_TICKS: Final = 4
_MAX_LABELS: Final = 8
_DOT_ROOM: Final = 60
"""Weeks beyond which dots give way to the line alone."""


class Dot(Struct, frozen=True):
    """A week that was seen; `title` is its day (`2026-03-31`)."""

    x: float
    y: float
    week: str
    rate: float


class Stretch(Struct, frozen=True):
    """Weeks that the estimate leaves out, or whose points are not shown: from `x`, `width` wide."""

    x: float
    width: float


class StartLine(Struct, frozen=True):
    """The day of a start, and its place."""

    x: float
    day: str
    number: int


class WeekLabel(Struct, frozen=True):
    """A day under the axis; rank as in other charts: which labels stay where there is little room."""

    x: float
    day: str
    rank: int


class EffectChart(Struct, frozen=True, kw_only=True):
    """The chart; lines are SVG paths in the stretched box."""

    dots: list[Dot]
    observed: str
    expected: str
    band: str
    compared: str
    left_out: list[Stretch]
    hidden: list[Stretch]
    starts: list[StartLine]
    labels: list[WeekLabel]
    ticks: list[tuple[float, float]]
    height: int = PLOT_HEIGHT
    width: int = PLOT_WIDTH


def effect_chart(found: Table, starts: Sequence[tuple[float, str]]) -> EffectChart:
    """The chart of the figure `improvement-effect` as it may be shown; `starts`: weeks from the first row's, and the day."""
    rows = found.records()
    count = max(len(rows), 1)
    values = [each[name] for each in rows for name in ("rate", "expected_high", "compared_rate")]
    numbers = sorted(each for each in values if isinstance(each, float))
    ticks = _ticks(_highest(rows, numbers))
    top = ticks[-1]

    def y(value: float) -> float:
        return round(PLOT_HEIGHT * (1 - min(value / top, 1.0)), 2)

    def line(name: str) -> list[tuple[float, float] | None]:
        values = [each[name] for each in rows]
        return [
            (round((place + 0.5) / count * PLOT_WIDTH, 1), y(value)) if isinstance(value, float) else None
            for place, value in enumerate(values)
        ]

    observed = line("rate")
    dots = [
        Dot(round(point[0] / PLOT_WIDTH * 100, 2), point[1], str(each["week"]), float(each["rate"] or 0))
        for point, each in zip(observed, rows, strict=True)
        if point is not None
    ]
    withheld = [index for index, row in enumerate(found.rows) if "points" in row.withheld]
    return EffectChart(
        dots=dots if count <= _DOT_ROOM else [],
        observed=_path(observed),
        expected=_path(line("expected")),
        band=_band(line("expected_low"), line("expected_high")),
        compared=_path(line("compared_rate")),
        left_out=_stretches([index for index, each in enumerate(rows) if not each["used"]], count),
        hidden=_stretches(withheld, count),
        starts=[StartLine(round(place / count * 100, 2), day, number) for number, (place, day) in enumerate(starts, 1)],
        labels=_labels(rows, count),
        ticks=[(y(tick), tick) for tick in ticks],
    )


def _highest(rows: Sequence[dict[str, Any]], numbers: Sequence[float]) -> float:
    """The top of the axis: what was seen always fits; the band's highest tip may be cut at three times that."""
    seen = [
        each[name] for each in rows for name in ("rate", "compared_rate", "expected") if isinstance(each[name], float)
    ]
    if not numbers:
        return 1.0
    return min(numbers[-1], 3 * max(seen)) if seen and max(seen) > 0 else numbers[-1] or 1.0


def _ticks(highest: float) -> list[float]:
    step = round_step(max(highest, 1e-6) / _TICKS)
    return [round(step * each, 10) for each in range(ceil(highest / step - 1e-9) + 1)]


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    """Straight pieces; a week without a value interrupts them."""
    parts, pen = [], "M"
    for point in points:
        if point is None:
            pen = "M"
            continue
        parts.append(f"{pen}{point[0]} {point[1]}")
        pen = "L"
    return "".join(parts)


def _band(low: Sequence[tuple[float, float] | None], high: Sequence[tuple[float, float] | None]) -> str:
    """Four-cornered pieces between successive weeks."""
    pieces = []
    for (low_a, high_a), (low_b, high_b) in pairwise(zip(low, high, strict=True)):
        if low_a and high_a and low_b and high_b:
            corners = (high_a, high_b, low_b, low_a)
            pieces.append("M" + "L".join(f"{x} {y}" for x, y in corners) + "Z")
    return "".join(pieces)


def _stretches(places: Sequence[int], count: int) -> list[Stretch]:
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return [Stretch(round(run[0] / count * 100, 2), round(len(run) / count * 100, 2)) for run in runs]


def _labels(rows: Sequence[dict[str, Any]], count: int) -> list[WeekLabel]:
    step = ceil(count / _MAX_LABELS)
    ranks = {0: 0, 2: 1}
    return [
        WeekLabel(round((place + 0.5) / count * 100, 2), str(rows[place]["week"]), ranks.get(place // step % 4, 2))
        for place in range(0, len(rows), step)
    ]
