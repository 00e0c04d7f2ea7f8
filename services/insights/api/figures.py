"""Every figure that a page shows, as JSON or a file: one route a figure, all of one kind."""

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.insights.api.models import PROBLEMS, FigureList, FigureTable
from services.insights.api.parameters import FILTERS, declared, filters_of
from services.insights.context import Context
from services.insights.figures.catalogue import FIGURES
from services.insights.figures.figure import Ask, Figure, shown
from services.insights.figures.files import FORMATS, as_file, as_json
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.problems import Problem

_JSON: Final = "json"
_FORMAT: Final = "format"


def routes(context: Context) -> APIRouter:
    """`/api/v1/figures`, `/api/v1/figures/NAME`"""
    router = APIRouter(prefix="/api/v1", tags=["figures"], responses=PROBLEMS)

    @router.get("/figures", response_model=FigureList)
    def figures(request: Request) -> dict[str, Any]:
        """All figures: their names, titles, and what is counted."""
        language = context.language(request)
        return {
            "figures": [
                {"name": each.name, "title": language.text(each.title), "definition": language.text(each.definition)}
                for each in FIGURES.values()
            ]
        }

    for figure in FIGURES.values():
        router.add_api_route(
            f"/figures/{figure.name}",
            _route(context, figure),
            response_model=FigureTable,
            summary=figure.title,
            description=figure.definition,
            operation_id=f"figure_{figure.name.replace('-', '_')}",
            openapi_extra=_declared(figure),
            responses={200: {"content": {each.media_type.partition(";")[0]: {} for each in FORMATS.values()}}},
        )
    return router


def _route(context: Context, figure: Figure) -> Callable[..., Response]:
    names = tuple(parameter.name for parameter in figure.parameters)

    def read(request: Request) -> Response:
        filters, query = filters_of(request, *names, _FORMAT), request.query_params
        chosen = query.get(_FORMAT, _JSON)
        if chosen != _JSON and chosen not in FORMATS:
            known = ", ".join((_JSON, *FORMATS))
            raise Problem(422, "invalid-format", N_("“format” must be one of: %(allowed)s."), allowed=known)
        found = shown(figure, make_ask(context, filters, {name: query[name] for name in names if name in query}))
        if chosen == _JSON:
            return JSONResponse(as_json(found))
        disposition = f'attachment; filename="{figure.name}.{FORMATS[chosen].ending}"'
        return Response(
            as_file(found, chosen), media_type=FORMATS[chosen].media_type, headers={"content-disposition": disposition}
        )

    return read


def make_ask(context: Context, filters: Filters, parameters: dict[str, str]) -> Ask:
    """What a request asks of a figure, in the site's settings."""
    return Ask(
        store=context.store,
        filters=filters,
        book=context.rules(),
        now_us=context.clock(),
        small_cell_min=context.settings.small_cell_min,
        parameters=parameters,
        contact_cost_cents=context.settings.contact_cost_cents,
        simulations=context.simulations,
        records=context.records,
        hour_cost_cents=context.settings.hour_cost_cents,
        effects=context.effects,
    )


def _declared(figure: Figure) -> dict[str, Any]:
    """Said here, since FastAPI looks at each parameter of each route: for all figures that took half of making the application."""
    own = {each.name: each.description for each in figure.parameters}
    return {
        "parameters": declared({_FORMAT: "`json`, `csv`, `parquet` or `arrow`; `json` if left out.", **FILTERS, **own})
    }
