"""What a fold remembers of one (subject, service): everything later events may still need, and nothing else.

All of it packs to MessagePack with short names; what is absent or empty takes no room.
"""

from typing import Final

from msgspec import Struct, field

from shared.detection.draft import Draft
from shared.detection.occurrence import Occurrence, Reference

CONTACT_SPAN_US: Final = 24 * 3_600 * 1_000_000
"""How long after its first event a contact takes in events with its id. Source: frictions.md, "A contact"."""


class Contact(
    Struct,
    omit_defaults=True,
    gc=False,
    rename={"number": "n", "first_us": "f", "missed": "m", "served": "s", "status_asked": "q", "transfers": "t"},
):
    """One contact that carries an id. `missed` and `served` say which of the two kinds of events it has had."""

    number: int
    first_us: int
    missed: bool = False
    served: bool = False
    status_asked: bool = False
    transfers: list[Reference] = field(default_factory=list)

    @property
    def unserved(self) -> bool:
        """As defined: one of its events is a miss and none a service."""
        return self.missed and not self.served


class Seen(
    Struct, omit_defaults=True, gc=False, rename={"reference": "r", "channel": "h", "contact": "n", "unserved": "u"}
):
    """An earlier event to compare with. `contact` is the number of its contact, 0 for none."""

    reference: Reference
    channel: str | None = None
    contact: int = 0
    unserved: bool = False


class Entry(
    Struct,
    omit_defaults=True,
    gc=False,
    rename={"event": "e", "contact": "n", "matter": "m", "unserved": "u", "repeat_of": "p", "retry_of": "y"},
):
    """A contact event of the last 24 hours, whose verdict a later event of an earlier contact may still turn."""

    event: Occurrence
    contact: int
    unserved: bool = False
    repeat_of: Seen | None = None
    retry_of: Seen | None = None

    @property
    def seen(self) -> Seen:
        """The event as one to compare with."""
        return Seen(self.event.reference, self.event.channel, self.contact, self.unserved)


class Pending(
    Struct,
    omit_defaults=True,
    gc=False,
    rename={"anchor": "a", "deadline_us": "d", "fired": "f", "events": "n", "timer_us": "t"},
):
    """A point that will hold at its deadline unless an event prevents it. `fired`: it is in force provisionally.

    `events` counts the form events of a run; `timer_us` is the instant of its timer, 0 without one.
    """

    anchor: Occurrence
    deadline_us: int
    fired: bool = False
    events: int = 1
    timer_us: int = 0


class Case(
    Struct,
    omit_defaults=True,
    gc=False,
    rename={
        "open": "o",
        "due_us": "d",
        "announced_us": "n",
        "anchor": "a",
        "paused_us": "p",
        "waiting_since_us": "w",
        "fired": "f",
        "timer_us": "i",
        "team": "t",
        "teams": "e",
        "steps": "s",
    },
):
    """One case of the back office and its clock. `due_us` holds its pauses; `announced_us` is the due last set.

    `timer_us` is the instant of its timer, 0 without one.
    """

    open: bool = True
    due_us: int | None = None
    announced_us: int | None = None
    anchor: Occurrence | None = None
    paused_us: int = 0
    waiting_since_us: int | None = None
    fired: bool = False
    timer_us: int = 0
    team: str | None = None
    teams: dict[str, Reference] = field(default_factory=dict)
    steps: dict[str, Reference] = field(default_factory=dict)

    @property
    def ticking(self) -> bool:
        """A due is set, the case is open, and nothing is awaited from the citizen."""
        return self.due_us is not None and self.open and self.waiting_since_us is None


Timer = tuple[int, str]
"""(instant, what it is for): `RUN`, `MESSAGE`, `ORPHAN`, or `CASE` and the case's id."""
RUN: Final = "r"
MESSAGE: Final = "m"
ORPHAN: Final = "o"
CASE: Final = "c"


class State(
    Struct,
    omit_defaults=True,
    gc=False,
    rename={
        "last": "l",
        "cut": "k",
        "events": "n",
        "contact_count": "z",
        "contacts": "C",
        "answerable": "L",
        "missed": "U",
        "latest_contacts": "x",
        "settled": "S",
        "settled_any": "A",
        "citizen": "y",
        "run": "r",
        "messages": "m",
        "errors": "e",
        "documents": "d",
        "cases": "c",
        "open_cases": "o",
        "orphans": "O",
        "timers": "T",
    },
):
    """One (subject, service) after its latest event.

    last: the latest event in order. cut, events: the number of the current journey and of its events.
    contacts: by id, those young enough to take in events. answerable, missed: the contact events of the last 24 hours, of
    contacts that are not unserved, and of those that are. latest_contacts, citizen: the latest contact (citizen) event,
    then the latest of another contact than that one's. settled: by matter, older contact events of contacts that are not
    unserved, the latest of two contacts; settled_any: the same whatever the matter.
    run, messages: form run and unanswered messages. errors: by step, since the last point. documents: by name, the latest
    request. orphans: points of journeys cut off, that only wait for their time. timers: a heap.
    """

    last: Reference | None = None
    cut: int = 0
    events: int = 0
    contact_count: int = 0
    contacts: dict[str, Contact] = field(default_factory=dict)
    answerable: list[Entry] = field(default_factory=list)
    missed: list[Entry] = field(default_factory=list)
    latest_contacts: list[Seen] = field(default_factory=list)
    settled: dict[str, list[Seen]] = field(default_factory=dict)
    settled_any: list[Seen] = field(default_factory=list)
    citizen: list[Seen] = field(default_factory=list)
    run: Pending | None = None
    messages: list[Pending] = field(default_factory=list)
    errors: dict[str, list[Reference]] = field(default_factory=dict)
    documents: dict[str, Reference] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    open_cases: int = 0
    orphans: list[Draft] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
