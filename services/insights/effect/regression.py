"""A Poisson regression on counts with known exposure, by iteratively reweighted least squares.

McCullagh and Nelder, Generalized Linear Models (1989), chapter 6. Where each day has a level of its own, the levels are
profiled out: given the other terms, a day's level is its points over what the others expect (the conditional likelihood of
Hausman, Hall and Griliches, Econometrica 52, 1984).
"""

from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from services.insights.effect.panel import Panel

Floats = NDArray[Any]
_MAX_ROUNDS: Final = 60
_LONGEST_STEP: Final = 2.0
_DONE: Final = 1e-8
_SMALLEST: Final = 1e-9
"""Of the largest eigenvalue: directions with less information cannot be told (a weekday on which a service is closed)."""
_BLIND: Final = 1e-6
_HIGHEST_LOG: Final = 30.0


class Fit(Struct, frozen=True, kw_only=True):
    """Terms, what is expected of the rows that were fitted, and the inverse of the information.

    rows: the places of those rows in the panel. design: their terms, less the day's weighted mean in a paired panel.
    day_levels: by the panel's day less its first; all 0 in a panel that is not paired.
    """

    terms: Floats
    rows: NDArray[np.int64]
    expected: Floats
    design: Floats
    inverse: Floats
    day_levels: Floats


def fit(panel: Panel) -> Fit | None:
    """The fit; `None` where the terms cannot be told apart or the points do not suffice."""
    rows = _informative(panel)
    if rows.size == 0:
        return None
    points, design = panel.points[rows], panel.design[rows]
    offset = np.log(panel.contacts[rows])
    day = panel.day[rows] - panel.day.min()
    days = int(panel.day.max() - panel.day.min()) + 1
    terms = np.zeros(design.shape[1])
    rate = np.log(max(points.sum(), 0.5) / panel.contacts[rows].sum())
    if not panel.paired:
        terms[: int(panel.series.max()) + 1] = rate
    for _ in range(_MAX_ROUNDS):
        expected, levels, centred = _expect(panel.paired, terms, design, offset, points, day, days)
        inverse, _ = _inverse((centred * expected[:, None]).T @ centred)
        change = inverse @ (centred.T @ (points - expected))
        longest = float(np.abs(change).max())
        terms = terms + change * min(1.0, _LONGEST_STEP / max(longest, _LONGEST_STEP))
        if longest < _DONE:
            break
    else:
        return None
    expected, levels, centred = _expect(panel.paired, terms, design, offset, points, day, days)
    inverse, blind = _inverse((centred * expected[:, None]).T @ centred)
    if np.abs(blind[list(panel.steps)]).max(initial=0.0) > _BLIND:
        return None
    return Fit(
        terms=terms,
        rows=rows,
        expected=expected,
        design=centred,
        inverse=inverse,
        day_levels=levels,
    )


def _inverse(information: Floats) -> tuple[Floats, Floats]:
    """The inverse where there is information, and the directions (as columns) in which there is none."""
    size = np.sqrt(np.diag(information))
    size[size == 0] = 1.0
    values, vectors = np.linalg.eigh(information / np.outer(size, size))
    told = values > _SMALLEST * max(float(values.max()), _SMALLEST)
    seen = vectors[:, told] / size[:, None]
    return (seen / values[told]) @ seen.T, vectors[:, ~told]


def _informative(panel: Panel) -> NDArray[np.int64]:
    """Rows that tell anything: in a paired panel, of days that both sides saw and on which there was a point."""
    used = panel.used
    if panel.paired:
        day = panel.day - panel.day.min()
        of_repaired = np.bincount(day[used & panel.treated], minlength=day.max() + 1)
        of_others = np.bincount(day[used & ~panel.treated], minlength=day.max() + 1)
        points = np.bincount(day[used], panel.points[used], minlength=day.max() + 1)
        used = used & ((of_repaired > 0) & (of_others > 0) & (points > 0))[day]
    return np.flatnonzero(used)


def _expect(
    paired: bool,
    terms: Floats,
    design: Floats,
    offset: Floats,
    points: Floats,
    day: NDArray[np.int64],
    days: int,
) -> tuple[Floats, Floats, Floats]:
    """What the terms expect of the rows, the levels of the days, and the design less the days' weighted means."""
    expected = np.exp(np.clip(design @ terms + offset, -_HIGHEST_LOG, _HIGHEST_LOG))
    levels = np.zeros(days)
    if not paired:
        return expected, levels, design
    of_day = np.bincount(day, expected, minlength=days)
    seen = of_day > 0
    scale = np.ones(days)
    scale[seen] = np.bincount(day, points, minlength=days)[seen] / of_day[seen]
    levels[seen] = np.log(np.maximum(scale[seen], 1e-12))
    expected = expected * scale[day]
    weight = np.bincount(day, expected, minlength=days)
    means = np.stack([np.bincount(day, expected * column, minlength=days) for column in design.T], axis=1)
    means[seen] = means[seen] / weight[seen, None]
    return expected, levels, design - means[day]
