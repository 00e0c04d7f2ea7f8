"""Friction points for people: lists of them, and a page a point with its evidence; both opened for a purpose."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from services.insights.context import Context
from services.insights.figures.summaries import choices, history, points_in_all
from services.insights.filters import PAGE_FILTER_NAMES, Filters, only_known, read_filters
from services.insights.forms import read_form
from services.insights.journeys import timeline
from services.insights.language import N_, Language
from services.insights.openings import OPENED, PURPOSE_TITLES, Permit, Stated, find_permit, name_of_list
from services.insights.pages.openings import Asked, ask, gate_values, open_it, path_to, permit_of, read_stated
from services.insights.pages.rendering import Pages
from services.insights.pages.timeline import entries, lanes
from services.insights.points import PointInForce, decode_cursor, point_by_id, points_page
from services.insights.problems import Problem
from shared.detection.register import DECLARATIONS, RegisterEntry, register

PAGE_POINTS: Final = 50
_TITLE: Final = N_("One friction point")
_LEAD: Final = N_("This page shows what one person went through. It is opened for a purpose, which is recorded.")

Form = Annotated[Mapping[str, str], Depends(read_form)]


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/points`, `/points/{id}`"""
    router = APIRouter(include_in_schema=False)
    _list_routes(router, context, pages)
    _point_routes(router, context, pages)
    return router


def _list_routes(router: APIRouter, context: Context, pages: Pages) -> None:
    @router.get("/points")
    def points(request: Request) -> Response:
        """How many points under the filters, and for a purpose each of them, newest first, a page at a time."""
        filters = _list_filters(request)
        permit = find_permit(context, request.query_params.get(OPENED))
        permit = permit if permit is not None and permit.opening.kind == "points" else None
        if permit is not None and permit.opening.opened != name_of_list(filters):
            return _open_list(context, request, filters, permit.stated)  # other filters are another list
        return _list(context, pages, request, filters, permit)

    @router.post("/points")
    def open_list(request: Request, form: Form) -> Response:
        """Record the purpose and lead to the list."""
        filters = _list_filters(request)
        stated = read_stated(context, form)
        if isinstance(stated, Asked):
            return _list(context, pages, request, filters, None, stated)
        return _open_list(context, request, filters, stated)


def _point_routes(router: APIRouter, context: Context, pages: Pages) -> None:
    @router.get("/points/{point:path}")
    def point(request: Request, point: str) -> Response:
        """One point: why, its evidence over the channels, the settings used, the rule."""
        only_known(request.query_params, (OPENED, "lang"))
        found = _find(context, point)
        permit = permit_of(context, request, "point", found.id)
        if permit is None:
            return ask(context, pages, request, _TITLE, _LEAD)
        return pages.page(request, "point.html", _view(context, found, context.language(request), permit))

    @router.post("/points/{point:path}")
    def open_point(request: Request, point: str, form: Form) -> Response:
        """Record the purpose and lead to the point."""
        only_known(request.query_params, (OPENED, "lang"))
        found = _find(context, point)
        stated = read_stated(context, form)
        if isinstance(stated, Asked):
            return ask(context, pages, request, _TITLE, _LEAD, stated)
        return open_it(context, request, "point", found.id, stated, path_to("points", found.id))


def _list_filters(request: Request) -> Filters:
    only_known(request.query_params, (*PAGE_FILTER_NAMES, "cursor", OPENED, "lang"))
    return read_filters(request.query_params)


def _open_list(context: Context, request: Request, filters: Filters, stated: Stated) -> Response:
    return open_it(context, request, "points", name_of_list(filters), stated, "/points", **filters.parameters())


def _list(
    context: Context,
    pages: Pages,
    request: Request,
    filters: Filters,
    permit: Permit | None,
    asked: Asked | None = None,
) -> Response:
    """The list if it may be opened, else how many there are, and the question for the purpose."""
    before = decode_cursor(request.query_params.get("cursor"))
    store = context.store
    total = points_in_all(store, filters)
    found: list[PointInForce] = []
    next_cursor = None
    if permit is not None:
        found, next_cursor = points_page(store, filters, before, PAGE_POINTS)
    offered = choices(store)
    values = {
        "points": found,
        "filters": filters,
        "next_cursor": next_cursor,
        "continued": before is not None,
        "total": total,
        "choices": offered if any((offered.services, offered.channels, offered.territories)) else None,
        "history": None if total else history(store, filters),
        "permit": permit,
        **gate_values(asked),
    }
    return pages.page(request, "points.html", values, status=422 if asked else 200)


def _find(context: Context, point: str) -> PointInForce:
    found = point_by_id(context.store, point)
    if found is None:
        detail = N_("There is no friction point at this address. It may have been taken back since.")
        raise Problem(404, "no-point", detail)
    return found


def _view(context: Context, point: PointInForce, language: Language, permit: Permit) -> dict[str, Any]:
    found = timeline(context.store, point)
    return {
        "point": point,
        "sentence": point.sentence(language.code),
        "steps": entries(found.events, language, (point.source, point.anchor)),
        "lanes": lanes(found.events),
        "complete": found.complete,
        "entry": rule_entry(context, point.rule, language),
        "used": [
            (name, point.parameters[name], meaning.in_language(language.code))
            for name, meaning in DECLARATIONS[point.rule].parameters.items()
            if name in point.parameters
        ],
        "permit": permit,
        "purposes": PURPOSE_TITLES,
    }


def rule_entry(context: Context, rule: str, language: Language) -> RegisterEntry:
    """The register's entry of a rule, with the settings in force."""
    return next(each for each in register(language.code, context.rules().document) if each.rule == rule)
