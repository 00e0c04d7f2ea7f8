"""Control events: how time, rule settings, imports and redetections enter the log.

Only ingest writes them, to every partition (`journey.replayed` to the partition of its `shard`). They are never loaded or counted.
Source: docs/architecture.md, "The log".
"""

from typing import Any

from msgspec import Struct

from shared.journey.event import Event
from shared.journey.point import Point


class Control(Struct, tag_field="type", gc=False):
    """The base of all control events."""


class ClockTicked(Control, tag="clock.ticked"):
    """Written every second: the time of live journeys."""

    time: str


class RulesPublished(Control, tag="rules.published"):
    """Rule settings in force from here on; `rules` is the resolved document of `shared.detection.settings`."""

    version: int
    rules: dict[str, Any]


class ImportStarted(Control, tag="import.started"):
    """From here on the clock of `source` is its own latest time."""

    source: str


class ImportFinished(Control, tag="import.finished"):
    """From here on the clock of `source` is the last tick again."""

    source: str


class RedetectionStarted(Control, tag="redetection.started"):
    """From here on, journeys keep their whole tail, until the redetection finishes."""

    run: str


class JourneyReplayed(Control, tag="journey.replayed"):
    """The past of one (subject, service), as loaded when the redetection `run` started: part `part` of `parts`, from 1.

    `events` are the stored events, `points` those in force. The last part makes the detector refold and replace.
    """

    run: str
    subject: str
    service: str
    part: int
    parts: int
    events: list[Event]
    points: list[Point]
    shard: int = 0


class RedetectionFinished(Control, tag="redetection.finished"):
    """Tails are trimmed again."""

    run: str


class DetectionProgressed(Control, tag="detection.progressed"):
    """Written by the detector to `frictions` with each checkpoint: everything `journey-events` holds before `offset` of
    `partition` has been folded, and its output stands before this record.
    """

    partition: int
    log_id: str
    offset: int
    late_events: int


AnyControl = (
    ClockTicked
    | RulesPublished
    | ImportStarted
    | ImportFinished
    | RedetectionStarted
    | JourneyReplayed
    | RedetectionFinished
    | DetectionProgressed
)
