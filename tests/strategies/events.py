"""Random journeys that are good at finding bugs in the rules.

Values come from small pools, so that events meet. An event's time is an instant of its own journey (an earlier event, an
announced due, a due moved by a pause) plus one of the windows of the rule settings, plus or minus a microsecond or nothing:
edges and equal times are the rule, not the exception. Ids and sources are such that ties are decided by them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.reference.journeys import instant_text, instant_us, seconds_us
from tests.reference.rule_settings import DAY_S, HOUR_S, MINUTE_S
from tests.strategies.arrivals import Delivery, arrivals, random_delivery
from tests.strategies.choosers import Chooser, DrawnChooser, SeededChooser
from tests.strategies.documents import CHANNELS, SERVICES, SOURCES, all_rules_on, random_document, rule_documents

__all__ = [
    "Delivery",
    "all_rules_on",
    "arrivals",
    "events",
    "random_delivery",
    "random_document",
    "random_stream",
    "rule_documents",
    "streams",
]

Event = dict[str, Any]

START_US = instant_us("2020-01-06T08:00:00Z")
SPAN_US = seconds_us(5 * 365 * DAY_S)
"""All times lie in this span: also in the past of any machine that runs the tests."""

SUBJECTS = (*("p1-ann",) * 17, *("p1-bob",) * 6, *("s1-web",) * 6, None)
SERVICE_OPTIONS = (SERVICES[0],) * 4 + (SERVICES[1],)

TYPES = (
    *("contact.made",) * 6,
    *("call.queued",) * 4,
    *("call.rejected", "call.abandoned") * 3,
    *("ticket.taken", "ticket.noshow", "ticket.served") * 2,
    *("call.answered", "ticket.called") * 4,
    *("call.transferred",) * 4,
    *("ticket.transferred",) * 2,
    *("message.received", "callback.requested") * 3,
    *("message.answered", "callback.made", "notice.sent"),
    *("form.started", "form.step", "form.saved") * 3,
    *("form.error",) * 8,
    *("form.submitted", "complaint.filed"),
    *("case.opened", "case.decided", "case.closed", "case.reopened") * 2,
    *("case.progressed",) * 6,
    *("information.requested",) * 5,
    *("information.received",) * 3,
    *("feedback.given", "click.repeated") * 2,
    *("page.viewed", "page.failed", "search.performed", "click.dead", "call.ended"),
    *("appointment.booked", "appointment.cancelled", "agent.feedback", "unknown.happened"),
)

SHORT_S = (0, 0, 0, 1, 20, MINUTE_S, MINUTE_S, 5 * MINUTE_S)
IDS = ("a", "b", "Z", "é", "9", "10-")

Values = Sequence[Any]
FIELDS: dict[str, Values] = {
    "channel": (*CHANNELS, "phone", "counter"),
    "contact": ("c1", "c2", "c3"),
    "case": ("k1", "k1", "k2"),
    "matter": ("leak", "noise"),
    "step": ("address", "income"),
    "team": ("A", "A", "B", "B", "C"),
    "document": ("payslip", "lease"),
    "reason": ("status", "status", "question"),
    "outcome": ("done", "failed"),
    "invited": (True, False),
    "rating": (1, 2, 2.5, 3, 4, 5),
    "wait_s": (0, 9, 9.999, 10, 10.001, 59, 60, 61, 299, 299.5, 300, 300.001, 301, 1_199, 1_200, 1_201, 4_000),
    "office": ("north",),
    "territory": ("fr/idf/75", "fr/idf/93"),
}
"""The pool of each field."""

EXTRA = (None,) * len(FIELDS) + tuple(FIELDS)
"""Half the events have one more field, whether their type uses it or not."""

SELDOM = {"case": 30, "contact": 15, "channel": 70}
"""How often a field is there whatever the type, in a hundred."""

OFTEN: dict[str, dict[str, int]] = {
    "contact.": {"contact": 40, "matter": 50, "invited": 25, "reason": 40, "channel": 85},
    "call.": {"contact": 85, "matter": 40, "reason": 40, "channel": 90, "wait_s": 80},
    "ticket.": {"contact": 85, "matter": 40, "team": 40, "channel": 90, "wait_s": 80, "invited": 25},
    "message.": {"contact": 50, "matter": 50, "reason": 40, "invited": 15},
    "callback.": {"contact": 50},
    "form.": {"step": 90, "outcome": 12},
    "case.": {"case": 92, "team": 85, "step": 85},
    "information.": {"case": 85, "document": 85, "team": 60},
    "notice.": {"case": 60, "team": 60},
    "feedback.": {"rating": 92, "contact": 40},
}
"""The same by the first word of the type."""

ECHOED = ("contact", "case", "step", "document", "channel")

WITH_DUE = {"contact.": 40, "case.": 40, "information.": 35, "notice.": 60}


@dataclass
class _Move:
    """One event as choices that depend on nothing before it, so that hypothesis can leave any of them out."""

    subject: str | None
    service: str
    source: str
    id: str
    type: str
    data: dict[str, Any]
    reference: int
    interval: int
    microseconds: int
    due_interval: int | None
    due_microseconds: int
    echoes: bool


@dataclass
class _Past:
    """What the events of one (subject, service) so far leave to refer to."""

    times_us: list[int] = field(default_factory=list)
    marks_us: list[int] = field(default_factory=list)
    due_us: int | None = None
    requested_us: int | None = None


def choose_move(choose: Chooser, subjects: Sequence[str | None] = SUBJECTS) -> _Move:
    """The choices of one event."""
    event_type = choose.pick(TYPES)
    family = event_type[: event_type.index(".") + 1]
    drawn = {name: choose.pick(options) for name, options in _options_of(family).items()}
    data = {name: value for name, value in drawn.items() if value is not None}
    extra = choose.pick(EXTRA)
    if extra is not None:
        data.setdefault(extra, choose.pick(FIELDS[extra]))
    has_due = choose.chance(WITH_DUE.get(family, 3))
    return _Move(
        subject=choose.pick(subjects),
        service=choose.pick(SERVICE_OPTIONS),
        source=choose.pick(SOURCES),
        id=choose.pick(IDS),
        type=event_type,
        data=data,
        reference=choose.pick((0, 0, 0, 0, 1, 1, 2, 3, 5, -1, -2)),
        interval=choose.integer(0, 119),
        microseconds=choose.pick((0, 0, 0, 0, 1, -1)),
        due_interval=choose.integer(0, 119) if has_due else None,
        due_microseconds=choose.pick((0, 0, 0, 1, -1)) if has_due else 0,
        echoes=choose.chance(30),
    )


@cache
def _options_of(family: str) -> dict[str, Values]:
    """For each field that this family of types has, its pool and as many `None` as make it absent so often."""
    percents = {**SELDOM, **OFTEN.get(family, {})}
    return {
        name: (None,) * round(len(FIELDS[name]) * 4 * (100 - percent) / percent) + tuple(FIELDS[name]) * 4
        for name, percent in percents.items()
    }


def build(moves: Sequence[_Move], document: Mapping[str, Any]) -> list[Event]:
    """The events of the moves: distinct identities, times at the edges of the document's windows."""
    intervals = {service: _intervals_us(document, service) for service in SERVICES}
    pasts: dict[tuple[str | None, str], _Past] = {}
    taken: set[tuple[str, str]] = set()
    built = []
    for number, move in enumerate(_with_echoes(moves)):
        past = pasts.setdefault((move.subject, move.service), _Past())
        time_us = _time_us(move, past, intervals[move.service])
        event_id = f"{move.id}{number // 3}"
        while (move.source, event_id) in taken:
            event_id += "+"
        taken.add((move.source, event_id))
        data: dict[str, Any] = {"service": move.service, **move.data}
        if move.due_interval is not None:
            due_us = _due_us(move, past, time_us, intervals[move.service])
            data["due"] = instant_text(due_us)
        _remember(past, move, time_us, instant_us(data["due"]) if "due" in data else None)
        event: Event = {
            "specversion": "1.0",
            "id": event_id,
            "source": move.source,
            "type": move.type,
            "time": instant_text(time_us),
            "data": data,
        }
        if move.subject is not None:
            event["subject"] = move.subject
        built.append(event)
    return built


