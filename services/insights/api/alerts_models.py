"""Alerts as the API gives and takes them: instants as RFC 3339 texts, words in both languages."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct, field

from shared.alerts.alert import Transition
from shared.alerts.sheet import Backlog, Letter, Reading, Receiving, Sheet, Touched
from shared.detection.declarations.declaration import Words
from shared.journey.instants import to_text
from shared.registry.alert_silences import SilenceRecord

MAX_VERSION: Final = 2**31 - 1
Version = Annotated[
    int, Meta(ge=1, le=MAX_VERSION, description="The version that was read: 409 where it is no longer the present one.")
]
Person = Annotated[str, Meta(description="Who does this: a role or a team, at most 200 characters.")]
Instant = Annotated[str, Meta(max_length=64, description="RFC 3339, or a date: its midnight in UTC.")]


class Acknowledgement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody takes it on, until then; without `until` as long as the settings say."""

    version: Version
    by: Person
    until: Instant | None = None
    text: str = ""


class Assignment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """It is given to somebody; an empty `to` gives it back."""

    version: Version
    by: Person
    to: str


class Comment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something is written to it."""

    version: Version
    by: Person
    text: str


class Resolution(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """It is ended by hand."""

    version: Version
    by: Person
    text: str = ""


class SilenceBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is not told of, from when until before when; an empty name is any, a territory has all below it."""

    kind: str = "silence"
    condition: str = ""
    rule: str = ""
    service: str = ""
    channel: str = ""
    territory: str = ""
    begin: Instant = field(name="from")
    until: Instant
    reason: str
    author: Person


class MeasureDocument(Struct, frozen=True, kw_only=True):
    """What was observed from then until before then, and expected; null where withheld or not known."""

    observed: float | None
    expected: float | None
    withheld: bool
    begin: str = field(name="from")
    to: str
    text: Words


class ReadingDocument(Struct, frozen=True, kw_only=True):
    """One series as it was found last; an empty name is any."""

    condition: str
    rule: str
    service: str
    channel: str
    territory: str
    name: str
    place: Words
    severity: str
    since: str
    citizens: Touched
    measure: MeasureDocument


class AlertDocument(Struct, frozen=True, kw_only=True):
    """One alert. `citizens`: journeys touched, at least; `evidence`: a path below the address of the pages."""

    id: str
    version: int
    state: str
    severity: str
    title: Words
    place: Words
    why: Words
    since: str
    fired: str
    changed: str
    resolved: str | None
    ending: str | None
    acknowledged_by: str
    acknowledged_until: str | None
    assigned_to: str
    suppressed_by: str
    citizens: Touched
    cause: str
    evidence: str
    citizen_text: Words
    announce: bool
    readings: list[ReadingDocument]


class StepDocument(Struct, frozen=True, kw_only=True):
    """One thing that happened to an alert; `by` is empty for the platform itself."""

    number: int
    step: str
    at: str
    by: str
    text: str
    until: str | None


class AlertList(Struct, frozen=True, kw_only=True):
    """`changes`: grows with every write about alerts; `watch`: `looking`, `late`, `stopped` or `never`."""

    alerts: list[AlertDocument]
    changes: int
    watch: str
    looked: str | None
    data_through: str | None


class AlertWithHistory(Struct, frozen=True, kw_only=True):
    """One alert, and what happened to it, from the first."""

    alert: AlertDocument
    history: list[StepDocument]


class SilenceDocument(Struct, frozen=True, kw_only=True):
    """A silence as it is kept."""

    id: str
    version: int
    kind: str
    condition: str
    rule: str
    service: str
    channel: str
    territory: str
    begin: str = field(name="from")
    until: str
    reason: str
    author: str


class SilenceList(Struct, frozen=True):
    """Those in force now or later."""

    silences: list[SilenceDocument]


class PreviewDocument(Struct, frozen=True):
    """What a silence would hide of the open alerts, and would have hidden of those of the last 7 days."""

    open: list[AlertDocument]
    past: list[AlertDocument]


class LetterDocument(Struct, frozen=True, kw_only=True):
    """A message that was given up; `number`: of the alert's transition."""

    id: str
    alert: str
    number: int
    receiver: str
    tries: int
    created: str
    last_error: str
    subject: Words | None


class ReceiverDocument(Struct, frozen=True):
    """Who is told, and how: webhook, email, alertmanager or topic; how many messages wait for it.

    waiting_since: since when the oldest does, of those that were tried if there are any; last_error: why that one did not arrive.
    """

    name: str
    kind: str
    waiting: int
    waiting_since: str | None
    last_error: str


class Deliveries(Struct, frozen=True):
    """Who is told of alerts, and what was given up."""

    receivers: list[ReceiverDocument]
    dead: list[LetterDocument]


class TrialDocument(Struct, frozen=True):
    """Whether a test arrived, and why not."""

    delivered: bool
    why: str


def alert_document(sheet: Sheet) -> AlertDocument:
    """The alert as the API gives it."""
    same: dict[str, Any] = {name: getattr(sheet, name) for name in _SAME}
    return AlertDocument(
        **same,
        citizens=sheet.touched,
        since=to_text(sheet.since_us),
        fired=to_text(sheet.fired_us),
        changed=to_text(sheet.changed_us),
        resolved=text_or_none(sheet.resolved_us),
        acknowledged_until=text_or_none(sheet.acknowledged_until_us),
        readings=[_reading(each) for each in sheet.readings],
    )


def step_document(step: Transition) -> StepDocument:
    """Something that happened."""
    return StepDocument(
        number=step.number,
        step=step.step,
        at=to_text(step.at_us),
        by=step.by,
        text=step.text,
        until=text_or_none(step.until_us),
    )


def silence_document(record: SilenceRecord) -> SilenceDocument:
    """A silence as the API gives it."""
    same = {name: getattr(record, name) for name in SilenceDocument.__struct_fields__ if name not in ("begin", "until")}
    return SilenceDocument(**same, begin=to_text(record.from_us), until=to_text(record.until_us))


def letter_document(letter: Letter) -> LetterDocument:
    """A message that was given up."""
    same = {name: getattr(letter, name) for name in LetterDocument.__struct_fields__ if name != "created"}
    return LetterDocument(**same, created=to_text(letter.created_us))


def receiver_document(receiver: Receiving, backlog: Backlog | None) -> ReceiverDocument:
    """Who is told, and what waits."""
    return ReceiverDocument(
        name=receiver.name,
        kind=receiver.kind,
        waiting=backlog.waiting if backlog else 0,
        waiting_since=text_or_none(backlog.since_us if backlog else None),
        last_error=backlog.last_error if backlog else "",
    )


def text_or_none(instant_us: int | None) -> str | None:
    """RFC 3339, where there is an instant."""
    return None if instant_us is None else to_text(instant_us)


_SAME: Final = frozenset(AlertDocument.__struct_fields__) & frozenset(Sheet.__struct_fields__) - {"readings"}


def _reading(reading: Reading) -> ReadingDocument:
    measure = reading.measure
    same: dict[str, Any] = {
        name: getattr(reading, name)
        for name in ("condition", "rule", "service", "channel", "territory", "name", "place", "severity")
    }
    return ReadingDocument(
        **same,
        since=to_text(reading.since_us),
        citizens=reading.touched,
        measure=MeasureDocument(
            observed=measure.observed,
            expected=measure.expected,
            withheld=measure.withheld,
            begin=to_text(measure.from_us),
            to=to_text(measure.to_us),
            text=measure.text,
        ),
    )
