"""What the page of comparisons shows, made ready for its template from the figure's table."""

from typing import Any

from msgspec import Struct

from services.insights.charts.whiskers import Whisker, scale_from_zero
from services.insights.figures.compare_measures import MEASURES, UNITS
from services.insights.figures.intervals import Interval
from services.insights.figures.table import Table


class MeasureView(Struct, frozen=True):
    """One measure: its title and unit (messages), its values by column name, and both groups' marks on one scale from 0."""

    title: str
    unit: str
    values: dict[str, Any]
    withheld: frozenset[str]
    a: Whisker | None
    b: Whisker | None


def rows(found: Table) -> list[MeasureView]:
    """The measures in the order of the table; each has a scale of its own."""
    views = []
    for row, values in zip(found.rows, found.records(), strict=True):
        scale = scale_from_zero(
            value for name in ("a_high", "b_high", "a_value", "b_value") if (value := values[name]) is not None
        )
        marks = [
            None
            if values[f"{side}_value"] is None
            else scale.whisker(values[f"{side}_value"], Interval(values[f"{side}_low"], values[f"{side}_high"]))
            for side in ("a", "b")
        ]
        title, unit = MEASURES[values["measure"]], UNITS[values["unit"]]
        views.append(MeasureView(title, unit, values, row.withheld, *marks))
    return views
