"""Annotations: what happened on a day, listed, added and removed; charts show them on their axis."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.insights.context import Context
from services.insights.figures.summaries import choices
from services.insights.filters import only_known
from services.insights.forms import read_form
from services.insights.language import N_
from services.insights.pages.openings import link_of
from services.insights.pages.rendering import Pages
from services.insights.problems import record_conflict
from shared.errors import RecordConflict, RecordRefused
from shared.registry.annotations import ANNOTATION_KINDS, AnnotationKind, AnnotationValues

KIND_TITLES: Final[dict[AnnotationKind, str]] = {
    "reform": N_("Reform"),
    "system": N_("New system"),
    "campaign": N_("Campaign"),
    "other": N_("Other event"),
}
_FIELDS: Final = ("first_day", "last_day", "title", "text", "kind", "service", "territory")
_PROBLEMS: Final = {
    "first_day": N_("Please give the day on which it began, from 1900 to 2299."),
    "last_day": N_("The last day must be a day after the first, from 1900 to 2299; leave it empty if it goes on."),
    "title": N_("Please give a title of at most 200 characters."),
    "text": N_("The explanation may have at most 4,000 characters."),
    "kind": N_("Please choose what kind of event it is."),
    "service": N_("The name of the service may have at most 256 characters."),
    "territory": N_("The territory may have at most 256 characters."),
}
_OTHER_PROBLEM: Final = N_(
    "This cannot be kept as it is: there are too many annotations, or a text holds characters that are none."
)

Form = Annotated[Mapping[str, str], Depends(read_form)]


class Filled(Struct, frozen=True):
    """The form as it was filled in, and what is wrong: the field ('' for none of them) and a message."""

    values: Mapping[str, str] = {}
    field: str = ""
    problem: str = ""


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/annotations`"""
    router = APIRouter(include_in_schema=False)

    @router.get("/annotations")
    def annotations(request: Request) -> Response:
        """All annotations, the latest first, and a form for another."""
        only_known(request.query_params, ("lang",))
        return _page(context, pages, request, Filled())

    @router.post("/annotations")
    def add(request: Request, form: Form) -> Response:
        """Keep an annotation."""
        only_known(request.query_params, ("lang",))
        try:
            context.records.annotations.add(_values(form))
        except RecordRefused as error:
            filled = Filled(form, error.field, _PROBLEMS.get(error.field, _OTHER_PROBLEM))
            return _page(context, pages, request, filled, status=422)
        return RedirectResponse(link_of(request)("/annotations"), 303)

    @router.post("/annotations/{annotation}/removal")
    def remove(request: Request, annotation: str, form: Form) -> Response:
        """Remove an annotation; its history stays."""
        version = form.get("version", "")
        try:
            context.records.annotations.remove(annotation, int(version) if version.isdecimal() else 0)
        except (RecordConflict, ValueError) as error:
            raise record_conflict() from error
        return RedirectResponse(link_of(request)("/annotations"), 303)

    return router


def _values(form: Mapping[str, str]) -> AnnotationValues:
    """The annotation of a form; what is wrong with its values is said when it is kept. Raises `RecordRefused`."""
    first_day = _day("first_day", form.get("first_day", ""))
    if first_day is None:
        raise RecordRefused("first_day", "first_day: is missing")
    territory = form.get("territory", "").rstrip("/")
    return AnnotationValues(
        first_day=first_day,
        last_day=_day("last_day", form.get("last_day", "")),
        title=form.get("title", ""),
        text=form.get("text", ""),
        kind=cast("AnnotationKind", form.get("kind", "")),
        service=form.get("service") or None,
        territory=territory or None,
    )


def _day(field: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RecordRefused(field, f"{field}: expected a day") from error


def _page(context: Context, pages: Pages, request: Request, filled: Filled, status: int = 200) -> Response:
    offered = choices(context.store)
    values: dict[str, Any] = {
        "annotations": context.records.annotations.all(),
        "kinds": KIND_TITLES,
        "kind_order": ANNOTATION_KINDS,
        "services": offered.services,
        "territories": offered.territories,
        "filled": {name: filled.values.get(name, "") for name in _FIELDS},
        "wrong": filled.field,
        "problem": filled.problem,
    }
    return pages.page(request, "annotations.html", values, status=status)
