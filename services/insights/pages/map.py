"""The journey map, and the journeys behind what it shows."""

from functools import partial
from typing import Any, Final

from fastapi import APIRouter
from msgspec import structs
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.charts.map import MIN_LINE
from services.insights.context import Context
from services.insights.figures.figure import Ask, shown
from services.insights.figures.journey_filters import of_one_service
from services.insights.figures.map import PASSAGES, PATH, POINTS, REWORK, STEPS
from services.insights.figures.map_counts import chosen_events, read_map, read_path
from services.insights.figures.map_cut import MAX_EDGES, MAX_NODES, chosen_frequency, cut, usual_frequency
from services.insights.figures.map_queries import EVENTS
from services.insights.figures.once import side_by_side
from services.insights.language import Language
from services.insights.pages import map_journeys
from services.insights.pages.frame import Frame, read_frame
from services.insights.pages.map_view import line_class, view, worst_step
from services.insights.pages.rendering import Pages

ADDRESS: Final = "/map"


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/map`, `/map/journeys`"""
    router = APIRouter(include_in_schema=False)

    @router.get(ADDRESS)
    def journey_map(request: Request) -> HTMLResponse:
        """The map of one service: the one asked for, else the busiest."""
        frame = read_frame(context, request, ADDRESS, "events", "frequency")
        if frame is None:
            return pages.first_steps(request)
        return pages.page(request, "map.html", _values(context, frame, context.language(request)))

    router.include_router(map_journeys.routes(context, pages))
    return router


def _values(context: Context, frame: Frame, language: Language) -> dict[str, Any]:
    ask = _ask(context, frame)
    side_by_side({"map": partial(read_map, ask), "path": partial(read_path, ask)})
    ask = _with_frequency(ask)
    steps, passages, path = shown(STEPS, ask), shown(PASSAGES, ask), shown(PATH, ask)
    found = read_map(ask)
    kept = cut(found, read_path(ask), chosen_frequency(ask))
    through = sum(each.passages for each in found.passages)
    return {
        "frame": frame,
        "service": ask.filters.service,
        "scope": ask.filters,
        "events": chosen_events(ask),
        "all_events": EVENTS,
        "frequency": chosen_frequency(ask),
        "parameters": {"events": chosen_events(ask), "frequency": str(chosen_frequency(ask))},
        "figures": {"steps": (STEPS, steps), "passages": (PASSAGES, passages), "path": (PATH, path)},
        "more_figures": [(POINTS, shown(POINTS, ask)), (REWORK, shown(REWORK, ask))],
        "journeys": found.journeys,
        "points_elsewhere": found.points_elsewhere,
        "view": view(steps, passages, path, language),
        "worst": worst_step(shown(STEPS, structs.replace(ask, parameters={"events": chosen_events(ask)})), language),
        "kept": {
            "nodes": len(kept.nodes),
            "all_nodes": len(found.nodes),
            "passages": len(kept.edges),
            "all_passages": len(found.passages),
            "share": sum(each.passages for each in found.passages if each.edge in kept.edges) / through
            if through
            else 1,
        },
        "limits": (MAX_NODES, MAX_EDGES),
        "line_class": line_class,
        "least_line": MIN_LINE,
    }


def _ask(context: Context, frame: Frame) -> Ask:
    """The question to the figures, for one service."""
    ask = frame.ask(context)
    return structs.replace(ask, filters=of_one_service(ask.store, ask.filters))


def _with_frequency(ask: Ask) -> Ask:
    """The same with the slider where it stands."""
    if chosen_frequency(ask) is None:
        usual = {"frequency": str(usual_frequency(read_map(ask)))}
        ask = structs.replace(ask, parameters={**ask.parameters, **usual})
    return ask
