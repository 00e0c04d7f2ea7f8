"""Round steps of an axis."""

from math import floor, log10
from typing import Final

_ROUND: Final = (1, 2, 2.5, 5, 10)
_SLACK: Final = 0.999
"""A step that falls short by rounding alone is large enough."""


def round_step(rough: float) -> float:
    """The smallest round number (1, 2, 2.5 or 5 times a power of ten) that is not below `rough`, which is above 0."""
    size = 10.0 ** floor(log10(rough))
    return next(each * size for each in _ROUND if each * size >= rough * _SLACK)
