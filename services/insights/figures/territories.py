"""The figures of the page of territories."""

from typing import Final

from services.insights.figures.territories_parts import TERRITORIES, TERRITORIES_ROUTES
from services.insights.figures.territories_time import TERRITORIES_OVER_TIME

FIGURES: Final = (TERRITORIES, TERRITORIES_OVER_TIME, TERRITORIES_ROUTES)
