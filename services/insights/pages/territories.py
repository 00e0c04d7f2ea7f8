"""The page of territories: from the whole down to one office."""

from typing import Final

from fastapi import APIRouter
from msgspec import structs
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.context import Context
from services.insights.figures.compare_readings import READINGS
from services.insights.figures.figure import shown
from services.insights.figures.journey_filters import of_one_service
from services.insights.figures.once import OnceStore
from services.insights.figures.territories_parts import TERRITORIES, TERRITORIES_ROUTES
from services.insights.figures.territories_places import view
from services.insights.figures.territories_time import TERRITORIES_OVER_TIME
from services.insights.language import Language
from services.insights.pages import territories_view
from services.insights.pages.compare_words import signed
from services.insights.pages.frame import Frame, read_frame
from services.insights.pages.period import Period
from services.insights.pages.rendering import Pages
from shared.journey.instants import DAY_US

PATH: Final = "/territories"
_UNITS: Final = ((21, "day"), (70, "week"), (1_900, "month"))
"""Up to so many days, so the small charts are divided; beyond, by years."""


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/territories`"""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    def territories(request: Request) -> HTMLResponse:
        """The parts of a territory side by side."""
        frame = read_frame(context, request, PATH, "within", "office")
        if frame is None:
            return pages.first_steps(request)
        return pages.page(request, "territories.html", _values(context, frame, context.language(request)))

    return router


def _values(context: Context, frame: Frame, language: Language) -> dict[str, object]:
    unit = _unit(frame.period)
    ask = structs.replace(frame.ask(context, unit=unit), store=OnceStore(context.store))
    found = view(ask)
    table, time, routed = (shown(each, ask) for each in (TERRITORIES, TERRITORIES_OVER_TIME, TERRITORIES_ROUTES))
    within = {"within": found.within} if found.within else {}
    return {
        "frame": frame,
        "within": found.within,
        "crumbs": territories_view.crumbs(found.within),
        "office": frame.options.get("office"),
        "rows": territories_view.rows(table),
        "scales": territories_view.scales(table),
        "multiples": territories_view.multiples(time),
        "unit": unit,
        "routes": territories_view.routes(routed),
        "service": of_one_service(ask.store, found.filters).service,
        "figures_shown": {
            "parts": (TERRITORIES, table, {**within, **_given(frame, "office")}),
            "time": (TERRITORIES_OVER_TIME, time, {**within, "unit": unit}),
            "routes": (TERRITORIES_ROUTES, routed, within),
        },
        "readings": READINGS,
        "signed": lambda value: signed(value, language),
    }


def _given(frame: Frame, name: str) -> dict[str, str]:
    return {name: frame.options[name]} if name in frame.options else {}


def _unit(period: Period) -> str:
    days = (period.to_us - period.from_us) / DAY_US
    return next((unit for limit, unit in _UNITS if days <= limit), "year")
