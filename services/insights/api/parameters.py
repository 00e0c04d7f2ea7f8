"""The query parameters of the API, declared once for OpenAPI; values are read and judged by `filters`."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.requests import Request

from services.insights.filters import FILTER_NAMES, Filters, only_known, read_filters
from services.insights.language import N_
from services.insights.problems import Problem
from shared.registry.openings import PURPOSES

MAX_LIMIT: Final = 1_000
DEFAULT_LIMIT: Final = 100


FILTERS: Final = {
    "rule": "A rule's name, as the register lists it.",
    "service": "A service's name.",
    "channel": "A channel: `web`, `phone`, `counter`, …",
    "territory": "A path: itself and everything below it.",
    "source": "The source of the events.",
    "from": "RFC 3339 instant or date (midnight UTC): from here on.",
    "to": "RFC 3339 instant or date (midnight UTC): before this.",
    "lang": "`fr` or `en`, of sentences and errors.",
}
"""What the filters, and the language of an answer, mean."""


def filters_with(*more: str) -> Callable[..., Filters]:
    """A dependency that reads the filters and refuses every parameter but these and `more`."""

    def read(
        request: Request,
        rule: Annotated[str | None, Query(description=FILTERS["rule"])] = None,
        service: Annotated[str | None, Query(description=FILTERS["service"])] = None,
        channel: Annotated[str | None, Query(description=FILTERS["channel"])] = None,
        territory: Annotated[str | None, Query(description=FILTERS["territory"])] = None,
        source: Annotated[str | None, Query(description=FILTERS["source"])] = None,
        from_: Annotated[str | None, Query(alias="from", description=FILTERS["from"])] = None,
        to: Annotated[str | None, Query(description=FILTERS["to"])] = None,
        lang: Annotated[str | None, Query(description=FILTERS["lang"])] = None,
    ) -> Filters:
        del rule, service, channel, territory, source, from_, to, lang  # declared for OpenAPI, read below
        return filters_of(request, *more)

    return read


def filters_of(request: Request, *more: str) -> Filters:
    """The filters of a request. Raises `Problem` 422 for every parameter but these and `more`."""
    only_known(request.query_params, (*FILTER_NAMES, *more, "lang"))
    return read_filters(request.query_params)


def declared(parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    """For OpenAPI: texts in the query that may be left out, by name what each means."""
    return [
        {"name": name, "in": "query", "required": False, "schema": {"type": "string"}, "description": description}
        for name, description in parameters.items()
    ]


PurposeQuery = Annotated[
    str | None,
    Query(description=f"What it is opened for, which is recorded: {', '.join(f'`{each}`' for each in PURPOSES)}."),
]
PurposeTextQuery = Annotated[str | None, Query(description="The purpose in words; needed for `other`.")]


def read_group(group: str, allowed: tuple[str, ...]) -> str:
    """The group asked for. Raises `Problem` 422."""
    if group not in allowed:
        raise Problem(
            422,
            "invalid-group",
            N_("“group_by” must be one of: %(allowed)s."),
            allowed=", ".join(allowed),
        )
    return group


def read_limit(text: str | None) -> int:
    """How many rows a page holds, 1 to `MAX_LIMIT`. Raises `Problem` 422."""
    if text is None or text == "":
        return DEFAULT_LIMIT
    if text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise Problem(422, "invalid-limit", N_("“limit” must be a whole number from 1 to %(limit)s."), limit=MAX_LIMIT)
