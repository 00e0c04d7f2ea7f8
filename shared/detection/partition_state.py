"""What a partition remembers besides its journeys, what a checkpoint writes of one, and what it counts."""

from typing import Any

from msgspec import Struct, field

from shared.detection.redetection import Replay


class PartitionState(Struct):
    """What a partition remembers besides its journeys."""

    now_us: dict[str, int] = field(default_factory=dict)
    version: int = 0
    documents: dict[int, dict[str, Any]] = field(default_factory=dict)
    redetection: str = ""
    replays: dict[str, Replay] = field(default_factory=dict)
    late_events: int = 0
    waiting: dict[str, int] = field(default_factory=dict)
    """Long journeys that hold events waiting, and for how many ticks still."""


class Changed(Struct):
    """A journey changed since the last checkpoint: its record, and the timer to set again after a restart."""

    key: str
    record: bytes
    timer_us: int
    clock: str


class Counts(Struct):
    """What happened since the start of the process."""

    events: int = 0
    duplicates: int = 0
    late: int = 0
    refolds: int = 0
    without_journey: int = 0
    points: int = 0
    retractions: int = 0
