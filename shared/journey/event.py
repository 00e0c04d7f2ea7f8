"""The event as it stands in the log: a CloudEvent 1.0 with a pseudonymous subject.

Source: docs/definitions/frictions.md, section "Event"; CloudEvents 1.0 (`recordedtime` is its documented extension).
"""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, Struct

SHARDS: Final = 1_024
"""A subject's shard never changes; partitions share the shards out."""


def partition_of(shard: int, partitions: int) -> int:
    """Where the journeys of a shard lie. Source: docs/architecture.md, "Identity and routing"."""
    return shard % partitions


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

    `shard` (below `SHARDS`) says which partition the subject's journeys belong to, whatever the number of partitions; 0 without
    a subject. `recordedtime` is when the gateway accepted this copy: it tells two copies of one event apart.
    """

    id: str
    source: str
    type: str
    time: str
    recordedtime: str
    data: EventData
    subject: str | None = None
    specversion: str = "1.0"
    shard: int = 0
