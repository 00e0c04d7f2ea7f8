"""What the page of a journey shows: its events in parts, points where they belong, cases as spans of time."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from services.insights.journey_events import CaseSpan, case_spans
from services.insights.journey_points import TakenBack
from services.insights.journeys import FoundJourney
from services.insights.language import N_, Language
from services.insights.pages.timeline import Axis, Entry, Lane, axis, entries, lanes
from services.insights.points import PointInForce
from services.insights.problems import Problem

PART: Final = "part"
"""The query parameter that chooses a part of the events."""
PART_EVENTS: Final = 100
MAX_SPANS: Final = 12
"""Cases that are drawn; the others are counted."""
WHY: Final = {
    "replaced": N_("What it rests on changed: the point as it stands now replaces this one."),
    "other_rules": N_(
        "It was judged under earlier settings of the rules; under those that followed it no longer holds."
    ),
    "out_of_order": N_("Events that arrived after later ones changed what the rule sees."),
    "not_known": N_("The events of the journey, as they are known now, no longer bear it out."),
}


class DrawnSpan(Struct, frozen=True):
    """A case on the lanes: its place and width in per cent."""

    case: str
    x: float
    width: float
    open: bool


class Retraction(Struct, frozen=True):
    """A point that was taken back: why (a message), and the numbers of the events that may have done it."""

    point: PointInForce
    why: str
    numbers: list[int]


class JourneyView(Struct, frozen=True, kw_only=True):
    """A journey as the page shows it. `entries` are those of part `part` of `parts`; `points` and `retractions` are those
    anchored at each, by number; `elsewhere` those whose event is not there (any more).
    """

    journey: str
    service: str
    events: int
    channels: list[str]
    territory: str
    ends: Axis
    lasts: str
    lanes: list[Lane]
    spans: list[DrawnSpan]
    more_cases: int
    cases: list[CaseSpan]
    entries: list[Entry]
    part: int
    parts: int
    points: Mapping[int, list[PointInForce]]
    retractions: Mapping[int, list[Retraction]]
    elsewhere: list[PointInForce]
    elsewhere_back: list[Retraction]
    count: int
    count_back: int
    late: int


def journey_view(found: FoundJourney, language: Language, part: str | None) -> JourneyView | None:
    """The view; `None` where the events are gone. Raises `Problem` 422 for a part that does not exist."""
    if not found.events:
        return None
    numbers = {(event.source, event.id): number for number, event in enumerate(found.events, start=1)}
    points, elsewhere = _by_number(found.points, numbers)
    retractions, elsewhere_back = _retractions(found.taken_back, numbers)
    marked = [(event, number in points) for number, event in enumerate(found.events, start=1)]
    parts = -(-len(found.events) // PART_EVENTS)
    chosen = _part(part, parts)
    ends = axis(found.events)
    cases = case_spans(found.events)
    return JourneyView(
        journey=found.journey,
        service=found.service,
        events=len(found.events),
        channels=list(dict.fromkeys(event.channel for event in found.events if event.channel)),
        territory=next((event.territory for event in found.events if event.territory), ""),
        ends=ends,
        lasts=language.duration((ends.end_us - ends.start_us) / 1_000_000),
        lanes=lanes(marked),
        spans=[_drawn(each, ends) for each in cases[:MAX_SPANS]],
        more_cases=max(len(cases) - MAX_SPANS, 0),
        cases=cases[:MAX_SPANS],
        entries=entries(marked, language)[(chosen - 1) * PART_EVENTS : chosen * PART_EVENTS],
        part=chosen,
        parts=parts,
        points=points,
        retractions=retractions,
        elsewhere=elsewhere,
        elsewhere_back=elsewhere_back,
        count=len(found.points),
        count_back=len(found.taken_back),
        late=sum(event.late for event in found.events),
    )


def _part(text: str | None, parts: int) -> int:
    if not text:
        return 1
    if text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= parts:
        return int(text)
    raise Problem(422, "invalid-part", N_("This journey has parts 1 to %(parts)s."), parts=parts)


Numbers = Mapping[tuple[str, str], int]


def _by_number(
    points: Sequence[PointInForce], numbers: Numbers
) -> tuple[dict[int, list[PointInForce]], list[PointInForce]]:
    found: dict[int, list[PointInForce]] = defaultdict(list)
    elsewhere: list[PointInForce] = []
    for point in points:
        number = numbers.get((point.source, point.anchor))
        (elsewhere if number is None else found[number]).append(point)
    return dict(found), elsewhere


def _retractions(
    taken_back: Sequence[TakenBack], numbers: Numbers
) -> tuple[dict[int, list[Retraction]], list[Retraction]]:
    found: dict[int, list[Retraction]] = defaultdict(list)
    elsewhere: list[Retraction] = []
    for each in taken_back:
        by = sorted(numbers[identity] for identity in each.by if identity in numbers)
        number = numbers.get((each.point.source, each.point.anchor))
        (elsewhere if number is None else found[number]).append(Retraction(each.point, WHY[each.why], by))
    return dict(found), elsewhere


def _drawn(span: CaseSpan, ends: Axis) -> DrawnSpan:
    start = ends.place(span.start_us)
    return DrawnSpan(span.case, start, max(ends.place(span.end_us) - start, 0.8), span.open)
