"""Events of one (subject, service): a whole journey by its hash, and the timeline behind one point."""

from typing import Any, Final

from msgspec import Struct, structs

from services.insights import queries
from services.insights.figures.summaries import answer
from services.insights.journey_events import TimelineEvent
from services.insights.journey_points import PointRow, TakenBack, in_force, journey_points, taken_back
from services.insights.points import PointInForce
from services.insights.ports import Store
from shared.detection.cuts import cuts
from shared.detection.draft import journey_id
from shared.detection.settings import RuleBook

MAX_SUBJECT_EVENTS: Final = 50_000
"""Events of one (subject, service) that are read to find one journey among them."""
MAX_TIMELINE_EVENTS: Final = 100
"""Events a timeline shows at most; beyond, those of the evidence alone."""


class FoundJourney(Struct, frozen=True):
    """A journey's events in order, its points in force, and those that were taken back."""

    journey: str
    service: str
    events: list[TimelineEvent]
    points: list[PointInForce]
    taken_back: list[TakenBack]


class Timeline(Struct, frozen=True):
    """What led to a point: its evidence, marked, and the events of the journey in between.

    `complete` is false where there are too many of these, and the evidence stands alone.
    """

    events: list[tuple[TimelineEvent, bool]]
    complete: bool


def read_journey(store: Store, journey: str, book: RuleBook) -> FoundJourney | None:
    """The journey of this hash, found among all journeys, or through its points; `None` where there is none."""
    if not journey or "\0" in journey or len(journey) > queries.MAX_ID_CHARS:
        return None
    rows = journey_points(store, journey)
    key = _key(store, journey, rows)
    if key is None:
        return None
    subject, service, assembled = key
    points = in_force(rows)
    events = _events(store, queries.events_of_subject(subject, service, MAX_SUBJECT_EVENTS))
    evidence = {identity for point in points for identity in point.identities()}
    found = _of_journey([each for each in events if not each.late], events, journey, subject, service, book)
    known = {(event.source, event.id) for event in found}
    if not evidence.issubset(known) or (assembled and not evidence):
        # Late events were folded since, when the past was detected again; journeys are assembled of all events.
        found = _of_journey(events, events, journey, subject, service, book) or found
    found = [
        structs.replace(event, late=False) if event.late and (event.source, event.id) in evidence else event
        for event in found
    ]
    return FoundJourney(journey, service, found, points, taken_back(rows, found, book.version))


def _key(store: Store, journey: str, rows: list[PointRow]) -> tuple[str, str, bool] | None:
    """The subject and the service of a journey, and whether it stands among the assembled ones."""
    for row in answer(store, _assembled(journey)):
        return row["subject"], row["service"], True
    return (rows[0].point.subject, rows[0].point.service, False) if rows else None


def _assembled(journey: str) -> queries.Question:
    sql = "SELECT subject, service FROM journeys FINAL WHERE journey = {journey:String} LIMIT 1"
    return queries.Question(sql, {"journey": journey})


def _of_journey(
    cut: list[TimelineEvent],
    events: list[TimelineEvent],
    journey: str,
    subject: str,
    service: str,
    book: RuleBook,
) -> list[TimelineEvent]:
    """The events of one journey, of which those of `cut` say where journeys begin.

    Others are shown with the journey in whose time they lie.
    """
    numbers = cuts([(event.time_us, event.type, event.case) for event in cut], book.for_service(service))
    of_event = dict(zip(((event.source, event.id) for event in cut), numbers, strict=True))
    number = 0
    found = []
    for event in events:
        number = of_event.get((event.source, event.id), number)
        if journey_id(subject, service, number) == journey:
            found.append(event)
    return found


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
