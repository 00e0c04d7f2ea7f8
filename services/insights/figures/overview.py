"""The figures of the overview, together."""

from typing import Final

from services.insights.figures import (
    overview_changes,
    overview_demand,
    overview_journeys,
    overview_points,
    overview_satisfaction,
)

FIGURES: Final = (
    *overview_journeys.FIGURES,
    *overview_demand.FIGURES,
    *overview_satisfaction.FIGURES,
    *overview_points.FIGURES,
    *overview_changes.FIGURES,
)
