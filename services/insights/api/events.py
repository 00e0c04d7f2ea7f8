"""Events: how many, of which type, where; and those that were refused."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from services.insights import queries
from services.insights.api.models import PROBLEMS, EventSummary, RejectSummary
from services.insights.api.parameters import filters_with, read_group
from services.insights.api.summaries import anchor_table, records_of, total_shown
from services.insights.context import Context
from services.insights.figures.summaries import CountSummary, events_summary, rejects_summary
from services.insights.figures.table import withhold
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.problems import Problem


def routes(context: Context) -> APIRouter:
    """`/api/v1/events/summary`, `/api/v1/rejected/summary`"""
    router = APIRouter(prefix="/api/v1", responses=PROBLEMS)

    @router.get("/events/summary", response_model=EventSummary, response_model_exclude_unset=True, tags=["events"])
    def events(
        filters: Annotated[Filters, Depends(filters_with("group_by"))],
        group_by: Annotated[str, Query(description="`type`, `service`, `channel` or `territory`.")] = "type",
    ) -> dict[str, Any]:
        """Stored events per group; the filter `rule` keeps those that anchor a point in force of the rule, and then
        small counts are withheld.
        """
        group = read_group(group_by, queries.EVENT_GROUPS)
        found = events_summary(context.store, group, filters)
        if filters.rule is None:
            return _answer(group, found)
        limit = context.settings.small_cell_min
        return {
            "rows": records_of(withhold(anchor_table(group, found), limit)),
            "total": total_shown(found.total, limit),
        }

    @router.get("/rejected/summary", response_model=RejectSummary, response_model_exclude_unset=True, tags=["events"])
    def rejected(
        filters: Annotated[Filters, Depends(filters_with("group_by"))],
        group_by: Annotated[str, Query(description="`reason`, `stage` or `gateway`.")] = "reason",
    ) -> dict[str, Any]:
        """Refused events that are still kept, per group; filters: `source`, `service`, `from`, `to`."""
        group = read_group(group_by, queries.REJECT_GROUPS)
        return _answer(group, rejects_summary(context.store, group, _on_rejects(filters)))

    return router


def _on_rejects(filters: Filters) -> Filters:
    if filters.rule or filters.channel or filters.territory:
        raise Problem(422, "invalid-filter", N_("Refused events can be filtered by source, service, from and to only."))
    return filters


def _answer(group: str, found: CountSummary) -> dict[str, Any]:
    return {"rows": [{group: row.name or None, "events": row.events} for row in found.rows], "total": found.total}
