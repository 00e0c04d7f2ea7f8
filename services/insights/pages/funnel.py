"""The page of funnels: how many come from step to step, where they stop, how long it takes."""

from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.context import Context
from services.insights.figures.compare_readings import READINGS
from services.insights.figures.figure import shown
from services.insights.figures.funnel import FUNNEL, FUNNEL_BREAKDOWN, FUNNEL_TIMES, OTHERS, read_funnel
from services.insights.figures.funnel_steps import MAX_STEPS, STEP_NAMES, nodes
from services.insights.figures.once import side_by_side
from services.insights.language import Language
from services.insights.pages import funnel_view
from services.insights.pages.compare_words import part_namer, points_in
from services.insights.pages.frame import Frame, read_frame
from services.insights.pages.rendering import Pages

PATH = "/funnel"
_OPTIONS = (*STEP_NAMES, "order", "window_days", "by", "versus")
_SPARE_SELECTS = 2
_OFFERED = "steps offered"


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/funnel`"""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    def funnel(request: Request) -> HTMLResponse:
        """The funnel of the address, else of the most frequent steps."""
        frame = read_frame(context, request, PATH, *_OPTIONS)
        if frame is None:
            return pages.first_steps(request)
        return pages.page(request, "funnel.html", _values(context, frame, context.language(request)))

    return router


def _values(context: Context, frame: Frame, language: Language) -> dict[str, object]:
    ask = frame.ask(context)
    asked = read_funnel(ask)
    figures = {each.name: partial(shown, each, ask) for each in (FUNNEL, FUNNEL_TIMES, FUNNEL_BREAKDOWN)}
    offered = partial(nodes, ask.store, asked.funnel.filters, ask.small_cell_min)
    tables = side_by_side({**figures, _OFFERED: offered})
    labels, single = tables[_OFFERED]
    own = {name: value for name, value in frame.options.items() if name in (*STEP_NAMES, "order", "window_days")}
    chosen = [step.text for step in asked.funnel.steps]
    return {
        "frame": frame,
        "asked_funnel": asked,
        "service": asked.funnel.filters.service,
        "figures_shown": [
            (FUNNEL, tables[FUNNEL.name], _with(own, frame, "versus")),
            (FUNNEL_TIMES, tables[FUNNEL_TIMES.name], own),
            (FUNNEL_BREAKDOWN, tables[FUNNEL_BREAKDOWN.name], _with(own, frame, "by")),
        ],
        "steps": funnel_view.steps(tables[FUNNEL.name], tables[FUNNEL_TIMES.name]),
        "parts": funnel_view.parts(tables[FUNNEL_BREAKDOWN.name]),
        "notes": tables[FUNNEL.name].notes,
        "choices_offered": funnel_view.choices(labels, single, asked.funnel.steps),
        "readings": READINGS,
        "points": points_in(language),
        "part_name": part_namer(language, OTHERS),
        "selects": [*chosen, *("" for _ in range(min(_SPARE_SELECTS, MAX_STEPS - len(chosen))))],
    }


def _with(own: dict[str, str], frame: Frame, name: str) -> dict[str, str]:
    return {**own, **({name: frame.options[name]} if name in frame.options else {})}
