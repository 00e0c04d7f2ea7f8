"""The event as the fold sees it: what the rules need of it, and nothing else.

Source: docs/definitions/frictions.md, sections "Event" and "Order".
"""

from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from shared.errors import DetectionError
from shared.journey.event import Event, EventData
from shared.journey.instants import to_us
from shared.journey.vocabulary import EVENT_TYPES

UNKNOWN_TYPE: Final = -1
TYPE_CODES: Final = {name: code for code, name in enumerate(EVENT_TYPES)}


class Reference(Struct, frozen=True, order=True, array_like=True, gc=False):
    """Names an event and its place in the order: (instant, source, id)."""

    time_us: int
    source: str
    id: str


_SHORT_NAMES: Final = {
    "time_us": "t",
    "source": "s",
    "id": "i",
    "type": "y",
    "version": "v",
    "contact": "o",
    "matter": "m",
    "channel": "h",
    "step": "p",
    "case": "c",
    "office": "f",
    "team": "e",
    "territory": "r",
    "wait_s": "w",
    "due_us": "d",
    "document": "u",
    "rating": "a",
    "invited": "n",
    "asks_status": "q",
    "has_outcome": "x",
}


class Occurrence(Struct, omit_defaults=True, rename=_SHORT_NAMES, gc=False):
    """One event of a journey. `type` is a code of `TYPE_CODES`; `version` the rules' version of its first fold.

    The short names are those of the packed form.
    """

    time_us: int
    source: str
    id: str
    type: int = UNKNOWN_TYPE
    version: int = 1
    contact: str | None = None
    matter: str | None = None
    channel: str | None = None
    step: str | None = None
    case: str | None = None
    office: str | None = None
    team: str | None = None
    territory: str | None = None
    wait_s: float | None = None
    due_us: int | None = None
    document: str | None = None
    rating: float | None = None
    invited: bool = False
    asks_status: bool = False
    has_outcome: bool = False

    @property
    def reference(self) -> Reference:
        """The event's place in the order; also its identity."""
        return Reference(self.time_us, self.source, self.id)


class _ArrivalData(Struct, gc=False):
    service: str
    matter: str | None = None
    channel: str | None = None
    step: str | None = None
    contact: str | None = None
    case: str | None = None
    office: str | None = None
    team: str | None = None
    territory: str | None = None
    wait_s: float | None = None
    due: datetime | None = None
    reason: str | None = None
    invited: bool | None = None
    document: str | None = None
    outcome: str | None = None
    rating: float | None = None


class Arrival(Struct, gc=False):
    """A stored event as it arrives at the detector; `subject` is `None` where it belongs to no journey."""

    id: str
    source: str
    type: str
    time: datetime
    recordedtime: str
    data: _ArrivalData
    subject: str | None = None


_arrivals = msgspec.json.Decoder(list[Arrival])


def decode_arrivals(value: bytes) -> list[Arrival]:
    """The events of a record of `journey-events`. Raises `DetectionError` for what ingest never writes."""
    try:
        return _arrivals.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DetectionError(f"a record of journey-events cannot be read: {error}") from error


def occurrence_of(event: Arrival | Event, time_us: int, version: int) -> Occurrence:
    """The occurrence of a stored event whose instant is `time_us`, to be judged by the rules of `version`."""
    data: _ArrivalData | EventData = event.data
    due = data.due
    return Occurrence(
        time_us,
        event.source,
        event.id,
        TYPE_CODES.get(event.type, UNKNOWN_TYPE),
        version,
        data.contact,
        data.matter,
        data.channel,
        data.step,
        data.case,
        data.office,
        data.team,
        data.territory,
        data.wait_s,
        None if due is None else to_us(due),
        data.document,
        data.rating,
        data.invited is True,
        data.reason == "status",
        data.outcome is not None,
    )
