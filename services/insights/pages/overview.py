"""The page people open first: how many come by which channel, and where it hurts."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.context import Context
from services.insights.figures import Extent, choices, extent, loaded_streams
from services.insights.filters import FILTER_NAMES, Filters, only_known, read_filters
from services.insights.pages import overview_view
from services.insights.pages.period import choose_period, everything, last_with_data
from services.insights.pages.rendering import Pages
from services.insights.points import points_page
from shared.journey.instants import SECOND_US, to_text

LATEST_POINTS: Final = 8


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/`"""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def overview(request: Request) -> HTMLResponse:
        """The overview of the period asked for, else of the last that has data."""
        only_known(request.query_params, (*FILTER_NAMES, "order", "lang"))
        asked = read_filters(request.query_params)
        found = extent(context.store)
        if found is None:
            return pages.page(request, "first_steps.html", _first_steps(context))
        order = "minutes" if request.query_params.get("order") == "minutes" else "points"
        return pages.page(request, "overview.html", _values(context, request, asked, found, order))

    return router


def _first_steps(context: Context) -> dict[str, object]:
    now = to_text(context.clock() // SECOND_US * SECOND_US)
    return {"ingest_port": context.settings.ingest_port, "now": now.replace(".000000", "")}


def _values(context: Context, request: Request, asked: Filters, found: Extent, order: str) -> dict[str, object]:
    store, language = context.store, context.language(request)
    period = choose_period(asked, found)
    filters = asked.on(period.from_us, period.to_us)
    latest, _ = points_page(store, filters, None, LATEST_POINTS)
    rules = overview_view.rules(store, filters, context.rules(), order)
    return {
        "asked": asked,
        "filters": filters,
        "period": period,
        "presets": (last_with_data(found), everything(found)),
        "extent": found,
        "choices": choices(store),
        "order": order,
        "loaded_us": max((each["at_us"] for each in loaded_streams(store).values()), default=None),
        "loader_alive": context.loading.alive(),
        "behind": sum(context.loading.lag().values()),
        "activity": overview_view.activity(store, filters, period, language),
        "services": overview_view.places(store, "service", filters),
        "territories": overview_view.places(store, "territory", filters),
        "rules": rules,
        "latest": latest,
    }
