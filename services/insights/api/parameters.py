"""The query parameters of the API, declared once for OpenAPI; values are read and judged by `filters`."""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Query
from starlette.requests import Request

from services.insights.filters import FILTER_NAMES, Filters, only_known, read_filters
from services.insights.language import N_
from services.insights.problems import Problem
from shared.registry.openings import PURPOSES

MAX_LIMIT: Final = 1_000
DEFAULT_LIMIT: Final = 100


def filters_with(*more: str) -> Callable[..., Filters]:
    """A dependency that reads the filters and refuses every parameter but these and `more`."""

    def read(
        request: Request,
        rule: Annotated[str | None, Query(description="A rule's name, as the register lists it.")] = None,
        service: Annotated[str | None, Query(description="A service's name.")] = None,
        channel: Annotated[str | None, Query(description="A channel: `web`, `phone`, `counter`, …")] = None,
        territory: Annotated[str | None, Query(description="A path: itself and everything below it.")] = None,
        source: Annotated[str | None, Query(description="The source of the events.")] = None,
        from_: Annotated[
            str | None, Query(alias="from", description="RFC 3339 instant or date (midnight UTC): from here on.")
        ] = None,
        to: Annotated[str | None, Query(description="RFC 3339 instant or date (midnight UTC): before this.")] = None,
        lang: Annotated[str | None, Query(description="`fr` or `en`, of sentences and errors.")] = None,
    ) -> Filters:
        del rule, service, channel, territory, source, from_, to, lang  # declared for OpenAPI, read below
        only_known(request.query_params, (*FILTER_NAMES, *more, "lang"))
        return read_filters(request.query_params)

    return read


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
