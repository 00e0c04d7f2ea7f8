"""Annotations on a time axis: where the numbered flags stand, whatever the chart.

Templates draw them with `time_axis.html`: `flags` inside the chart's SVG, `flag_list` under it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from msgspec import Struct

from services.insights.filters import Filters
from services.insights.ports import Records
from shared.journey.instants import DAY_US, from_us, to_us
from shared.registry.annotations import Annotation

CLOSE: Final = 3.0
"""Flags nearer than this, in per cent of the plot, stand below one another."""
LEVELS: Final = 3


class Flag(Struct, frozen=True):
    """One annotation on the axis: its number, its place in per cent of the plot, and how far down it stands (0 to 2)."""

    number: int
    x: float
    level: int
    annotation: Annotation

    @property
    def first_day(self) -> str:
        """Its first day, `2026-03-31`."""
        return self.annotation.first_day.isoformat()

    @property
    def last_day(self) -> str | None:
        """Its last day, where it lasted."""
        last = self.annotation.last_day
        return None if last is None or last == self.annotation.first_day else last.isoformat()


def annotations_of(records: Records, filters: Filters) -> list[Annotation]:
    """The annotations that concern figures under these filters, in order of time. The period must be closed."""
    if filters.from_us is None or filters.to_us is None:
        return []
    first, last = from_us(filters.from_us).date(), from_us(filters.to_us - 1).date()
    return records.annotations.between(first, last, filters.service, filters.territory)


def flags(annotations: Sequence[Annotation], starts: Sequence[int], end_us: int) -> list[Flag]:
    """Flags for an axis of equally wide stretches that begin at `starts` (instants), the last ending at `end_us`.

    What began before the axis is flagged at its left edge.
    """
    placed: list[Flag] = []
    edges = [*starts, max(end_us, starts[-1] + 1)] if starts else []
    for annotation in annotations:
        if edges and (x := _place(annotation.first_day, edges)) is not None:
            placed.append(Flag(len(placed) + 1, x, _level(x, placed), annotation))
    return placed


def _place(day: date, edges: Sequence[int]) -> float | None:
    instant_us = max(to_us(datetime(day.year, day.month, day.day, tzinfo=UTC)) + DAY_US // 2, edges[0])
    if instant_us >= edges[-1]:
        return None
    index = bisect_right(edges, instant_us) - 1
    inside = (instant_us - edges[index]) / (edges[index + 1] - edges[index])
    return round(100 * (index + inside) / (len(edges) - 1), 2)


def _level(x: float, placed: Sequence[Flag]) -> int:
    near = {flag.level for flag in placed if abs(flag.x - x) < CLOSE}
    return next((level for level in range(LEVELS) if level not in near), 0)
