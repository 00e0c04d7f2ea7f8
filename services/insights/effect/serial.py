"""How sure the terms of a fit are when days resemble their neighbours.

Counts of points scatter more than Poisson counts, and one day's excess lasts for some days. Neither is known; so the covariance
is averaged over a grid of what they may be: what a day's excess keeps the next day (`_KEPT`), and how large the lasting part is
beside the rest (`_LASTING`), each weighted by how well it explains the residuals (restricted likelihood: Patterson and Thompson,
Biometrika 58, 1971; corrected for the terms that were fitted, which the usual HAC estimators are not).
"""

from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from services.insights.effect.panel import Panel
from services.insights.effect.regression import Fit

Floats = NDArray[Any]
_KEPT: Final = (0.3, 0.6, 0.8, 0.9, 0.95)
_LASTING: Final = (0.0, 0.05, 0.2, 0.5, 1.0, 2.5)
_MAX_ROWS: Final = 240
"""Rows of residuals that are compared; more days are put together to blocks."""
_RANK_TOLERANCE: Final = 1e-9


class Scatter(Struct, frozen=True):
    """The covariance of the terms, and the variance of a count over its mean."""

    covariance: Floats
    dispersion: float


class _Blocks(Struct, frozen=True):
    """Residuals in units of a Poisson count's deviation; `time` in days, `size` relative to the mean block's."""

    residuals: Floats
    design: Floats
    terms: Floats
    time: Floats
    series: Floats
    size: Floats


def scatter(panel: Panel, found: Fit) -> Scatter:
    """The averaged covariance. In a paired panel series scatter independently, else all together."""
    blocks = _blocks(panel, found)
    rest = _rest_of(blocks.design)
    seen = rest.T @ blocks.residuals
    together = np.equal.outer(blocks.series, blocks.series) if panel.paired else np.ones((blocks.time.size,) * 2)
    apart = np.abs(np.subtract.outer(blocks.time, blocks.time))
    carried = blocks.terms @ found.inverse
    weights, covariances, dispersions = [], [], []
    for kept in _KEPT:
        pattern = kept**apart * together * np.outer(blocks.size, blocks.size)
        for lasting in _LASTING:
            if lasting == 0.0 and kept != _KEPT[0]:
                continue
            shape = np.eye(blocks.time.size) + lasting * pattern
            likelihood, dispersion = _likelihood(rest.T @ shape @ rest, seen)
            weights.append(likelihood)
            covariances.append(dispersion * carried.T @ shape @ carried)
            dispersions.append(dispersion * (1 + lasting))
    weight = np.exp(np.asarray(weights) - max(weights))
    weight /= weight.sum()
    return Scatter(np.tensordot(weight, np.asarray(covariances), axes=1), float(weight @ np.asarray(dispersions)))


def _likelihood(shape: Floats, seen: Floats) -> tuple[float, float]:
    """The restricted log likelihood of the residuals, and the dispersion that fits best; counts never scatter less than Poisson."""
    count = seen.size
    lower = np.linalg.cholesky(shape)
    square = float(np.sum(np.linalg.solve(lower, seen) ** 2)) / count
    dispersion = max(square, 1.0)
    fit = -float(np.log(np.diag(lower)).sum()) - 0.5 * count * (float(np.log(dispersion)) + square / dispersion)
    return fit, dispersion


def _rest_of(design: Floats) -> Floats:
    """An orthonormal basis of what the terms leave over."""
    left, singular, _ = np.linalg.svd(design, full_matrices=True)
    rank = int((singular > _RANK_TOLERANCE * singular.max()).sum())
    return left[:, rank:]


def _blocks(panel: Panel, found: Fit) -> _Blocks:
    series = panel.series[found.rows]
    day = panel.day[found.rows] - panel.day.min()
    count = int(series.max()) + 1
    length = int(np.ceil((day.max() + 1) * count / _MAX_ROWS))
    place, number = np.unique(series * 10**6 + day // length, return_inverse=True)
    expected = np.bincount(number, found.expected)
    deviation = np.sqrt(expected)
    residuals = (np.bincount(number, panel.points[found.rows]) - expected) / deviation
    summed = np.stack([np.bincount(number, found.expected * column) for column in found.design.T], axis=1)
    terms = summed / deviation[:, None]
    design = terms
    if panel.paired:
        levels = np.equal.outer(place % 10**6, np.unique(place % 10**6)) * deviation[:, None]
        design = np.hstack([terms, levels])
    return _Blocks(
        residuals,
        design,
        terms,
        (place % 10**6) * float(length),
        place // 10**6,
        np.sqrt(expected / expected.mean()),
    )
