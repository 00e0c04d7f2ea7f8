"""The page people open first: how many come by which channel, and where it hurts."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.context import Context
from services.insights.pages import overview_view
from services.insights.pages.frame import Frame, read_frame
from services.insights.pages.rendering import Pages
from services.insights.points import points_page

LATEST_POINTS: Final = 8


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
    store, language, limit = context.store, context.language(request), context.settings.small_cell_min
    filters = frame.filters
    order = "minutes" if frame.options.get("order") == "minutes" else "points"
    latest, _ = points_page(store, filters, None, LATEST_POINTS)
    rules = overview_view.rules(store, filters, context.rules(), order, limit)
    known = rules.points is not None
    return {
        "frame": frame,
        "order": order,
        "activity": overview_view.activity(store, filters, frame.period, language),
        "services": overview_view.places(store, "service", filters, limit, known=known),
        "territories": overview_view.places(store, "territory", filters, limit, known=known),
        "rules": rules,
        "latest": latest,
    }
