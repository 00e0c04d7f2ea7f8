"""The page of territories: from the whole down to one office."""

from functools import partial
from typing import Final

from fastapi import APIRouter
from msgspec import structs
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.context import Context
from services.insights.figures.compare_readings import READINGS
from services.insights.figures.figure import Ask, shown
from services.insights.figures.journey_filters import of_one_service
from services.insights.figures.once import side_by_side
from services.insights.figures.table import Table
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
_UNIT_DAYS: Final = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}
_MIN_BINS: Final = 4
_MAX_HIDDEN: Final = 1 / 3
"""Of the stretches of time that hold points, what may stay unshown before the next longer stretches are taken."""


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
    ask = frame.ask(context)
    units = _units(frame.period)
    parts = side_by_side(
        {
            "routes": partial(shown, TERRITORIES_ROUTES, ask),
            "time": partial(shown, TERRITORIES_OVER_TIME, _with_unit(ask, units[0])),
            "parts": partial(shown, TERRITORIES, ask),
        }
    )
    found, table, routed = view(ask), parts["parts"], parts["routes"]
    unit, time = _along_time(ask, units, parts["time"], table)
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


def _units(period: Period) -> list[str]:
    """Stretches of time that are few enough, the shortest first: as the site divides such a period."""
    days = (period.to_us - period.from_us) / DAY_US
    units = [*_UNIT_DAYS]
    few_enough = units[units.index("day" if period.unit == "hour" else period.unit) :]
    return few_enough[:1] + [unit for unit in few_enough[1:] if days / _UNIT_DAYS[unit] >= _MIN_BINS]


def _along_time(ask: Ask, units: list[str], shortest: Table, parts: Table) -> tuple[str, Table]:
    """The shortest stretches of time of which most may be shown; `shortest`: the figure by the first of them."""
    unit, found = units[0], shortest
    for longer in units[1:]:
        if territories_view.hidden_share(found, parts) <= _MAX_HIDDEN:
            break
        unit, found = longer, shown(TERRITORIES_OVER_TIME, _with_unit(ask, longer))
    return unit, found


def _with_unit(ask: Ask, unit: str) -> Ask:
    return structs.replace(ask, parameters={**ask.parameters, "unit": unit})
