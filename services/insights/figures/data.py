"""The figures of the state of the data, together."""

from typing import Final

from services.insights.figures import data_arrivals, data_state

FIGURES: Final = (data_arrivals.ARRIVALS, *data_state.FIGURES)
