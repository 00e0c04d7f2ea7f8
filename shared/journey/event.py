"""The event as it stands in the log: a CloudEvent 1.0 with a pseudonymous subject.

Source: docs/definitions/frictions.md, section "Event"; CloudEvents 1.0 (`recordedtime` is its documented extension).
"""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

ShortText = Annotated[str, Meta(max_length=256)]
LongText = Annotated[str, Meta(max_length=16_384)]
Seconds = Annotated[float, Meta(ge=0, le=31_622_400)]
Rating = Annotated[float, Meta(ge=1, le=5)]


class EventData(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The `data` of an event. `None` is absent; durations are seconds; `due` has an offset."""

    service: ShortText
    matter: ShortText | None = None
    channel: ShortText | None = None
    step: ShortText | None = None
    contact: ShortText | None = None
    case: ShortText | None = None
    session: ShortText | None = None
    office: ShortText | None = None
    team: ShortText | None = None
    territory: ShortText | None = None
    wait_s: Seconds | None = None
    duration_s: Seconds | None = None
    due: datetime | None = None
    reason: ShortText | None = None
    invited: bool | None = None
    document: ShortText | None = None
    outcome: ShortText | None = None
    rating: Rating | None = None
    comment: LongText | None = None
    lang: ShortText | None = None
    attributes: dict[str, str] | None = None


class Event(Struct, omit_defaults=True, gc=False):
    """One stored event. `time` and `recordedtime` are texts of `instants.to_text`; `subject` is a pseudonym or absent.

    `recordedtime` is when the gateway accepted this copy: it tells two copies of one event apart.
    """

    id: str
    source: str
    type: str
    time: str
    recordedtime: str
    data: EventData
    subject: str | None = None
    specversion: str = "1.0"
