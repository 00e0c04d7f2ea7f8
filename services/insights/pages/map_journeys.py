"""The journeys behind a step or a passage of the map: how many, and for a recorded purpose the latest of them."""

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from msgspec import Struct, structs
from starlette.requests import Request
from starlette.responses import Response

from services.insights.context import Context
from services.insights.figures import map_queries
from services.insights.figures.figure import Ask, Figure, shown
from services.insights.figures.journey_filters import of_one_service
from services.insights.figures.journey_nodes import Node
from services.insights.figures.map import PASSAGES, STEPS
from services.insights.figures.map_counts import chosen_events
from services.insights.figures.summaries import answer
from services.insights.figures.table import Table
from services.insights.filters import MAX_VALUE_CHARS
from services.insights.forms import read_form
from services.insights.language import N_
from services.insights.openings import OPENED
from services.insights.pages.frame import Frame, read_frame
from services.insights.pages.map_view import node_name
from services.insights.pages.openings import Asked, gate_values, open_it, permit_of, read_stated
from services.insights.pages.rendering import Pages
from services.insights.problems import Problem

ADDRESS: Final = "/map/journeys"
MAX_LISTED: Final = 50
_ENDS: Final = ("from_step", "from_channel", "to_step", "to_channel")

Form = Annotated[Mapping[str, str], Depends(read_form)]


class _Asked(Struct, frozen=True):
    """The request: where on the map, and the question to the figures, for one service."""

    frame: Frame
    ask: Ask
    origin: Node | None
    target: Node | None

    @property
    def own(self) -> dict[str, str]:
        """The page's own parameters, without the permit."""
        return {name: value for name, value in self.frame.options.items() if name != OPENED}

    @property
    def name(self) -> str:
        """How the record of openings names this list."""
        return urlencode(sorted({**self.ask.filters.parameters(), **self.own}.items()))


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/map/journeys`"""
    router = APIRouter(include_in_schema=False)

    @router.get(ADDRESS)
    def journeys(request: Request) -> Response:
        """How many journeys pass there, and for a purpose the latest of them."""
        asked = _read(context, request)
        return pages.first_steps(request) if asked is None else _page(context, pages, request, asked)

    @router.post(ADDRESS)
    def open_list(request: Request, form: Form) -> Response:
        """Record the purpose and lead to the list."""
        asked = _read(context, request)
        if asked is None:
            return pages.first_steps(request)
        stated = read_stated(context, form)
        if isinstance(stated, Asked):
            return _page(context, pages, request, asked, stated)
        parameters = {**asked.ask.filters.parameters(), **asked.own}
        return open_it(context, request, "journeys", asked.name, stated, ADDRESS, **parameters)

    return router


def _read(context: Context, request: Request) -> _Asked | None:
    frame = read_frame(context, request, ADDRESS, "events", *_ENDS, OPENED)
    if frame is None:
        return None
    ask = frame.ask(context)
    ask = structs.replace(ask, filters=of_one_service(ask.store, ask.filters))
    origin, target = _node(frame.options, "from"), _node(frame.options, "to")
    if origin is None and target is None:
        raise Problem(
            422, "no-passage", N_("Say which step (“to_step”) or passage (“from_step” and “to_step”) is meant.")
        )
    return _Asked(frame, ask, origin, target)


def _node(options: Mapping[str, str], side: str) -> Node | None:
    """A step and its channel. Raises `Problem` 422 for what no event could carry."""
    step, channel = options.get(f"{side}_step"), options.get(f"{side}_channel", "")
    for name, value in ((f"{side}_step", step), (f"{side}_channel", channel)):
        if value and (len(value) > MAX_VALUE_CHARS or "\0" in value):
            raise Problem(
                422,
                "invalid-filter",
                N_(
                    "The value of “%(name)s” cannot stand in an event: at most %(limit)s characters, no null character."
                ),
                name=name,
                limit=MAX_VALUE_CHARS,
            )
    return (step, channel) if step else None


def _page(context: Context, pages: Pages, request: Request, asked: _Asked, stated: Asked | None = None) -> Response:
    language = context.language(request)
    events = chosen_events(asked.ask)
    permit = permit_of(context, request, "journeys", asked.name)
    figure, found = _row(asked)
    listed = []
    if permit is not None:
        listed = answer(
            context.store,
            map_queries.journeys_behind(asked.ask.filters, events, asked.origin, asked.target, MAX_LISTED),
        )
    values = {
        "frame": asked.frame,
        "scope": asked.ask.filters,
        "own": asked.own,
        "events": events,
        "origin": None if asked.origin is None else node_name(asked.origin, language),
        "target": None if asked.target is None else node_name(asked.target, language),
        "figure": figure,
        "found": found,
        "listed": listed,
        "most": MAX_LISTED,
        "permit": permit,
        **gate_values(stated),
    }
    return pages.page(request, "map_journeys.html", values, status=422 if stated else 200)


def _row(asked: _Asked) -> tuple[Figure, Table]:
    """The row of the map's figure that this is about, as it is shown there; of a step alone, that of the step."""
    origin, target = asked.origin, asked.target
    if origin is not None and target is not None:
        figure, values = PASSAGES, [*origin, *target]
    else:
        figure, values = STEPS, [*(target or origin or ())]
    table = shown(figure, structs.replace(asked.ask, parameters={"events": chosen_events(asked.ask)}))
    rows = tuple(row for row in table.rows if list(row.values[: len(values)]) == values)
    return figure, structs.replace(table, rows=rows)
