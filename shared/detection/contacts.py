"""Contacts: which event belongs to which, which are unserved, and the rules that compare contacts.

`repeat_contact` and `unanswered_retry` depend on whether an earlier contact is unserved, which events up to 24 hours after
its first may still decide, also after the anchor. So the contact events of the last 24 hours are kept with their
verdicts, and judged again when an earlier contact turns.
Source: docs/definitions/frictions.md, "A contact", `repeat_contact`, `unanswered_retry`, `channel_switch`.
"""

from bisect import bisect_left, insort
from typing import Final

from shared.detection.draft import Deltas, Draft, RulesByVersion, draft_point
from shared.detection.occurrence import TYPE_CODES, Occurrence, Reference
from shared.detection.settings import ServiceRules
from shared.detection.state import CONTACT_SPAN_US, Contact, Entry, Seen, State
from shared.journey.instants import SECOND_US
from shared.journey.vocabulary import CONTACT_TYPES

MISSING_TYPES: Final = frozenset(TYPE_CODES[name] for name in ("call.abandoned", "call.rejected", "ticket.noshow"))
SERVING_TYPES: Final = frozenset(TYPE_CODES[name] for name in ("call.answered", "ticket.called", "ticket.served"))
CONTACT_CODES: Final = frozenset(TYPE_CODES[name] for name in CONTACT_TYPES)
_REJECTED: Final = TYPE_CODES["call.rejected"]
_PRUNE_FROM: Final = 8


def join_contact(state: State, event: Occurrence, name: str, rules: RulesByVersion, deltas: Deltas) -> Contact:
    """The contact `name` that takes the event in, after the event's own effect on it."""
    contact = state.contacts.get(name)
    if contact is None or event.time_us - contact.first_us > CONTACT_SPAN_US:
        contact = _begin(state, event, name)
    before = contact.unserved
    if event.type in MISSING_TYPES:
        contact.missed = True
    elif event.type in SERVING_TYPES:
        contact.served = True
    if contact.unserved is not before:
        _turn(state, contact, event.time_us, rules, deltas)
    return contact


def _begin(state: State, event: Occurrence, name: str) -> Contact:
    contacts = state.contacts
    size = len(contacts)
    if size >= _PRUNE_FROM and size & (size - 1) == 0:
        horizon_us = event.time_us - CONTACT_SPAN_US
        for old in [old for old, contact in contacts.items() if contact.first_us < horizon_us]:
            del contacts[old]
    state.contact_count += 1
    contact = Contact(state.contact_count, event.time_us)
    contacts[name] = contact
    return contact


def judge_contact_event(
    state: State, event: Occurrence, contact: Contact | None, rules: ServiceRules, deltas: Deltas
) -> int:
    """Judge a contact event by the rules that compare contacts, and remember it. Gives the number of its contact."""
    if contact is None:
        state.contact_count += 1
        number, unserved = state.contact_count, event.type == _REJECTED
    else:
        number, unserved = contact.number, contact.unserved
    settle(state, event.time_us)
    entry = Entry(event, number, unserved)
    if not event.invited:
        _judge_retry(entry, _of_another(state.latest_contacts, number), state.cut, rules, deltas)
        _judge_repeat(entry, _answerable_before(state, entry, len(state.answerable)), state.cut, rules, deltas)
        _judge_switch(event, _of_another(state.citizen, number), state.cut, rules, deltas)
    (state.missed if unserved else state.answerable).append(entry)
    remember_latest(state.latest_contacts, entry.seen)
    return number


def remember_latest(latest: list[Seen], seen: Seen) -> None:
    """Put `seen` first; second stays or becomes the latest of another contact (events of no contact are all apart)."""
    if latest and (seen.contact == 0 or latest[0].contact != seen.contact):
        latest[1:] = [latest[0]]
        latest[0] = seen
    else:
        latest[:1] = [seen]


def _of_another(latest: list[Seen], number: int) -> Seen | None:
    for seen in latest:
        if seen.contact != number:
            return seen
    return None


def _judge_retry(entry: Entry, other: Seen | None, cut: int, rules: ServiceRules, deltas: Deltas) -> None:
    holds = (
        other is not None
        and other.unserved
        and entry.event.time_us - other.reference.time_us <= rules.retry_window_us
        and rules.unanswered_retry
    )
    _replace(entry, "retry_of", other if holds else None, cut, rules, deltas)


def _judge_repeat(entry: Entry, other: Seen | None, cut: int, rules: ServiceRules, deltas: Deltas) -> None:
    holds = (
        other is not None
        and rules.repeat_min_gap_us < entry.event.time_us - other.reference.time_us <= rules.repeat_window_us
        and rules.repeat_contact
    )
    _replace(entry, "repeat_of", other if holds else None, cut, rules, deltas)


def _replace(entry: Entry, verdict: str, other: Seen | None, cut: int, rules: ServiceRules, deltas: Deltas) -> None:
    before: Seen | None = getattr(entry, verdict)
    if before is None and other is None:
        return
    make = _repeat_point if verdict == "repeat_of" else _retry_point
    if before is not None:
        if other is not None and other.reference == before.reference:
            return
        deltas.append((-1, make(entry.event, before, cut, rules)))
    if other is not None:
        deltas.append((1, make(entry.event, other, cut, rules)))
    setattr(entry, verdict, other)


