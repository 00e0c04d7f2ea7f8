"""What the model expects of each week without the repair."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.insights.effect.estimate import Estimate
from services.insights.effect.protocol import WEEK, Interval

Floats = NDArray[Any]
_LARGEST_LOG: Final = 20.0


def expected_weeks(found: Estimate, first_start: int, row_weeks: int) -> dict[int, Interval]:
    """For each row of weeks (by its first day): points expected without the repair, and where they would lie.

    The range holds what is not known of the terms, and the scatter of a single week.
    """
    panel, fit = found.panel, found.fit
    rows = np.flatnonzero(panel.treated & (panel.contacts > 0))
    design = panel.design[rows].copy()
    design[:, list(panel.steps)] = 0.0
    level = fit.day_levels[panel.day[rows] - panel.day.min()]
    log = design @ fit.terms + level + np.log(panel.contacts[rows])
    if panel.paired:
        rows, design, log = _with_known_days(found, rows, design, log)
    each = np.exp(np.clip(log, -_LARGEST_LOG, _LARGEST_LOG))
    length = WEEK * row_weeks
    week = panel.day[rows] // length
    result = {}
    for number in np.unique(week):
        own = week == number
        mean = float(each[own].sum())
        if mean <= 0 or not _complete(panel.day[rows][own], panel.day, length):
            continue
        gradient = each[own] @ design[own] / mean
        # In a paired panel the comparison's own scatter comes on top of the week's.
        noise = found.scatter.dispersion / mean * (1 + _other_share(found, int(number), length, mean))
        variance = float(gradient @ found.scatter.covariance @ gradient) + noise
        factor = float(np.exp(min(found.quantile * variance**0.5, _LARGEST_LOG)))
        result[first_start + int(number) * length] = Interval(mean, mean / factor, mean * factor)
    return result


def _with_known_days(
    found: Estimate, rows: NDArray[np.int64], design: Floats, log: Floats
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Days whose level is known: from the comparison alone where the repaired units' day was not fitted."""
    panel, fit = found.panel, found.fit
    first = panel.day.min()
    days = int(panel.day.max() - first) + 1
    own = ~panel.treated & (panel.contacts > 0)
    points = np.bincount(panel.day[own] - first, panel.points[own], minlength=days)
    contacts = np.bincount(panel.day[own] - first, panel.contacts[own], minlength=days)
    fitted = np.zeros(days, dtype=bool)
    fitted[panel.day[fit.rows] - first] = True
    level = np.where(fitted, fit.day_levels, np.log(np.maximum(points, 1e-9) / np.maximum(contacts, 1.0)))
    place = panel.day[rows] - first
    known = fitted[place] | (contacts[place] > 0)
    return rows[known], design[known], (log - fit.day_levels[place] + level[place])[known]


def _other_share(found: Estimate, week: int, length: int, mean: float) -> float:
    panel = found.panel
    if not panel.paired:
        return 0.0
    points = float(panel.points[~panel.treated & (panel.day // length == week)].sum())
    return mean / max(points, 1.0)


def _complete(days: NDArray[np.int64], every: NDArray[np.int64], length: int) -> bool:
    """Whether the row of weeks lies within the study as a whole."""
    first = int(days.min()) // length * length
    return first >= int(every.min()) and first + length - 1 <= int(every.max())
