"""Events of one (subject, service): a whole journey by its hash, and the timeline behind one point."""

from typing import Any, Final

from msgspec import Struct, structs

from services.insights import queries
from services.insights.figures.summaries import answer
from services.insights.points import PointInForce, points_of_journey
from services.insights.ports import Store
from shared.detection.draft import Deltas, journey_id
from shared.detection.fold import fold
from shared.detection.occurrence import TYPE_CODES, UNKNOWN_TYPE, Occurrence
from shared.detection.settings import RuleBook
from shared.detection.state import State

MAX_SUBJECT_EVENTS: Final = 50_000
"""Events of one (subject, service) that are read to find one journey among them."""
MAX_TIMELINE_EVENTS: Final = 100
"""Events a timeline shows at most; beyond, those of the evidence alone."""


class TimelineEvent(Struct, frozen=True, kw_only=True):
    """One stored event. Times are instants; '' is absent; `late` ones were not detected."""

    id: str
    source: str
    type: str
    time_us: int
    service: str
    matter: str
    channel: str
    step: str
    contact: str
    case: str
    office: str
    team: str
    territory: str
    wait_s: float | None
    duration_s: float | None
    due_us: int | None
    reason: str
    invited: bool
    document: str
    outcome: str
    rating: float | None
    late: bool


class FoundJourney(Struct, frozen=True):
    """A journey's events in order and its points in force."""

    service: str
    events: list[TimelineEvent]
    points: list[PointInForce]


class Timeline(Struct, frozen=True):
    """What led to a point: its evidence, marked, and the events of the journey in between.

    `complete` is false where there are too many of these, and the evidence stands alone.
    """

    events: list[tuple[TimelineEvent, bool]]
    complete: bool


def read_journey(store: Store, journey: str, book: RuleBook) -> FoundJourney | None:
    """The journey of this hash, found through its points; `None` where no point in force carries it."""
    points = points_of_journey(store, journey)
    if not points:
        return None
    subject, service = points[0].subject, points[0].service
    events = _events(store, queries.events_of_subject(subject, service, MAX_SUBJECT_EVENTS))
    evidence = {identity for point in points for identity in point.identities()}
    found = _of_journey(events, journey, subject, service, book)
    if not evidence.issubset((event.source, event.id) for event in found):
        # Events that came late have been folded since, when the past was detected again, and cut elsewhere.
        on_time = [structs.replace(event, late=False) for event in events]
        found = _of_journey(on_time, journey, subject, service, book)
    found = [
        structs.replace(event, late=False) if event.late and (event.source, event.id) in evidence else event
        for event in found
    ]
    return FoundJourney(service, found, points)


def _of_journey(
    events: list[TimelineEvent], journey: str, subject: str, service: str, book: RuleBook
) -> list[TimelineEvent]:
    """The events of one journey: the core itself says where journeys are cut.

    Late events were not folded; they are shown with the journey in whose time they lie.
    """
    rules = {book.version: book.for_service(service)}
    state, deltas = State(), Deltas()
    found = []
    for event in events:
        if not event.late:
            fold(state, _occurrence(event, book.version), rules, deltas)
            deltas.clear()
        if journey_id(subject, service, state.cut) == journey:
            found.append(event)
    return found


def _occurrence(event: TimelineEvent, version: int) -> Occurrence:
    return Occurrence(
        time_us=event.time_us,
        source=event.source,
        id=event.id,
        type=TYPE_CODES.get(event.type, UNKNOWN_TYPE),
        version=version,
        contact=event.contact or None,
        channel=event.channel or None,
        case=event.case or None,
    )


def timeline(store: Store, point: PointInForce) -> Timeline:
    """The evidence of a point, and what happened in the journey between its first event and its anchor."""
    identities = set(point.identities())
    evidence = _events(store, queries.events_by_identity(point.subject, point.service, sorted(identities)))
    evidence = [event for event in evidence if (event.source, event.id) in identities]
    if not evidence:
        return Timeline([], complete=True)
    from_us, to_us = evidence[0].time_us, evidence[-1].time_us
    question = queries.events_of_subject(
        point.subject, point.service, MAX_TIMELINE_EVENTS + 1, between_us=(from_us, to_us)
    )
    between = _events(store, question)
    if len(between) > MAX_TIMELINE_EVENTS:
        return Timeline([(event, True) for event in evidence], complete=False)
    return Timeline([(event, (event.source, event.id) in identities) for event in between], complete=True)


def _events(store: Store, question: queries.Question) -> list[TimelineEvent]:
    return [_event(row) for row in answer(store, question)]


def _event(row: dict[str, Any]) -> TimelineEvent:
    return TimelineEvent(**{**row, "invited": bool(row["invited"]), "late": bool(row["late"])})
