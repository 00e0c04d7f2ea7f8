"""The fold: `(state, event) -> (state, points)`, for the events of one (subject, service) in order.

A state is changed in place; what changed of the points is appended to `deltas`. `fold` is for the next event in order;
`expire` for time that passes without one.
Source: docs/definitions/frictions.md, sections "Rules" and "A journey".
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

from shared.detection.cases import fire_due, fire_dues_as, follow_case, orphans_of_cases
from shared.detection.contacts import CONTACT_CODES, join_contact, judge_contact_event, remember_latest
from shared.detection.draft import Deltas, RulesByVersion, draft_point, key_of
from shared.detection.occurrence import Occurrence, Reference
from shared.detection.state import CASE, MESSAGE, ORPHAN, RUN, Contact, Seen, State
from shared.detection.waiting import (
    await_answer,
    end_run_by_case,
    fire_waiting,
    fire_waiting_as,
    follow_form,
    orphans_of_waiting,
    receive_answer,
)
from shared.journey.instants import SECOND_US
from shared.journey.vocabulary import EVENT_TYPES

MAX_JOURNEY_EVENTS: Final = 5_000
ERRORS_KEPT: Final = 19
"""One less than the largest `error_loop.count` that settings allow."""

_WAITING: Final = frozenset({RUN, MESSAGE})


def fold(state: State, event: Occurrence, rules: RulesByVersion, deltas: Deltas) -> None:
    """Let the next event in order act on the state."""
    last, service_rules = state.last, rules[event.version]
    if last is not None and (
        event.time_us - last.time_us > (service_rules.open_case_gap_us if state.open_cases else service_rules.gap_us)
        or state.events >= MAX_JOURNEY_EVENTS
    ):
        _cut_off(state, rules)
    state.events += 1
    state.last = Reference(event.time_us, event.source, event.id)
    contact = None if event.contact is None else join_contact(state, event, event.contact, rules, deltas)
    for judge in _JUDGES[event.type]:
        judge(state, event, contact, rules, deltas)
    if event.asks_status:
        _judge_status(state, event, contact, rules, deltas)
    if event.case is not None:
        follow_case(state, event, rules, deltas)


def expire(state: State, until_us: int, rules: RulesByVersion, deltas: Deltas) -> None:
    """Put in force, provisionally, every point whose time has come by `until_us`."""
    timers = state.timers
    if not timers or timers[0][0] > until_us:
        return
    purposes: dict[str, None] = {}
    while timers and timers[0][0] <= until_us:
        purpose = heappop(timers)[1]
        purposes["" if purpose in _WAITING else purpose] = None
    for purpose in purposes:
        if purpose == "":
            fire_waiting(state, until_us, rules, deltas)
        elif purpose == ORPHAN:
            _release_orphans(state, until_us, deltas)
        else:
            fire_due(state, purpose[len(CASE) :], until_us, rules, deltas)


def expire_as(state: State, other: State, rules: RulesByVersion, deltas: Deltas) -> None:
    """Put in force what is in force provisionally in `other`, which folded the same events."""
    fire_waiting_as(state, other, rules, deltas)
    fire_dues_as(state, other, rules, deltas)
    held = {key_of(orphan) for orphan in other.orphans}
    deltas.extend((1, orphan) for orphan in state.orphans if key_of(orphan) not in held)


def has_fired(state: State) -> bool:
    """Whether time has put something in force that the events alone would not, or may have: after a cut."""
    return (
        state.cut > 0
        or (state.run is not None and state.run.fired)
        or any(message.fired for message in state.messages)
        or any(case.fired for case in state.cases.values())
    )


def _cut_off(state: State, rules: RulesByVersion) -> None:
    """Begin a new journey: of the old one only the points remain that wait for their time."""
    orphans = state.orphans + orphans_of_waiting(state, rules) + orphans_of_cases(state, rules)
    empty = State(last=state.last, cut=state.cut + 1, orphans=orphans)
    for name in State.__struct_fields__:
        setattr(state, name, getattr(empty, name))
    for orphan in orphans:
        heappush(state.timers, (orphan.time_us, ORPHAN))


def _release_orphans(state: State, until_us: int, deltas: Deltas) -> None:
    due = [orphan for orphan in state.orphans if orphan.time_us <= until_us]
    state.orphans = [orphan for orphan in state.orphans if orphan.time_us > until_us]
    deltas.extend((1, orphan) for orphan in due)


def _judge_contact(
    state: State, event: Occurrence, contact: Contact | None, rules: RulesByVersion, deltas: Deltas
) -> None:
    number = judge_contact_event(state, event, contact, rules[event.version], deltas)
    remember_latest(state.citizen, Seen(event.reference, event.channel, number))


def _judge_form(
    state: State, event: Occurrence, contact: Contact | None, rules: RulesByVersion, deltas: Deltas
) -> None:
    follow_form(state, event, rules, deltas)
    _judge_complaint(state, event, contact, rules, deltas)


def _judge_complaint(state: State, event: Occurrence, contact: Contact | None, _: RulesByVersion, __: Deltas) -> None:
    number = 0 if contact is None else contact.number
    remember_latest(state.citizen, Seen(event.reference, event.channel, number))


def _judge_opened(state: State, event: Occurrence, _: Contact | None, rules: RulesByVersion, deltas: Deltas) -> None:
    end_run_by_case(state, event, rules, deltas)


def _judge_answer(state: State, event: Occurrence, _: Contact | None, rules: RulesByVersion, deltas: Deltas) -> None:
    receive_answer(state, event, rules, deltas)


def _judge_question(state: State, event: Occurrence, _: Contact | None, rules: RulesByVersion, __: Deltas) -> None:
    await_answer(state, event, rules)


def _judge_status(
    state: State, event: Occurrence, contact: Contact | None, rules: RulesByVersion, deltas: Deltas
) -> None:
    """`status_chasing`: a contact event without an id is a contact of its own, any other event without one of none."""
    if contact is None:
        first = event.type in CONTACT_CODES
    else:
        first = not contact.status_asked
        contact.status_asked = True
    service_rules = rules[event.version]
    if first and service_rules.status_chasing:
        deltas.append((1, draft_point("status_chasing", event, state.cut, service_rules)))


def _judge_error(
    state: State, event: Occurrence, _: Contact | None, by_version: RulesByVersion, deltas: Deltas
) -> None:
    rules = by_version[event.version]
    if event.step is None:
        return
    earlier = state.errors.get(event.step, [])
    since_us = event.time_us - rules.error_window_us
    within = [error for error in earlier if error.time_us >= since_us]
    if len(within) + 1 < rules.error_count or not rules.error_loop:
        state.errors[event.step] = [*earlier[-ERRORS_KEPT + 1 :], event.reference]
        return
    state.errors.pop(event.step, None)
    span_s = (event.time_us - within[0].time_us) / SECOND_US if within else 0.0
    draft = draft_point(
        "error_loop",
        event,
        state.cut,
        rules,
        earlier=tuple(within),
        figures={"errors": float(len(within) + 1), "span_s": span_s},
        parameters={"count": float(rules.error_count), "window_s": rules.error_window_us / SECOND_US},
    )
    deltas.append((1, draft))


def _judge_wait(state: State, event: Occurrence, _: Contact | None, by_version: RulesByVersion, deltas: Deltas) -> None:
    rules = by_version[event.version]
    limit_s = rules.wait_limit_s.get(event.channel or "")
    if rules.long_wait and limit_s is not None and event.wait_s is not None and event.wait_s > limit_s:
        draft = draft_point(
            "long_wait",
            event,
            state.cut,
            rules,
            figures={"wait_s": event.wait_s},
            parameters={"limit_s": float(limit_s)},
            measured_wait=True,
        )
        deltas.append((1, draft))


def _judge_leaving(
    state: State, event: Occurrence, _: Contact | None, by_version: RulesByVersion, deltas: Deltas
) -> None:
    rules = by_version[event.version]
    minimum_s = rules.queue_minimum_s.get(event.channel or "")
    wait_s = event.wait_s
    if rules.queue_abandoned and (minimum_s is None or wait_s is None or wait_s >= minimum_s):
        draft = draft_point(
            "queue_abandoned",
            event,
            state.cut,
            rules,
            figures={} if wait_s is None else {"wait_s": wait_s},
            parameters={} if minimum_s is None else {"minimum_s": float(minimum_s)},
            measured_wait=True,
        )
        deltas.append((1, draft))


def _judge_transfer(
    state: State, event: Occurrence, contact: Contact | None, by_version: RulesByVersion, deltas: Deltas
) -> None:
    if contact is None:
        return
    rules = by_version[event.version]
    if rules.transfer_loop and len(contact.transfers) + 1 == rules.transfer_count:
        draft = draft_point(
            "transfer_loop",
            event,
            state.cut,
            rules,
            earlier=tuple(contact.transfers),
            figures={"transfers": float(rules.transfer_count)},
            parameters={"count": float(rules.transfer_count)},
        )
        deltas.append((1, draft))
    contact.transfers.append(event.reference)


def _judge_request(
    state: State, event: Occurrence, _: Contact | None, by_version: RulesByVersion, deltas: Deltas
) -> None:
    rules = by_version[event.version]
    if event.document is None:
        return
    earlier = state.documents.get(event.document)
    if earlier is not None and rules.repeated_request:
        figures: dict[str, float | str] = {
            "document": event.document,
            "gap_s": (event.time_us - earlier.time_us) / SECOND_US,
        }
        draft = draft_point("repeated_request", event, state.cut, rules, earlier=(earlier,), figures=figures)
        deltas.append((1, draft))
    state.documents[event.document] = event.reference


def _judge_rating(
    state: State, event: Occurrence, _: Contact | None, by_version: RulesByVersion, deltas: Deltas
) -> None:
    rules = by_version[event.version]
    if rules.low_rating and event.rating is not None and event.rating <= rules.rating_limit:
        draft = draft_point(
            "low_rating",
            event,
            state.cut,
            rules,
            figures={"rating": event.rating},
            parameters={"limit": float(rules.rating_limit)},
        )
        deltas.append((1, draft))


_Judge = Callable[[State, Occurrence, Contact | None, RulesByVersion, Deltas], None]


def _on_its_own(rule: str) -> _Judge:
    """A rule of which every event of its type is a point."""

    def judge(state: State, event: Occurrence, _: Contact | None, by_version: RulesByVersion, deltas: Deltas) -> None:
        rules = by_version[event.version]
        if rule in rules.enabled:
            deltas.append((1, draft_point(rule, event, state.cut, rules)))

    return judge


_JUDGES_BY_TYPE: Final[dict[str, tuple[_Judge, ...]]] = {
    "click.repeated": (_on_its_own("repeated_click"),),
    "form.started": (_judge_form,),
    "form.step": (_judge_form,),
    "form.error": (_judge_form, _judge_error),
    "form.saved": (_judge_form,),
    "form.submitted": (_judge_form,),
    "call.queued": (_judge_contact,),
    "call.answered": (_judge_answer, _judge_wait),
    "call.transferred": (_judge_transfer,),
    "call.abandoned": (_judge_leaving,),
    "call.rejected": (_judge_contact, _on_its_own("turned_away")),
    "callback.requested": (_judge_question,),
    "callback.made": (_judge_answer,),
    "ticket.taken": (_judge_contact,),
    "ticket.called": (_judge_answer, _judge_wait),
    "ticket.transferred": (_judge_transfer,),
    "ticket.noshow": (_judge_leaving,),
    "message.received": (_judge_contact, _judge_question),
    "message.answered": (_judge_answer,),
    "contact.made": (_judge_contact,),
    "case.opened": (_judge_opened,),
    "case.decided": (_judge_answer,),
    "case.reopened": (_on_its_own("case_reopened"),),
    "information.requested": (_judge_request,),
    "notice.sent": (_judge_answer,),
    "feedback.given": (_judge_rating,),
    "complaint.filed": (_judge_complaint,),
}

_JUDGES: Final = [*(_JUDGES_BY_TYPE.get(name, ()) for name in EVENT_TYPES), ()]
"""By type code; the last, at `UNKNOWN_TYPE`, is of types that no rule knows."""
