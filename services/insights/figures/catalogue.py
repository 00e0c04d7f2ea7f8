"""All figures by name: what the API serves, what a page may offer as a file."""

from typing import Final

from services.insights.figures import (
    compare,
    contacts,
    data,
    flows,
    frictions,
    funnel,
    improvements,
    overview,
    territories,
    what_if,
)
from services.insights.figures import map as journey_map
from services.insights.figures.figure import Figure

FIGURES: Final[dict[str, Figure]] = {
    figure.name: figure
    for figure in (
        *contacts.FIGURES,
        *journey_map.FIGURES,
        *flows.FIGURES,
        *funnel.FIGURES,
        *overview.FIGURES,
        *frictions.FIGURES,
        *data.FIGURES,
        *what_if.FIGURES,
        *compare.FIGURES,
        *improvements.FIGURES,
        *territories.FIGURES,
    )
}
