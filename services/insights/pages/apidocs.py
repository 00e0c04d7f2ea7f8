"""The documentation of the API, made from its own description (OpenAPI): no script, nothing from elsewhere.

Source: docs/decisions/0018-api-documentation-from-its-own-description.md.
"""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.insights.context import Context
from services.insights.filters import only_known
from services.insights.language import N_, Language
from services.insights.pages.rendering import Pages

PATH: Final = "/api/docs"
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_TAGS: Final = {
    "figures": N_("Figures"),
    "frictions": N_("Friction points"),
    "events": N_("Events"),
    "journeys": N_("Journeys"),
    "simulations": N_("What if"),
    "annotations": N_("Annotations"),
    "improvements": N_("Improvements"),
    "exports": N_("Exports"),
    "operations": N_("Operations"),
}
_COMMON: Final = frozenset({"rule", "service", "channel", "territory", "source", "from", "to", "lang", "format"})
"""Explained once, at the head of the page."""


class Words(Struct, frozen=True):
    """A text in the reader's language, or in `en` where there is none in it."""

    text: str
    lang: str


class DocumentedParameter(Struct, frozen=True):
    """One parameter of an operation."""

    name: str
    where: str
    required: bool
    text: str


class Operation(Struct, frozen=True):
    """One operation. `common` are the shared parameters it takes; `address` can be opened as it stands ('' if not: it needs or takes
    values of its own).
    """

    id: str
    method: str
    path: str
    title: Words
    text: Words
    common: list[str]
    parameters: list[DocumentedParameter]
    statuses: list[tuple[str, str]]
    address: str


class Section(Struct, frozen=True):
    """The operations of one tag."""

    name: str
    title: str
    operations: list[Operation]


def routes(context: Context, pages: Pages) -> APIRouter:
    """`/api/docs`"""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    def documentation(request: Request) -> HTMLResponse:
        """Every operation of the API, by subject."""
        only_known(request.query_params, ("lang",))
        language = context.language(request)
        document = request.app.openapi()
        values = {
            "sections": sections(document, language),
            "common": _common(document),
            "description": request.app.openapi_url,
        }
        return pages.page(request, "apidocs.html", values)

    return router


def sections(document: Mapping[str, Any], language: Language) -> list[Section]:
    """The operations of an OpenAPI document by their first tag, those of `_TAGS` first and in its order."""
    by_tag: dict[str, list[Operation]] = {name: [] for name in _TAGS}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                found = methods[method]
                tag = (found.get("tags") or ["operations"])[0]
                by_tag.setdefault(tag, []).append(_operation(path, method, found, language))
    return [
        Section(name, language.text(_TAGS.get(name, name)), operations)
        for name, operations in by_tag.items()
        if operations
    ]


def _operation(path: str, method: str, found: Mapping[str, Any], language: Language) -> Operation:
    given = _parameters(found)
    common = [each.name for each in given if each.name in _COMMON and each.where == "query"]
    text = str(found.get("description", "")).partition("\n\nRaises")[0]
    own = [each for each in given if each.name not in common]
    return Operation(
        id=f"{method}-{path.strip('/').translate(str.maketrans('/{}.', '----'))}",
        method=method.upper(),
        path=path,
        title=_words(str(found.get("summary", path)), language),
        text=_words(text, language),
        common=common,
        parameters=own,
        statuses=[(code, str(each.get("description", ""))) for code, each in found.get("responses", {}).items()],
        address="" if method != "get" or "{" in path or own else path,
    )


def _parameters(found: Mapping[str, Any]) -> list[DocumentedParameter]:
    """A parameter that is declared twice (by a route and by hand) is one."""
    seen = {
        (each["name"], each["in"]): DocumentedParameter(
            each["name"], each["in"], bool(each.get("required")), str(each.get("description", ""))
        )
        for each in found.get("parameters", [])
    }
    return list(seen.values())


def _common(document: Mapping[str, Any]) -> list[DocumentedParameter]:
    found: dict[str, DocumentedParameter] = {}
    for methods in document["paths"].values():
        for each in _parameters(methods.get("get", {})):
            if each.name in _COMMON and each.where == "query":
                found.setdefault(each.name, each)
    return list(found.values())


def _words(text: str, language: Language) -> Words:
    translated = language.text(text) if text else ""
    return Words(translated, language.code if translated != text else "en")
