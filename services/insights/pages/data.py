"""The state of the data: what arrives, what cannot be observed, what is late, refused or unshown, how fresh each stage is."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from fastapi import APIRouter
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.context import Context
from services.insights.figures.data_arrivals import ARRIVALS
from services.insights.figures.data_state import FRESHNESS, LATE_EVENTS, OBSERVABLE_RULES, REJECTED_EVENTS
from services.insights.figures.figure import Figure, shown
from services.insights.figures.frictions_board import FRICTION_BOARD
from services.insights.figures.once import side_by_side
from services.insights.figures.overview_points import FRICTION_BY_RULE, FRICTION_BY_SERVICE, FRICTION_BY_TERRITORY
from services.insights.figures.summaries import History
from services.insights.figures.table import Table
from services.insights.pages.frame import Frame, read_frame
from services.insights.pages.overview_view import records_of
from services.insights.pages.rendering import Pages
from shared.detection.register import DECLARATIONS
from shared.journey.instants import from_us

_SUPPRESSED: Final = (FRICTION_BY_RULE, FRICTION_BY_SERVICE, FRICTION_BY_TERRITORY, FRICTION_BOARD)
_FIGURES: Final = {
    "types": ARRIVALS,
    "services": ARRIVALS,
    "rules": OBSERVABLE_RULES,
    "late": LATE_EVENTS,
    "refused": REJECTED_EVENTS,
    "freshness": FRESHNESS,
}
_OPTIONS: Final = {"types": {"group_by": "type"}, "services": {"group_by": "service"}}


class Unshown(Struct, frozen=True):
    """How many rows of a figure stay unshown in part, of how many."""

    figure: Figure
    rows: int
    withheld: int


class RuleState(Struct, frozen=True):
    """One rule: its record, and what it would need, as types and fields."""

    record: Mapping[str, Any]
    types: list[str]
    fields: list[str]


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/data`"""
    router = APIRouter(include_in_schema=False)

    @router.get("/data")
    def data(request: Request) -> HTMLResponse:
        """What stands behind every other page."""
        frame = read_frame(context, request, "/data")
        if frame is None:
            return pages.first_steps(request)
        return pages.page(request, "data.html", _values(context, frame))

    return router


def _values(context: Context, frame: Frame) -> dict[str, object]:
    figures = {name: (figure, frame.ask(context, **_OPTIONS.get(name, {}))) for name, figure in _FIGURES.items()}
    # The first counts journeys, which the last needs, too.
    first, *others = ((figure.name, (figure, frame.ask(context))) for figure in _SUPPRESSED)
    parts = dict([first, *figures.items(), *others])
    found: dict[str, Table] = side_by_side({name: partial(shown, *each) for name, each in parts.items()})
    tables = {name: found[name] for name in _FIGURES}
    return {
        "frame": frame,
        "figures": _FIGURES,
        "tables": tables,
        "records": {name: records_of(found) for name, found in tables.items()},
        "states": [_state(record) for record in records_of(tables["rules"])],
        "unshown": [_unshown(figure, found[figure.name]) for figure in _SUPPRESSED],
        "gaps": _gaps(frame.history),
    }


def _state(record: Mapping[str, Any]) -> RuleState:
    declaration = DECLARATIONS[record["rule"]]
    return RuleState(record, sorted(declaration.needed_types), sorted(declaration.needed_fields))


def _unshown(figure: Figure, found: Table) -> Unshown:
    return Unshown(figure, len(found.rows), sum(1 for row in found.rows if row.withheld))


def _gaps(history: History | None) -> int:
    """Calendar months between the first and the latest event in which nothing arrived."""
    if history is None:
        return 0
    first, latest = from_us(history.first_us), from_us(history.end_us - 1)
    months = (latest.year - first.year) * 12 + latest.month - first.month + 1
    return months - len(history.months)
