"""The page people open first: how many come by which channel, and where it hurts."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.context import Context
from services.insights.figures import History, Month, choices, extent, history, loaded_streams
from services.insights.filters import PAGE_FILTER_NAMES, Filters, only_known, read_filters
from services.insights.pages import overview_view
from services.insights.pages.backlog import is_behind
from services.insights.pages.period import Period, choose_period, everything, latest_months, usual_period
from services.insights.pages.rendering import Pages
from services.insights.points import points_page
from shared.journey.instants import HOUR_US, SECOND_US, to_text

LATEST_POINTS: Final = 8


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/`"""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def overview(request: Request) -> HTMLResponse:
        """The overview of the period asked for, else of the last that has data."""
        only_known(request.query_params, (*PAGE_FILTER_NAMES, "order", "lang"))
        asked = read_filters(request.query_params)
        found = history(context.store, asked)
        if found is None and extent(context.store) is None:
            return pages.page(request, "first_steps.html", _first_steps(context))
        order = "minutes" if request.query_params.get("order") == "minutes" else "points"
        return pages.page(request, "overview.html", _values(context, request, asked, found, order))

    return router


def _first_steps(context: Context) -> dict[str, object]:
    now = to_text(context.clock() // SECOND_US * SECOND_US)
    return {"ingest_port": context.settings.ingest_port, "now": now.replace(".000000", "")}


def _values(context: Context, request: Request, asked: Filters, found: History | None, order: str) -> dict[str, object]:
    store, language, limit = context.store, context.language(request), context.settings.small_cell_min
    period = choose_period(asked, found or _history_of_all(context))
    filters = asked.on(period.from_us, period.to_us)
    latest, _ = points_page(store, filters, None, LATEST_POINTS)
    rules = overview_view.rules(store, filters, context.rules(), order, limit)
    known = rules.points is not None
    streams = loaded_streams(store)
    return {
        "asked": asked,
        "filters": filters,
        "period": period,
        "presets": None if found is None else (usual_period(found), everything(found)),
        "newer": _newer(period, found),
        "history": found,
        "choices": choices(store),
        "order": order,
        "loaded_us": max((each["at_us"] for each in streams.values()), default=None),
        "loader_alive": context.loading.alive(),
        "behind": is_behind(context.loading.lag(), streams, context.settings.partitions),
        "activity": overview_view.activity(store, filters, period, language),
        "services": overview_view.places(store, "service", filters, limit, known=known),
        "territories": overview_view.places(store, "territory", filters, limit, known=known),
        "rules": rules,
        "latest": latest,
    }


def _history_of_all(context: Context) -> History:
    """Where nothing is under the filters: the time that the platform's data span."""
    found = extent(context.store)
    first_us, end_us = (found.first_us, found.end_us) if found else (context.clock() - HOUR_US, context.clock())
    return History(first_us, end_us, [Month(end_us - 1, 1)])


def _newer(period: Period, found: History | None) -> Period | None:
    """The latest months, where the page shows older ones by itself."""
    return latest_months(found) if found and not period.chosen and found.end_us > period.to_us else None
