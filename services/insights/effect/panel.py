"""A study as rows for a regression: one row a series and day, with what each row's rate depends on.

Without a comparison group: a level for each series, a level for each day of the week, one straight trend, a step for each
start. With one: the days' own ups and downs are common to all series (each day has a level of its own), and the repaired
units differ from the comparison by a level, their own day-of-week pattern, a trend and their steps.
"""

from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from services.insights.effect.protocol import SETTLING_DAYS, WEEK, Series, Span

Floats = NDArray[Any]
_TREND_SCALE_DAYS: Final = 100.0


class Panel(Struct, frozen=True, kw_only=True):
    """Rows in the order of series and days; `design` (rows × terms) holds the terms, the steps last.

    day: days from the first start (negative before). series: the number of the series. used: rows that are fitted; the others
    are only predicted. started: rows on or after the start of their series. steps: the columns of the steps. paired: whether
    each day has a level of its own.
    """

    points: Floats
    contacts: Floats
    day: NDArray[np.int64]
    series: NDArray[np.int64]
    treated: NDArray[np.bool_]
    started: NDArray[np.bool_]
    used: NDArray[np.bool_]
    design: Floats
    steps: tuple[int, ...]
    paired: bool


def make_panel(
    treated: list[Series], comparison: Series | None, first_day: int, span: Span, *, one_step: bool
) -> Panel:
    """The rows of a study from the begin of the span on; `one_step`: one step for all starts together."""
    first_start = min(each.start or 0 for each in treated)
    every = [*treated, *([comparison] if comparison else [])]
    offset = span.begin - first_day
    length = len(every[0].points) - offset
    day = np.tile(np.arange(length) + span.begin, len(every))
    number = np.repeat(np.arange(len(every)), length)
    points = np.concatenate([np.asarray(each.points[offset:], dtype=float) for each in every])
    contacts = np.concatenate([np.asarray(each.contacts[offset:], dtype=float) for each in every])
    start = np.repeat([span.end + 10**6 if each.start is None else each.start for each in every], length)
    is_treated = number < len(treated)
    started = day >= start
    used = (contacts > 0) & (day < span.end) & ~(started & (day < start + SETTLING_DAYS))
    used &= ~(started & (number >= span.active))
    for each, peak in enumerate(span.peaks):
        if peak is not None:
            used &= (number != each) | started | (day < peak)
    steps = _steps(number, started, span.active, one_step=one_step)
    terms = np.column_stack([_levels(number, day - first_start, is_treated, len(treated)), steps])
    return Panel(
        points=points, contacts=contacts, day=day - first_start, series=number, treated=is_treated, started=started,
        used=used, design=terms, steps=tuple(range(terms.shape[1] - steps.shape[1], terms.shape[1])),
        paired=comparison is not None,
    )  # fmt: skip


def _levels(number: NDArray[np.int64], day: NDArray[np.int64], treated: NDArray[np.bool_], units: int) -> Floats:
    """All but the steps; in a paired panel the comparison is the zero of every term."""
    units_of = np.stack([number == each for each in range(units)], axis=1)
    weekdays = np.stack([(day % WEEK == each) & treated for each in range(1, WEEK)], axis=1)
    trend = np.where(treated, day / _TREND_SCALE_DAYS, 0.0)[:, None]
    return np.hstack([units_of, weekdays, trend]).astype(float)


def _steps(number: NDArray[np.int64], started: NDArray[np.bool_], active: int, *, one_step: bool) -> Floats:
    if one_step:
        return started[:, None].astype(float)
    return np.stack([(number == each) & started for each in range(active)], axis=1).astype(float)
