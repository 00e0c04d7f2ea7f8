"""One journey for people: its events over the channels, its points and why some were taken back, notes on it."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.insights.api.journeys import find_journey
from services.insights.context import Context
from services.insights.filters import PAGE_FILTER_NAMES, Filters, only_known, read_filters
from services.insights.forms import read_form
from services.insights.journeys import FoundJourney, read_journey
from services.insights.language import N_
from services.insights.openings import OPENED, PURPOSE_TITLES, Permit, find_permit
from services.insights.pages.journey_view import PART, journey_view
from services.insights.pages.openings import (
    UNDER,
    Asked,
    ask,
    gate_values,
    link_of,
    open_it,
    path_to,
    permit_of,
    read_stated,
)
from services.insights.pages.rendering import Pages
from services.insights.problems import Problem
from shared.errors import RecordRefused
from shared.registry.notes import NoteValues

NOTE_GRACE_S: Final = 28_800
"""Whoever began to write while a journey was open may still send the note, for eight hours."""
_TITLE: Final = N_("One journey")
_LEAD: Final = N_("This page shows what one person went through. It is opened for a purpose, which is recorded.")

Form = Annotated[Mapping[str, str], Depends(read_form)]


class Written(Struct, frozen=True):
    """A note as it was filled in, to be shown again with what is wrong (a message)."""

    text: str = ""
    author: str = ""
    problem: str = ""


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/journeys`, `/journeys/{id}`"""
    router = APIRouter(include_in_schema=False)
    _search_routes(router, context, pages)
    _note_routes(router, context, pages)
    _journey_routes(router, context, pages)
    return router


def _search_routes(router: APIRouter, context: Context, pages: Pages) -> None:
    @router.get("/journeys")
    def search(request: Request) -> Response:
        """A form that opens a journey by its id; the filters of the page before go on to the points."""
        only_known(request.query_params, (*PAGE_FILTER_NAMES, "lang"))
        filters = read_filters(request.query_params)
        return pages.page(request, "journeys.html", _search(filters, "", missing=False))

    @router.post("/journeys")
    def open_by_id(request: Request, form: Form) -> Response:
        """Record the purpose and lead to the journey."""
        only_known(request.query_params, (*PAGE_FILTER_NAMES, "lang"))
        filters = read_filters(request.query_params)
        journey = form.get("journey", "").lower()
        found = read_journey(context.store, journey, context.rules())
        stated = read_stated(context, form)
        if found is None or isinstance(stated, Asked):
            asked = stated if isinstance(stated, Asked) else Asked(stated.purpose, stated.text)
            values = _search(filters, journey, missing=found is None, asked=asked)
            return pages.page(request, "journeys.html", values, status=422)
        return open_it(context, request, "journey", found.journey, stated, path_to("journeys", found.journey))


def _search(filters: Filters, journey: str, *, missing: bool, asked: Asked | None = None) -> dict[str, Any]:
    return {"filters": filters, "journey": journey, "missing": missing, **gate_values(asked)}


def _journey_routes(router: APIRouter, context: Context, pages: Pages) -> None:
    @router.get("/journeys/{journey:path}")
    def journey(request: Request, journey: str) -> Response:
        """One journey, a part of its events at a time."""
        only_known(request.query_params, (OPENED, PART, "lang"))
        permit = permit_of(context, request, "journey", journey)
        found = find_journey(context, journey)
        if permit is None:
            return ask(context, pages, request, _TITLE, _LEAD)
        return _show(context, pages, request, found, permit, Written())

    @router.post("/journeys/{journey:path}")
    def open_journey(request: Request, journey: str, form: Form) -> Response:
        """Record the purpose and lead to the journey."""
        only_known(request.query_params, (OPENED, PART, "lang"))
        found = find_journey(context, journey)
        stated = read_stated(context, form)
        if isinstance(stated, Asked):
            return ask(context, pages, request, _TITLE, _LEAD, stated)
        return open_it(context, request, "journey", found.journey, stated, path_to("journeys", found.journey))


def _note_routes(router: APIRouter, context: Context, pages: Pages) -> None:
    @router.post("/journeys/{journey}/notes")
    def add(request: Request, journey: str, form: Form) -> Response:
        """Keep a note on a journey that was opened."""
        permit = _permit_to_write(context, journey, form)
        text, author = form.get("text", ""), form.get("author", "")
        try:
            context.records.notes.add(NoteValues(about="journey", about_id=journey, text=text, author=author))
        except RecordRefused:
            problem = N_("A note needs a text of at most 4,000 characters, and a role of at most 200.")
            found = find_journey(context, journey)
            return _show(context, pages, request, found, permit, Written(text, author, problem), status=422)
        return _back(request, journey, permit)

    @router.post("/journeys/{journey}/notes/{note}/removal")
    def remove(request: Request, journey: str, note: str, form: Form) -> Response:
        """Erase a note on a journey that was opened."""
        permit = _permit_to_write(context, journey, form)
        context.records.notes.remove("journey", journey, note)
        return _back(request, journey, permit)


def _permit_to_write(context: Context, journey: str, form: Mapping[str, str]) -> Permit:
    permit = find_permit(context, form.get(UNDER), grace_s=NOTE_GRACE_S)
    if permit is None or not permit.is_of("journey", journey):
        raise Problem(403, "not-opened", N_("Open the journey first, and say for which purpose."))
    return permit


def _back(request: Request, journey: str, permit: Permit) -> Response:
    address = link_of(request)(path_to("journeys", journey), None, **{OPENED: permit.token})
    return RedirectResponse(f"{address}#notes-title", 303)


def _show(
    context: Context,
    pages: Pages,
    request: Request,
    found: FoundJourney,
    permit: Permit,
    written: Written,
    status: int = 200,
) -> Response:
    view = journey_view(found, context.language(request), request.query_params.get(PART))
    values = {
        "view": view,
        "notes": context.records.notes.about("journey", found.journey),
        "permit": permit,
        "purposes": PURPOSE_TITLES,
        "written": written,
    }
    return pages.page(request, "journey.html", values, status=status)
