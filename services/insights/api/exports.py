"""Journeys as files for process-mining tools: opened for a purpose, which is recorded."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from msgspec import Struct
from starlette.responses import StreamingResponse

from services.insights.api.models import PROBLEMS
from services.insights.api.parameters import PurposeQuery, PurposeTextQuery, filters_with
from services.insights.context import Context
from services.insights.exports import ocel, xes
from services.insights.exports.journeys import MAX_EVENTS, ExportedJourney, journeys_of
from services.insights.filters import Filters
from services.insights.openings import PURPOSE_PARAMETERS, name_of_list, read_purpose, record_opening


class ExportFormat(Struct, frozen=True):
    """One kind of file."""

    ending: str
    media_type: str
    write: Callable[[Iterable[ExportedJourney]], Iterator[bytes]]
    standard: str


FORMATS: Final = (
    ExportFormat("xes", xes.MEDIA_TYPE, xes.as_xes, "XES 1.0 (IEEE 1849)"),
    ExportFormat("ocel.json", ocel.MEDIA_TYPE, ocel.as_ocel, "OCEL 2.0 (JSON)"),
)


def routes(context: Context) -> APIRouter:
    """`/api/v1/exports/journeys.xes`, `/api/v1/exports/journeys.ocel.json`"""
    router = APIRouter(prefix="/api/v1/exports", tags=["exports"], responses=PROBLEMS)
    for each in FORMATS:
        router.add_api_route(
            f"/journeys.{each.ending}",
            _route(context, each),
            response_class=StreamingResponse,
            summary=f"Journeys as {each.standard}",
            description="The journeys that began under the filters, with their events, at most "
            f"{MAX_EVENTS:,} of these. Names of journeys, cases and contacts hold within one export alone; comments are "
            "left out. Opening them is recorded with its purpose.",
            operation_id=f"export_journeys_{each.ending.replace('.', '_')}",
            responses={200: {"content": {each.media_type: {}}}},
        )
    return router


def _route(context: Context, kind: ExportFormat) -> Any:
    def export(
        filters: Annotated[Filters, Depends(filters_with(*PURPOSE_PARAMETERS))],
        purpose: PurposeQuery = None,
        purpose_text: PurposeTextQuery = None,
    ) -> StreamingResponse:
        stated = read_purpose(purpose, purpose_text)
        journeys = journeys_of(context.store, filters)
        # The first is read before the answer begins, so that a refusal still gets its status.
        first = list(islice(journeys, 1))
        record_opening(context, "journeys", name_of_list(filters), "export", stated)
        disposition = f'attachment; filename="journeys.{kind.ending}"'
        return StreamingResponse(
            kind.write(chain(first, journeys)), media_type=kind.media_type, headers={"content-disposition": disposition}
        )

    return export
