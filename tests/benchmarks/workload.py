"""Events to measure with: two mixes, times that advance, UUID ids; the same seed gives the same events."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import Any, Final

import msgspec

from shared.detection.settings import DEFAULTS, merged
from shared.journey.event import Event, EventData
from shared.journey.instants import from_text, from_us, to_text
from shared.journey.vocabulary import EVENT_TYPES

START_US: Final = 1_790_000_000_000_000
"""September 2026."""
RECORD_EVENTS: Final = 500
SERVICE: Final = "housing-benefit"

ALL_RULES: Final = merged(DEFAULTS, {"ping_pong": {"enabled": True}, "rework": {"enabled": True}})
"""The defaults with the two rules switched on that are off by default."""

RANDOM_TYPES: Final[Mapping[str, float]] = dict.fromkeys(EVENT_TYPES, 1.0)
"""Every type as often as any other: hard on the rules, since few real events match one."""

REALISTIC: Final[Mapping[str, float]] = {
    "page.viewed": 38, "page.failed": 1, "search.performed": 4, "click.repeated": 1, "form.started": 5, "form.step": 12,
    "form.error": 3, "form.saved": 1, "form.submitted": 3, "call.queued": 4, "call.answered": 3, "call.transferred": 0.5,
    "call.abandoned": 1, "call.ended": 3, "ticket.taken": 1.5, "ticket.called": 1.2, "ticket.served": 1.2,
    "ticket.noshow": 0.2, "message.received": 2, "message.answered": 2, "contact.made": 2, "case.opened": 1,
    "case.progressed": 5, "case.decided": 1, "case.closed": 1, "information.requested": 0.7,
    "information.received": 0.6, "notice.sent": 1, "feedback.given": 0.5, "complaint.filed": 0.2,
}  # fmt: skip
"""An assumed administration: two thirds of the events come from its web site."""

_SOURCES: Final = {"web": "/web/portal", "phone": "/phone/pbx", "counter": "/counter/queue", "email": "/mail/desk"}
_CHANNEL_OF_FAMILY: Final = {
    "page": "web", "search": "web", "click": "web", "form": "web", "appointment": "web", "call": "phone",
    "callback": "phone", "ticket": "counter", "message": "email", "contact": "phone", "complaint": "email",
}  # fmt: skip
_STEPS: Final = ("identity", "address", "household", "income", "documents", "summary")
_TEAMS: Final = ("north", "south", "complaints", "payments")
_DOCUMENTS: Final = ("payslip", "lease", "tax-notice")
_TERRITORIES: Final = ("fr/idf/75/75012", "fr/idf/75/75020", "fr/idf/93/93001")
_WAITS: Final = frozenset({"call.answered", "call.abandoned", "ticket.called", "ticket.noshow"})
_HOUR_US: Final = 3_600_000_000


class EventMaker:
    """Makes events of one mix. Half of the contact events join the contact that their subject's last one had."""

    def __init__(self, seed: int, mix: Mapping[str, float] = REALISTIC) -> None:
        self.random = Random(seed)
        self._types = tuple(mix)
        self._weights = tuple(accumulate(mix.values()))
        self._contacts: dict[str, str] = {}

    def uuid(self) -> str:
        """A random UUID's text."""
        digits = f"{self.random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def event(self, subject: str, time_us: int) -> Event:
        """An event as it stands in the log, at this instant."""
        event_type = self.random.choices(self._types, cum_weights=self._weights)[0]
        family = event_type.partition(".")[0]
        channel = _CHANNEL_OF_FAMILY.get(family)
        data = EventData(SERVICE, channel=channel)
        self._fill(data, event_type, family, subject, time_us)
        source = _SOURCES.get(channel or "", "/back-office")
        return Event(self.uuid(), source, event_type, to_text(time_us), to_text(time_us), data, subject)

    def _fill(self, data: EventData, event_type: str, family: str, subject: str, time_us: int) -> None:
        """The fields that a channel's events usually have."""
        random = self.random
        if data.channel == "web":
            data.step = random.choice(_STEPS)
        elif family in {"call", "ticket", "callback"}:
            data.contact = self._contact(subject)
            data.team = random.choice(_TEAMS)
            data.territory = random.choice(_TERRITORIES)
            data.wait_s = float(random.randrange(1_500)) if event_type in _WAITS else None
        elif family in {"case", "information", "notice"}:
            data.case = f"k-{subject[-8:]}"
            data.team = random.choice(_TEAMS)
            data.step = random.choice(_STEPS) if event_type == "case.progressed" else None
            data.document = random.choice(_DOCUMENTS) if event_type == "information.requested" else None
            data.due = from_us(time_us + 720 * _HOUR_US) if event_type == "case.opened" else None
        elif event_type == "feedback.given":
            data.rating = float(random.randint(1, 5))
        if family in {"call", "contact", "message"} and random.random() < 0.2:
            data.reason = "status"

    def _contact(self, subject: str) -> str:
        contact = self._contacts.get(subject)
        if contact is None or self.random.random() < 0.5:
            contact = self._contacts[subject] = self.uuid()
        return contact


def pseudonyms(count: int, seed: int = 7) -> list[str]:
    """Subjects as the log knows them."""
    random = Random(seed)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return ["p1-" + "".join(random.choices(alphabet, k=22)) for _ in range(count)]


def stream(maker: EventMaker, subjects: Sequence[str], count: int, span_us: int) -> Iterator[Event]:
    """`count` events in order over `span_us`, each of a subject drawn at random."""
    for number in range(count):
        yield maker.event(maker.random.choice(subjects), START_US + number * span_us // count)


def shuffled(events: Sequence[Event], share: float, window_us: int, seed: int = 5) -> list[Event]:
    """The events in an order of arrival in which a share of them comes up to `window_us` after its time."""
    random = Random(seed)
    arrivals_us = [
        from_text(event.time) + (random.random() * window_us if random.random() < share else 0) for event in events
    ]
    return [events[number] for number in sorted(range(len(events)), key=arrivals_us.__getitem__)]


def records(events: Sequence[Event]) -> list[bytes]:
    """The events as values of records of the log."""
    starts = range(0, len(events), RECORD_EVENTS)
    return [msgspec.json.encode(events[start : start + RECORD_EVENTS]) for start in starts]


def cloud_event(event: Event, subject: str) -> dict[str, Any]:
    """The event as a channel sends it: the citizen's reference instead of the pseudonym."""
    sent = msgspec.to_builtins(event)
    del sent["recordedtime"]
    sent |= {"specversion": "1.0", "type": f"parcours.{event.type}", "subject": subject}
    return {**sent, "datacontenttype": "application/json"}