def _with_echoes(moves: Sequence[_Move]) -> Iterator[_Move]:
    """A move that echoes is of the same journey, type, contact, step and so on as the one before: loops come about."""
    before: _Move | None = None
    for move in moves:
        if move.echoes and before is not None:
            data = {**move.data, **{name: before.data[name] for name in ECHOED if name in before.data}}
            before = replace(move, subject=before.subject, service=before.service, type=before.type, data=data)
        else:
            before = move
        yield before


def _time_us(move: _Move, past: _Past, intervals_us: Sequence[int]) -> int:
    """An earlier event's time plus an interval; with a negative reference one of the last marks (dues) itself."""
    if move.reference < 0 and past.marks_us:
        time_us = past.marks_us[max(move.reference, -len(past.marks_us))]
    elif past.times_us:
        recent = past.times_us[-1 - min(abs(move.reference), len(past.times_us) - 1)]
        time_us = recent + intervals_us[move.interval % len(intervals_us)]
    else:
        time_us = START_US + move.interval * seconds_us(HOUR_S)
    time_us += move.microseconds
    return time_us if START_US <= time_us <= START_US + SPAN_US else START_US + time_us % SPAN_US


def _due_us(move: _Move, past: _Past, time_us: int, intervals_us: Sequence[int]) -> int:
    """A time after the event (or just before), or, one time in four, the due that was announced before."""
    assert move.due_interval is not None
    if past.due_us is not None and move.due_interval % 4 == 0:
        return past.due_us + move.due_microseconds
    return time_us + intervals_us[move.due_interval % len(intervals_us)] + move.due_microseconds


