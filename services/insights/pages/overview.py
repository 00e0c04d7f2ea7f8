"""The page people open first: how the service does, where it hurts, what changed."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.charts.time_axis import annotations_of, flags
from services.insights.context import Context
from services.insights.figures.contacts import CONTACTS_OVER_TIME
from services.insights.figures.once import side_by_side
from services.insights.figures.overview_changes import LARGEST_CHANGES
from services.insights.figures.overview_demand import NOT_JUDGED_YET
from services.insights.figures.overview_periods import two_periods
from services.insights.figures.overview_points import FRICTION_BY_RULE, FRICTION_BY_SERVICE, FRICTION_BY_TERRITORY
from services.insights.pages import overview_view
from services.insights.pages.frame import Frame, read_frame
from services.insights.pages.overview_keys import keys, rating_bar
from services.insights.pages.rendering import Pages

_FIGURES: Final = {
    "contacts": CONTACTS_OVER_TIME,
    "changes": LARGEST_CHANGES,
    "rules": FRICTION_BY_RULE,
    "service": FRICTION_BY_SERVICE,
    "territory": FRICTION_BY_TERRITORY,
}


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/`"""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def overview(request: Request) -> HTMLResponse:
        """The overview of the period asked for, else of the last that has data."""
        frame = read_frame(context, request, "/", "order")
        if frame is None:
            return pages.first_steps(request)
        return pages.page(request, "overview.html", _values(context, request, frame))

    return router


def _values(context: Context, request: Request, frame: Frame) -> dict[str, object]:
    ask = frame.ask(context, unit=frame.period.unit)
    order = "minutes" if frame.options.get("order") == "minutes" else "points"
    made = keys(ask)
    # What shares a question with a part above stands well below it: it need not wait for the answer.
    parts = side_by_side(
        {
            "rules": lambda: overview_view.rules(ask, order),
            "completion": made.pop("completion"),
            "demand": made.pop("demand"),
            "territories": lambda: overview_view.places(ask, "territory"),
            "changes": lambda: overview_view.changes(ask),
            **made,
            "activity": lambda: overview_view.activity(ask, frame.period, context.language(request)),
            "services": lambda: overview_view.places(ask, "service"),
        }
    )
    return {
        "frame": frame,
        "order": order,
        "keys": [parts.pop(name) for name in keys(ask)],
        "rating_bar": rating_bar,
        "not_judged_yet": NOT_JUDGED_YET,
        "figures": _FIGURES,
        "before": two_periods(ask).before,
        "flags": flags(annotations_of(context.records, frame.filters), frame.period.starts(), frame.period.to_us),
        **parts,
    }
