"""One pseudonymous journey, found through the hash that its points carry."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from services.insights.api.models import NOT_FOUND, PROBLEMS, Journey
from services.insights.context import Context
from services.insights.filters import only_known
from services.insights.journeys import TimelineEvent, read_journey
from services.insights.language import N_
from services.insights.points import as_json
from services.insights.problems import Problem
from shared.journey.instants import to_text


def routes(context: Context) -> APIRouter:
    """`/api/v1/journeys/{id}`"""
    router = APIRouter(prefix="/api/v1", tags=["journeys"], responses={**PROBLEMS, **NOT_FOUND})

    @router.get("/journeys/{journey:path}", response_model=Journey)
    def journey(request: Request, journey: str) -> dict[str, Any]:
        """The events of a journey in order, and its points in force."""
        only_known(request.query_params, ("lang",))
        found = read_journey(context.store, journey, context.rules())
        if found is None:
            raise Problem(
                404, "no-journey", N_("No point in force carries this journey: a journey is found through its points.")
            )
        code = context.language(request).code
        return {
            "journey": journey,
            "service": found.service,
            "events": [_event(event) for event in found.events],
            "points": [as_json(point, code) for point in found.points],
        }

    return router


def _event(event: TimelineEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": to_text(event.time_us),
        "channel": event.channel or None,
        "matter": event.matter or None,
        "step": event.step or None,
        "contact": event.contact or None,
        "case": event.case or None,
        "office": event.office or None,
        "team": event.team or None,
        "territory": event.territory or None,
        "wait_s": event.wait_s,
        "duration_s": event.duration_s,
        "due": None if event.due_us is None else to_text(event.due_us),
        "reason": event.reason or None,
        "invited": event.invited,
        "document": event.document or None,
        "outcome": event.outcome or None,
        "rating": event.rating,
        "late": event.late,
    }