def _repeat_point(event: Occurrence, other: Seen, cut: int, rules: ServiceRules) -> Draft:
    parameters = {"min_gap_s": rules.repeat_min_gap_us / SECOND_US, "window_s": rules.repeat_window_us / SECOND_US}
    return _comparison("repeat_contact", event, other, cut, rules, parameters)


def _retry_point(event: Occurrence, other: Seen, cut: int, rules: ServiceRules) -> Draft:
    return _comparison("unanswered_retry", event, other, cut, rules, {"window_s": rules.retry_window_us / SECOND_US})


def _comparison(
    rule: str, event: Occurrence, other: Seen, cut: int, rules: ServiceRules, parameters: dict[str, float]
) -> Draft:
    gap_s = (event.time_us - other.reference.time_us) / SECOND_US
    figures: dict[str, float | str] = {"gap_s": gap_s, "earlier_channel": other.channel or ""}
    return draft_point(rule, event, cut, rules, earlier=(other.reference,), figures=figures, parameters=parameters)


def _judge_switch(event: Occurrence, other: Seen | None, cut: int, rules: ServiceRules, deltas: Deltas) -> None:
    if (
        other is not None
        and rules.channel_switch
        and event.time_us - other.reference.time_us <= rules.switch_window_us
        and event.channel is not None
        and other.channel is not None
        and event.channel != other.channel
    ):
        parameters = {"window_s": rules.switch_window_us / SECOND_US}
        deltas.append((1, _comparison("channel_switch", event, other, cut, rules, parameters)))


def _answerable_before(state: State, entry: Entry, position: int) -> Seen | None:
    """The latest contact event before `position` of `answerable`, of another contact, with the same matter or none."""
    matter, number = entry.event.matter, entry.contact
    entries = state.answerable
    for index in range(position - 1, -1, -1):
        other = entries[index]
        if other.contact != number and (matter is None or other.event.matter is None or other.event.matter == matter):
            return other.seen
    if matter is None:
        return _of_another(state.settled_any, number)
    same = _of_another(state.settled.get(matter, []), number)
    without = _of_another(state.settled.get("", []), number)
    if same is None or without is None:
        return same or without
    return max(same, without, key=lambda seen: seen.reference)


def settle(state: State, now_us: int) -> None:
    """Take contact events older than a contact's span from those that may still turn."""
    horizon_us = now_us - CONTACT_SPAN_US
    entries = state.answerable
    if entries and entries[0].event.time_us < horizon_us:
        old = bisect_left(entries, horizon_us, key=lambda entry: entry.event.time_us)
        for entry in entries[:old]:
            remember_latest(state.settled.setdefault(entry.event.matter or "", []), entry.seen)
            remember_latest(state.settled_any, entry.seen)
        del entries[:old]
    missed = state.missed
    if missed and missed[0].event.time_us < horizon_us:
        del missed[: bisect_left(missed, horizon_us, key=lambda entry: entry.event.time_us)]


def _order(entry: Entry) -> Reference:
    return entry.event.reference


def _turn(state: State, contact: Contact, now_us: int, rules: RulesByVersion, deltas: Deltas) -> None:
    """A contact became unserved, or served after all: move its contact events and judge again what follows them."""
    settle(state, now_us)
    number, unserved = contact.number, contact.unserved
    for seen in state.latest_contacts:
        if seen.contact == number:
            seen.unserved = unserved
    leaving, entering = (state.answerable, state.missed) if unserved else (state.missed, state.answerable)
    own = [entry for entry in leaving if entry.contact == number]
    if not own:
        return
    leaving[:] = [entry for entry in leaving if entry.contact != number]
    for entry in own:
        entry.unserved = unserved
        insort(entering, entry, key=_order)
    _judge_again(state, own, rules, deltas)


def _judge_again(state: State, own: list[Entry], rules: RulesByVersion, deltas: Deltas) -> None:
    number, first, last = own[0].contact, _order(own[0]), _order(own[-1])
    answerable, missed = state.answerable, state.missed
    following = sorted(
        answerable[bisect_left(answerable, first, key=_order) :] + missed[bisect_left(missed, first, key=_order) :],
        key=_order,
    )
    latest: list[Seen] = []
    shadowing: set[int] = set()
    for entry in following:
        if entry.contact != number and not entry.event.invited:
            service_rules = rules[entry.event.version]
            _judge_retry(entry, _of_another(latest, entry.contact), state.cut, service_rules, deltas)
            position = bisect_left(answerable, _order(entry), key=_order)
            earlier = _answerable_before(state, entry, position)
            _judge_repeat(entry, earlier, state.cut, service_rules, deltas)
        remember_latest(latest, entry.seen)
        if entry.contact != number and not entry.unserved and entry.event.matter is None and _order(entry) > last:
            shadowing.add(entry.contact)
            if len(shadowing) > 1:
                return
