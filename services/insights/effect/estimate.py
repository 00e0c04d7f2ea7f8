"""The estimate of a repair's effect with its interval."""

from typing import Any, Final

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from services.insights.effect.panel import Panel, make_panel
from services.insights.effect.protocol import WEEK, Interval, Series, Span
from services.insights.effect.regression import Fit, fit
from services.insights.effect.serial import Scatter, scatter

Floats = NDArray[Any]
_TAIL: Final = 0.975
_MIN_POINTS_OF_STEP: Final = 5
"""On each side of a start; where one has fewer, one step is taken for all starts together."""
_NONE_SEEN: Final = 3.69
"""Where no point was seen, up to so many may have been expected (exact Poisson, 97.5 %)."""
_TERMS_OF_TIME: Final = 3
"""Level, trend, step: what is fitted to the weeks."""


class Estimate(Struct, frozen=True, kw_only=True):
    """The ratio of rates, points avoided a week, points expected after; and the fit, to predict from."""

    ratio: Interval
    avoided_per_week: Interval
    expected_after: float
    panel: Panel
    fit: Fit
    scatter: Scatter
    quantile: float


def estimate(treated: list[Series], comparison: Series | None, first_day: int, span: Span) -> Estimate | None:
    """The effect of the starts that are active in the span; `None` where nothing can be told."""
    panel = make_panel(treated, comparison, first_day, span, one_step=False)
    if len(panel.steps) > 1 and _thin(panel):
        panel = make_panel(treated, comparison, first_day, span, one_step=True)
    after = panel.used & panel.started
    if panel.points[after].sum() == 0:
        return _none_seen(panel, after)
    found = fit(panel)
    return None if found is None else _estimate(panel, found)


def _thin(panel: Panel) -> bool:
    """Whether a start has too few points on one of its sides for a step of its own."""
    for number in range(len(panel.steps)):
        own = panel.used & (panel.series == number)
        for side in (panel.started, ~panel.started):
            if panel.points[own & side].sum() < _MIN_POINTS_OF_STEP:
                return True
    return False


def _estimate(panel: Panel, found: Fit) -> Estimate:
    sure = scatter(panel, found)
    quantile = _quantile(panel)
    after = panel.used & panel.started
    # The points seen after the start, by step: in sum exactly what the fit expects with the repair.
    columns = list(panel.steps)
    seen = panel.points[after] @ panel.design[after][:, columns]
    steps = found.terms[columns]
    without = seen * np.exp(-steps)
    weights = without / without.sum()
    variance = float(weights @ sure.covariance[np.ix_(columns, columns)] @ weights)
    log_ratio = float(np.log(seen.sum() / without.sum()))
    half = quantile * variance**0.5
    low, high = (float(np.exp(np.clip(log_ratio + sign * half, -50, 50))) for sign in (-1, 1))
    ratio = Interval(float(np.exp(log_ratio)), low, high)
    weeks = _weeks_after(panel)
    return Estimate(
        ratio=ratio,
        avoided_per_week=_avoided(float(seen.sum()), ratio, weeks),
        expected_after=float(without.sum()),
        panel=panel,
        fit=found,
        scatter=sure,
        quantile=quantile,
    )


def _avoided(points: float, ratio: Interval, weeks: float) -> Interval:
    """What the seen points would have been without the repair, less what they are; the ratio's ends carry over."""
    value, low, high = (points * (1 / each - 1) / weeks for each in (ratio.value, ratio.high, ratio.low))
    return Interval(value, low, high)


def _none_seen(panel: Panel, after: NDArray[np.bool_]) -> Estimate | None:
    """No point after the start: the ratio is 0, its upper end that of the most points that chance may have hidden."""
    points = panel.points.copy()
    share = panel.contacts[after] / panel.contacts[after].sum()
    points[after] = _NONE_SEEN * share
    assumed = structs.replace(panel, points=points)
    found = fit(assumed)
    if found is None:
        return None
    most = _estimate(assumed, found)
    weeks = _weeks_after(panel)
    upper = most.ratio.high
    expected = most.expected_after
    low, high = (_NONE_SEEN / ratio / weeks for ratio in (upper, most.ratio.low))
    return structs.replace(
        most,
        panel=panel,
        ratio=Interval(0.0, 0.0, upper),
        avoided_per_week=Interval(expected / weeks, low - _NONE_SEEN / weeks, high),
    )


def _weeks_after(panel: Panel) -> float:
    """Weeks in which any unit had the repair, without settling in."""
    days = panel.day[panel.used & panel.started]
    return float(days.max() - days.min() + 1) / WEEK


def _quantile(panel: Panel) -> float:
    """Student's: each week counts as one observation, however many days it has."""
    # Read on first use: it takes a third of a second, and few pages need it.
    from scipy.special import stdtrit  # noqa: PLC0415

    weeks = np.unique(panel.day[panel.used & panel.treated] // WEEK).size
    return float(stdtrit(max(weeks - _TERMS_OF_TIME, 2), _TAIL))
