"""One pseudonymous journey, found by its hash, opened for a purpose."""

from typing import Any

from fastapi import APIRouter, Depends
from msgspec import Struct
from starlette.requests import Request

from services.insights.api.bodies import body_of, described
from services.insights.api.models import NOT_FOUND, PROBLEMS, Journey, JourneyNote
from services.insights.api.parameters import PurposeQuery, PurposeTextQuery
from services.insights.context import Context
from services.insights.filters import only_known
from services.insights.journey_events import CaseSpan, TimelineEvent, case_spans
from services.insights.journey_points import TakenBack
from services.insights.journeys import FoundJourney, read_journey
from services.insights.language import N_
from services.insights.openings import PURPOSE_PARAMETERS, read_purpose, record_opening
from services.insights.points import as_json
from services.insights.problems import Problem
from shared.errors import RecordRefused
from shared.journey.instants import to_text
from shared.registry.notes import Note, NoteValues


class NoteText(Struct, frozen=True):
    """A note to be left; `author` is a role, not a person's name."""

    text: str
    author: str


def routes(context: Context) -> APIRouter:
    """`/api/v1/journeys/{id}`, with `/notes` and `/notes/{note}`"""
    router = APIRouter(prefix="/api/v1", tags=["journeys"], responses={**PROBLEMS, **NOT_FOUND})

    @router.get("/journeys/{journey:path}", response_model=Journey)
    def journey(
        request: Request, journey: str, purpose: PurposeQuery = None, purpose_text: PurposeTextQuery = None
    ) -> dict[str, Any]:
        """The events of a journey in order, its points in force, those taken back, its cases, and notes on it.

        Opening it is recorded.
        """
        found = _opened(context, request, journey, purpose, purpose_text)
        notes = context.records.notes.about("journey", found.journey)
        return journey_json(found, notes, context.language(request).code)

    _note_routes(router, context)
    return router


def _note_routes(router: APIRouter, context: Context) -> None:
    read = Depends(body_of(NoteText))

    @router.post(
        "/journeys/{journey}/notes", response_model=JourneyNote, status_code=201, openapi_extra=described(body=NoteText)
    )
    def add_note(
        request: Request,
        journey: str,
        purpose: PurposeQuery = None,
        purpose_text: PurposeTextQuery = None,
        given: Any = read,
    ) -> dict[str, Any]:
        """Leave a note on a journey; opening it is recorded."""
        found = _opened(context, request, journey, purpose, purpose_text)
        values = NoteValues(about="journey", about_id=found.journey, text=given.text, author=given.author)
        try:
            return _note(context.records.notes.add(values))
        except RecordRefused as error:
            detail = N_("A note needs a text of at most 4,000 characters, and a role of at most 200.")
            raise Problem(422, "record-refused", detail) from error

    @router.delete("/journeys/{journey}/notes/{note}", status_code=204)
    def remove_note(
        request: Request,
        journey: str,
        note: str,
        purpose: PurposeQuery = None,
        purpose_text: PurposeTextQuery = None,
    ) -> None:
        """Erase a note on a journey; opening it is recorded, and no history keeps the note."""
        found = _opened(context, request, journey, purpose, purpose_text)
        if not context.records.notes.remove("journey", found.journey, note):
            raise Problem(404, "no-record", N_("There is none with this id (any more)."))


def _opened(
    context: Context, request: Request, journey: str, purpose: str | None, purpose_text: str | None
) -> FoundJourney:
    """The journey, once its opening is recorded."""
    only_known(request.query_params, ("lang", *PURPOSE_PARAMETERS))
    stated = read_purpose(purpose, purpose_text)
    found = find_journey(context, journey)
    record_opening(context, "journey", found.journey, "api", stated)
    return found


def find_journey(context: Context, journey: str) -> FoundJourney:
    """The journey of this id. Raises `Problem` 404."""
    found = read_journey(context.store, journey, context.rules())
    if found is None:
        raise Problem(404, "no-journey", N_("There is no journey with this id, or its events have been deleted."))
    return found


def journey_json(found: FoundJourney, notes: list[Note], language: str) -> dict[str, Any]:
    """A journey as JSON values, with sentences in this language."""
    return {
        "journey": found.journey,
        "service": found.service,
        "events": [_event(event) for event in found.events],
        "points": [as_json(point, language) for point in found.points],
        "taken_back": [_taken_back(each, language) for each in found.taken_back],
        "cases": [_case(each) for each in case_spans(found.events)],
        "notes": [_note(note) for note in notes],
    }


def _note(note: Note) -> dict[str, Any]:
    return {"id": note.id, "text": note.text, "author": note.author, "at": to_text(note.at_ms * 1_000)}


def _taken_back(each: TakenBack, language: str) -> dict[str, Any]:
    by = [{"source": source, "id": event} for source, event in each.by]
    return {"point": as_json(each.point, language), "why": each.why, "by": by}


def _case(span: CaseSpan) -> dict[str, Any]:
    ended = None if span.open else to_text(span.end_us)
    return {"case": span.case, "started": to_text(span.start_us), "ended": ended}


def _event(event: TimelineEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": to_text(event.time_us),
        "recordedtime": to_text(event.recorded_us),
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
