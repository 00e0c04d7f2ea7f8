"""The question that stands before single points and journeys: for which purpose? The answer is recorded, then the page opens."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.insights.context import Context
from services.insights.language import CODES, N_
from services.insights.openings import (
    OPENED,
    PURPOSE_TITLES,
    Permit,
    Stated,
    find_permit,
    read_purpose,
    record_opening,
)
from services.insights.pages.rendering import Link, Pages
from services.insights.problems import Problem
from shared.registry.openings import Opened

UNDER = "under"
"""The field of a form that opens one thing from another: the permit of the other, whose purpose holds on."""


class Asked(Struct, frozen=True):
    """The form as it was filled in, to be shown again with what is wrong (a message)."""

    purpose: str = ""
    text: str = ""
    problem: str = ""


def permit_of(context: Context, request: Request, kind: Opened, opened: str) -> Permit | None:
    """The permit in the address, if it is for this."""
    permit = find_permit(context, request.query_params.get(OPENED))
    return permit if permit is not None and permit.is_of(kind, opened) else None


def ask(
    context: Context, pages: Pages, request: Request, title: str, lead: str, asked: Asked | None = None
) -> Response:
    """The page that asks for the purpose of this address; `title` and `lead` are messages."""
    language = context.language(request)
    values = gate_values(asked) | {"title": language.text(title), "lead": language.text(lead)}
    return pages.page(request, "opening.html", values, status=422 if asked else 200)


def gate_values(asked: Asked | None = None) -> dict[str, Any]:
    """What the form needs in a template (`opening_macros.html`)."""
    return {"purposes": PURPOSE_TITLES, "gate": asked or Asked()}


def read_stated(context: Context, form: Mapping[str, str]) -> Stated | Asked:
    """The purpose of a form: stated in it, or that of the permit under which it was sent; else the form again."""
    permit = find_permit(context, form.get(UNDER))
    if permit is not None:
        return permit.stated
    purpose, text = form.get("purpose", ""), form.get("purpose_text", "")
    try:
        return read_purpose(purpose, text)
    except Problem:
        missing = N_("Please say in words what the other purpose is.")
        problem = missing if purpose == "other" else N_("Please choose a purpose.")
        return Asked(purpose, text, problem)


def open_it(
    context: Context, request: Request, kind: Opened, opened: str, stated: Stated, address: str, **parameters: str
) -> Response:
    """Record the opening, then lead to the page, whose address carries the permit. `address` is a path, quoted."""
    permit = record_opening(context, kind, opened, "page", stated)
    return RedirectResponse(link_of(request)(address, None, **parameters, **{OPENED: permit.token}), 303)


def link_of(request: Request) -> Link:
    """Makes addresses in the language that this one asks for."""
    language = request.query_params.get("lang")
    return Link(language if language in CODES else None)


def path_to(*parts: str) -> str:
    """A path of these parts, whatever they hold."""
    return "/" + "/".join(quote(part, safe="") for part in parts)