def _remember(past: _Past, move: _Move, time_us: int, due_us: int | None) -> None:
    past.times_us.append(time_us)
    if due_us is not None:
        past.due_us = due_us
        past.marks_us.append(due_us)
    if move.type == "information.requested" and past.requested_us is None:
        past.requested_us = time_us
    if move.type == "information.received" and past.requested_us is not None:
        if past.due_us is not None:
            past.marks_us.append(past.due_us + time_us - past.requested_us)
        past.requested_us = None


def _intervals_us(document: Mapping[str, Any], service: str) -> list[int]:
    """Short times, and every duration of the settings; the long cuts of a journey are rare."""
    values = list(_durations_s({**document, "service": document.get("service", {}).get(service, {})}))
    long_s = sorted({value for value in values if value > 14 * DAY_S})
    short_s = sorted({value for value in values if value <= 14 * DAY_S} | {HOUR_S, DAY_S, 3 * DAY_S})
    return [seconds_us(value) for value in (*SHORT_S * 3, *short_s * 3, *long_s * 2)]


def _durations_s(document: Mapping[str, Any]) -> Iterator[float]:
    """All values whose names say that they are seconds between events."""
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _durations_s(value)
        elif name.endswith(("window_s", "gap_s", "lateness_s")):
            yield value


@st.composite
def _moves(draw: st.DrawFn) -> _Move:
    return choose_move(DrawnChooser(draw))


def events(document: Mapping[str, Any] | None = None, max_events: int = 40) -> st.SearchStrategy[list[Event]]:
    """Lists of distinct CloudEvents, in no order; `document` gives the windows whose edges are tried.

    Lists of all sizes up to `max_events` (at least 1): hypothesis by itself would draw short ones.
    """
    known = all_rules_on() if document is None else document
    sizes = [(1, max(1, max_events // 5)), (max(1, max_events // 4), max_events), (max(1, max_events // 2), max_events)]
    lists = [st.lists(_moves(), min_size=least, max_size=most) for least, most in sizes]
    return st.one_of(lists).map(lambda moves: build(moves, known))


@st.composite
def streams(draw: st.DrawFn, max_events: int = 40, lateness: bool = True) -> tuple[dict[str, Any], list[Event]]:
    """Rule settings (the defaults half the time) and events that try their edges."""
    document = draw(st.one_of(st.builds(all_rules_on), rule_documents(lateness=lateness)))
    return document, draw(events(document, max_events))


def random_stream(
    seed: int, n: int, document: Mapping[str, Any] | None = None, events_per_subject: int = 25
) -> list[Event]:
    """`n` events of a seed, for torture runs: the same kinds of events, on as many subjects as their number asks for."""
    choose = SeededChooser(Random(seed))
    subjects = [None, *(f"p1-{number:06}" for number in range(max(20, n // events_per_subject)))]
    moves = [choose_move(choose, subjects) for _ in range(n)]
    return build(moves, all_rules_on() if document is None else document)
