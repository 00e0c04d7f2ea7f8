"""The shapes of the API's answers, for OpenAPI."""

from typing import Any, Literal

from pydantic import BaseModel


class FrictionRow(BaseModel):
    """Points in force of one group: the group's own name stands under `rule`, `service`, `channel` or `territory`.

    `points` and `journeys` are null where nothing could be observed (unknown, not zero), or where they are withheld:
    then `withheld` names them. Absent names are null.
    """

    rule: str | None = None
    service: str | None = None
    channel: str | None = None
    territory: str | None = None
    points: int | None
    journeys: int | None
    minutes_citizen: float | None
    minutes_administration: float | None
    status: Literal["observed", "not_observable", "off"] | None = None
    withheld: list[str] = []


class FrictionSummary(BaseModel):
    """`total` counts the points of all groups, also beyond the 10,000 that are listed; null where it is small."""

    rows: list[FrictionRow]
    total: int | None


class EventRow(BaseModel):
    """Events of one group; absent names are null, and `events` where `withheld` names it."""

    type: str | None = None
    service: str | None = None
    channel: str | None = None
    territory: str | None = None
    events: int | None
    withheld: list[str] = []


class EventSummary(BaseModel):
    """`total` counts the events of all groups, also beyond the 10,000 that are listed; null where it is withheld."""

    rows: list[EventRow]
    total: int | None


class RejectRow(BaseModel):
    """Refused events of one group."""

    reason: str | None = None
    stage: str | None = None
    gateway: str | None = None
    events: int


class RejectSummary(BaseModel):
    """Refused events that are still kept."""

    rows: list[RejectRow]
    total: int


class Point(BaseModel):
    """A friction point in force. Times are UTC; minutes are null where they cannot be told."""

    id: str
    rule: str
    time: str
    sentence: str
    anchor: str
    evidence: list[str]
    evidence_sources: list[str]
    source: str
    service: str
    channel: str | None
    step: str | None
    office: str | None
    territory: str | None
    case: str | None
    journey: str
    figures: dict[str, float | str]
    parameters: dict[str, float]
    minutes_citizen: float | None
    minutes_administration: float | None
    rules_version: int
    revision: int


class PointPage(BaseModel):
    """Points, newest first; `next_cursor` continues the list and is null at its end."""

    points: list[Point]
    next_cursor: str | None


class JourneyEvent(BaseModel):
    """One event of a journey. Times are UTC; what the event does not carry is null; a late event changed no point."""

    id: str
    source: str
    type: str
    time: str
    recordedtime: str
    channel: str | None
    matter: str | None
    step: str | None
    contact: str | None
    case: str | None
    office: str | None
    team: str | None
    territory: str | None
    wait_s: float | None
    duration_s: float | None
    due: str | None
    reason: str | None
    invited: bool
    document: str | None
    outcome: str | None
    rating: float | None
    late: bool


class EventIdentity(BaseModel):
    """What tells an event from all others."""

    source: str
    id: str


class TakenBackPoint(BaseModel):
    """A point that was noticed and no longer holds. `by`: events that arrived out of order and may have taken it back."""

    point: Point
    why: Literal["replaced", "other_rules", "out_of_order", "not_known"]
    by: list[EventIdentity]


class CaseSpan(BaseModel):
    """A case within the journey; `ended` is null while it is open."""

    case: str
    started: str
    ended: str | None


class JourneyNote(BaseModel):
    """A note that somebody left; `author` is a role."""

    id: str
    text: str
    author: str
    at: str


class Journey(BaseModel):
    """A pseudonymous journey: its events in order, its points in force and those taken back, its cases, notes on it."""

    journey: str
    service: str
    events: list[JourneyEvent]
    points: list[Point]
    taken_back: list[TakenBackPoint]
    cases: list[CaseSpan]
    notes: list[JourneyNote]


class Stream(BaseModel):
    """How far one stream is loaded."""

    log_id: str
    next_offsets: dict[str, int]
    at: str


class Freshness(BaseModel):
    """How far everything is loaded. `events_lag` counts records of events not yet loaded; null when it is not known."""

    streams: dict[str, Stream]
    lag: dict[str, int]
    events_lag: int | None
    loader_alive: bool


class RulesDocument(BaseModel):
    """The rules in force: `document` is the resolved rule file, every rule and setting present."""

    version: int
    document: dict[str, Any]


class RedetectionRequest(BaseModel):
    """What to detect again: one service, or everything."""

    service: str | None = None


class RedetectionStarted(BaseModel):
    """The name of the run."""

    run: str


class FigureEntry(BaseModel):
    """A figure: its name in addresses, its title, and what is counted."""

    name: str
    title: str
    definition: str


class FigureList(BaseModel):
    """All figures."""

    figures: list[FigureEntry]


class FigureColumn(BaseModel):
    """A column: its name, and what it holds."""

    name: str
    kind: str


class FigureTable(BaseModel):
    """A figure. In a row null is not known, or withheld (small cells) where the row's `withheld` names the column.

    `cut`: there are more rows than one answer holds.
    """

    columns: list[FigureColumn]
    rows: list[dict[str, Any]]
    cut: bool


class ProblemDocument(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    422: {"model": ProblemDocument, "description": "The request cannot be answered as asked."},
    503: {"model": ProblemDocument, "description": "ClickHouse does not answer, or the platform is not ready."},
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ProblemDocument, "description": "There is none."}}
