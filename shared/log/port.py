"""The log's port: what the services know of it, whether it is SQLite or Kafka.

A *topic* is a set of partitions; a partition is a sequence of records with growing offsets (not necessarily without
gaps). A record's value is a JSON array of at most `MAX_RECORD_EVENTS` items and `MAX_RECORD_BYTES` bytes, all of one kind.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

MAX_RECORD_EVENTS: Final = 1_000
MAX_RECORD_BYTES: Final = 900_000

JOURNEY_EVENTS: Final = "journey-events"
FRICTIONS: Final = "frictions"
REJECTED_EVENTS: Final = "rejected-events"
ALERTS: Final = "alerts"


class Kind(StrEnum):
    """What the items of a record are."""

    EVENTS = "events"
    """`shared.journey.event.Event`"""
    CONTROL = "control"
    """one of `shared.journey.control`"""
    POINTS = "points"
    """`shared.journey.point.Point`"""
    LATE = "late"
    """`shared.journey.point.LateEvent`"""
    REJECTS = "rejects"
    """`shared.ingest.rejects.Reject`"""
    ALERTS = "alerts"
    """CloudEvents with a `services.alerts.notification.message.Message`"""


class Record(NamedTuple):
    """A record to append: a JSON array of `items` items.

    `traceparent` is the W3C text of the span that wrote it, empty where no traces are kept.
    """

    partition: int
    kind: Kind
    value: bytes
    items: int
    traceparent: str = ""


class StoredRecord(NamedTuple):
    """A record read back."""

    partition: int
    offset: int
    kind: Kind
    value: bytes
    items: int
    appended_ms: int
    traceparent: str = ""


class Position(NamedTuple):
    """Where a consumer stands in one stream: the next offset it wants, and the log it belongs to."""

    log_id: str
    next_offset: int


class LogWriter(Protocol):
    """A writer of a stream: the only one on one machine, one of several on Kafka."""

    def append(self, records: Sequence[Record]) -> list[int]:
        """Make the records durable, those of a partition in the order given, and give their offsets.

        Raises `LogError` for a record over the limits: nothing is kept then. Raises `LogUnavailable` when not all of them
        are known to be durable. The local log then keeps none; Kafka may keep some, and may keep them behind what is
        appended next. Consumers drop repeats by identity, so whoever appends may simply do it again.
        """

    def close(self) -> None:
        """Release the stream; everything appended stays."""


class LogReader(Protocol):
    """Reads one stream of a topic in order, from any number of processes."""

    @property
    def stream(self) -> str:
        """The name of the stream: topic and writer, e.g. `journey-events.ingest`."""

    def read(self, after: dict[int, Position], limit_bytes: int) -> list[StoredRecord]:
        """Records of all partitions from their positions on (a partition not named: from the start), at most about
        `limit_bytes` (at least one record if there is any), in offset order per partition.

        Empty when there is nothing new, or the stream does not exist yet. Raises `LogMismatch` when a position belongs to
        another log or lies beyond the end, and when the records at a position have already been pruned.
        """

    def log_id(self) -> str | None:
        """The identity of the log, made when it was made; `None` while it does not exist."""

    def ends(self) -> dict[int, int]:
        """The next offset to be written, per partition that exists (the local log gives its partitions one sequence)."""

    def close(self) -> None:
        """Release the stream."""
