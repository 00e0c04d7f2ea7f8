"""Friction points: summaries, pages, and an export one point a line."""

from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import StreamingResponse

from services.insights import points, queries
from services.insights.api.models import PROBLEMS, FrictionSummary, PointPage
from services.insights.api.parameters import PurposeQuery, PurposeTextQuery, filters_with, read_group, read_limit
from services.insights.api.summaries import friction_table, records_of, total_shown
from services.insights.context import Context
from services.insights.figures.summaries import friction_summary
from services.insights.figures.table import withhold
from services.insights.filters import Filters
from services.insights.openings import PURPOSE_PARAMETERS, name_of_list, read_purpose, record_opening

_NDJSON: Final = "application/x-ndjson"


def routes(context: Context) -> APIRouter:
    """`/api/v1/frictions…`"""
    router = APIRouter(prefix="/api/v1", tags=["frictions"], responses=PROBLEMS)

    @router.get("/frictions/summary", response_model=FrictionSummary, response_model_exclude_unset=True)
    def summary(
        filters: Annotated[Filters, Depends(filters_with("group_by"))],
        group_by: Annotated[str, Query(description="`rule`, `service`, `channel` or `territory`.")] = "rule",
    ) -> dict[str, Any]:
        """Points in force, distinct journeys and minutes lost per group; small counts are withheld."""
        group = read_group(group_by, queries.POINT_GROUPS)
        found = friction_summary(context.store, group, filters, context.rules())
        limit = context.settings.small_cell_min
        return {
            "rows": records_of(withhold(friction_table(group, found, limit), limit)),
            "total": total_shown(found.total, limit),
        }

    @router.get("/frictions", response_model=PointPage)
    def page(
        request: Request,
        filters: Annotated[Filters, Depends(filters_with("limit", "cursor", *PURPOSE_PARAMETERS))],
        limit: Annotated[str | None, Query(description="Points a page, 1 to 1,000; 100 if left out.")] = None,
        cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
        purpose: PurposeQuery = None,
        purpose_text: PurposeTextQuery = None,
    ) -> dict[str, Any]:
        """Points in force, newest first, each with the sentence that says why. Opening them is recorded."""
        stated = read_purpose(purpose, purpose_text)
        found, next_cursor = points.points_page(context.store, filters, points.decode_cursor(cursor), read_limit(limit))
        record_opening(context, "points", name_of_list(filters), "api", stated)
        code = context.language(request).code
        return {"points": [points.as_json(point, code) for point in found], "next_cursor": next_cursor}

    @router.get("/frictions.ndjson", response_class=StreamingResponse, responses={200: {"content": {_NDJSON: {}}}})
    def export(
        request: Request,
        filters: Annotated[Filters, Depends(filters_with(*PURPOSE_PARAMETERS))],
        purpose: PurposeQuery = None,
        purpose_text: PurposeTextQuery = None,
    ) -> StreamingResponse:
        """All points in force, newest first, one a line. Opening them is recorded."""
        stated = read_purpose(purpose, purpose_text)
        pages = points.all_points(context.store, filters)
        # The first page is read before the answer begins, so that a refusal still gets its status.
        first = next(pages)
        record_opening(context, "points", name_of_list(filters), "export", stated)
        return StreamingResponse(_lines(chain([first], pages), context.language(request).code), media_type=_NDJSON)

    return router


def _lines(pages: Iterator[list[points.PointInForce]], language: str) -> Iterator[bytes]:
    encoder = msgspec.json.Encoder()
    for page in pages:
        yield encoder.encode_lines([points.as_json(point, language) for point in page])
