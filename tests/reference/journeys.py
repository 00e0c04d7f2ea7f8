"""Events in order, journeys and their cuts, contacts and cases, as the page's section "Event" has them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

CONTACT_EVENTS = {"contact.made", "call.queued", "call.rejected", "ticket.taken", "message.received"}
FORM_EVENTS = {"form.started", "form.step", "form.error", "form.saved", "form.submitted"}
CITIZEN_EVENTS = CONTACT_EVENTS | FORM_EVENTS | {"complaint.filed"}
UNSERVED_SIGNS = {"call.abandoned", "call.rejected", "ticket.noshow"}
SERVED_SIGNS = {"call.answered", "ticket.called", "ticket.served"}
CASE_ENDS = {"case.decided", "case.closed"}

CONTACT_SPAN_US = 24 * 3_600 * 1_000_000
JOURNEY_EVENTS_MAX = 5_000

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant_us(text: str) -> int:
    """Microseconds since 1970 of an RFC 3339 text with an offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no offset: {text}")
    return (moment - EPOCH) // timedelta(microseconds=1)


def instant_text(moment_us: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ`."""
    return (EPOCH + timedelta(microseconds=moment_us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds_us(seconds: float) -> int:
    """Microseconds of a number of seconds."""
    return round(seconds * 1_000_000)


@dataclass(frozen=True, eq=False)
class Event:
    """One distinct event. `data` has no empty fields; `rules` are the settings of its service in its own version."""

    source: str
    id: str
    type: str
    time_us: int
    subject: str
    service: str
    data: Mapping[str, Any]
    version: int
    rules: Mapping[str, Any]

    def __getattr__(self, field: str) -> Any:
        """A field of `data`, `None` if absent."""
        if field.startswith("__"):
            raise AttributeError(field)
        return self.data.get(field)

    @property
    def order(self) -> tuple[int, bytes, bytes]:
        """By time, source, id as UTF-8 bytes."""
        return self.time_us, self.source.encode(), self.id.encode()

    @property
    def due_us(self) -> int | None:
        """The announced deadline."""
        return None if self.due is None else instant_us(self.due)


def distinct_events(
    events: Iterable[Mapping[str, Any]], settings_of: Callable[[tuple[str, str], str], tuple[int, Mapping[str, Any]]]
) -> list[Event]:
    """Every identity once, of those that have a subject; `settings_of` gives version and rules for identity and service."""
    distinct: dict[tuple[str, str], Event] = {}
    for event in events:
        identity = (event["source"], event["id"])
        if identity in distinct or not event.get("subject"):
            continue
        data = {name: value for name, value in event["data"].items() if value not in ("", None)}
        version, rules = settings_of(identity, data["service"])
        distinct[identity] = Event(
            source=event["source"],
            id=event["id"],
            type=event["type"].removeprefix("parcours."),
            time_us=instant_us(event["time"]),
            subject=event["subject"],
            service=data["service"],
            data=data,
            version=version,
            rules=rules,
        )
    return list(distinct.values())


class Journey:
    """The events between two cuts of one (subject, service), in order."""

    def __init__(self, cut: int, events: list[Event]) -> None:
        self.cut = cut
        self.events = events
        self._contacts = _contact_numbers(events)
        self._unserved = {number for number in set(self._contacts.values()) if self._is_unserved(number)}

    def judged(self, rule: str) -> Iterator[tuple[int, Event, Mapping[str, Any]]]:
        """Every event for which the rule is switched on: its place, the event, the rule's parameters."""
        for place, event in enumerate(self.events):
            if event.rules[rule]["enabled"]:
                yield place, event, event.rules[rule]

    def before(self, place: int) -> list[Event]:
        """The events earlier than the one at `place`."""
        return self.events[:place]

    def after(self, place: int) -> list[Event]:
        """The events later than the one at `place`."""
        return self.events[place + 1 :]

    def contact_of(self, event: Event) -> int | None:
        """Which contact the event belongs to; `None`: to none."""
        return self._contacts.get(event)

    def contact_events(self, contact: int) -> list[Event]:
        """The events of one contact."""
        return [event for event in self.events if self.contact_of(event) == contact]

    def unserved(self, event: Event) -> bool:
        """Whether the contact of this event is unserved, by all its events, also the later ones."""
        return self.contact_of(event) in self._unserved

    def _is_unserved(self, contact: int) -> bool:
        types = {event.type for event in self.contact_events(contact)}
        return bool(types & UNSERVED_SIGNS) and not types & SERVED_SIGNS

    def cases(self) -> dict[str, list[Event]]:
        """The events of each case."""
        cases: dict[str, list[Event]] = {}
        for event in self.events:
            if event.case is not None:
                cases.setdefault(event.case, []).append(event)
        return cases


def _contact_numbers(events: list[Event]) -> dict[Event, int]:
    """Number the contacts: the same id up to 24 hours after its first; a contact event without id is one of its own."""
    numbers: dict[Event, int] = {}
    running: dict[str, tuple[int, int]] = {}
    for number, event in enumerate(events):
        if event.contact is None:
            if event.type in CONTACT_EVENTS:
                numbers[event] = number
            continue
        if event.contact not in running or event.time_us - running[event.contact][0] > CONTACT_SPAN_US:
            running[event.contact] = (event.time_us, number)
        numbers[event] = running[event.contact][1]
    return numbers


def case_is_open(case_events: list[Event]) -> bool:
    """Open from its first event until decided or closed, and again from reopened."""
    is_open = True
    for event in case_events:
        if event.type in CASE_ENDS:
            is_open = False
        if event.type == "case.reopened":
            is_open = True
    return bool(case_events) and is_open


def journeys_of(events: list[Event]) -> list[Journey]:
    """The journeys of all subjects and services."""
    by_owner: dict[tuple[str, str], list[Event]] = {}
    for event in sorted(events, key=lambda event: event.order):
        by_owner.setdefault((event.subject, event.service), []).append(event)
    return [Journey(cut, part) for owned in by_owner.values() for cut, part in enumerate(_parts_between_cuts(owned))]


def _parts_between_cuts(events: list[Event]) -> list[list[Event]]:
    """Cut between two events too far apart, and before the 5,001st event."""
    parts: list[list[Event]] = [[]]
    open_cases: dict[str, list[Event]] = {}
    for event in events:
        part = parts[-1]
        if part and (len(part) == JOURNEY_EVENTS_MAX or event.time_us - part[-1].time_us > _gap_us(event, open_cases)):
            parts.append([])
            open_cases = {}
        parts[-1].append(event)
        if event.case is not None:
            open_cases.setdefault(event.case, []).append(event)
    return parts if events else []


def _gap_us(later: Event, cases: dict[str, list[Event]]) -> int:
    """The longest gap that does not cut, by the rules of the later of the two events."""
    any_open = any(case_is_open(case_events) for case_events in cases.values())
    return seconds_us(later.rules["journey"]["open_case_gap_s" if any_open else "gap_s"])
