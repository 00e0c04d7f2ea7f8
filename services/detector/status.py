"""What a detector says of itself, whoever hosts it."""

from collections.abc import Iterable

import msgspec

from shared.detection.partition import Partition
from shared.detection.partition_state import Counts
from shared.log.port import Position


class DetectorStatus(msgspec.Struct):
    """Totals since it started, and where it stands."""

    counts: Counts
    checkpoints: int
    checkpoint_ms: float
    checkpoint_at_ms: int
    version: int
    log_id: str
    next_offsets: dict[int, int]
    late_events: int
    live_us: int = 0
    """The latest tick folded in the partition that is furthest behind; 0 before the first."""
    hot_journeys: int = 0
    young_journeys: int = 0


def status_of(
    partitions: Iterable[tuple[Partition, Position]], checkpoints: int, checkpoint_ms: float, checkpoint_at_ms: int
) -> DetectorStatus:
    """The sum over the partitions of a detector."""
    held = list(partitions)
    return DetectorStatus(
        add_counts(partition.counts for partition, _ in held),
        checkpoints,
        checkpoint_ms,
        checkpoint_at_ms,
        max((partition.version for partition, _ in held), default=0),
        next((position.log_id for _, position in held), ""),
        {partition.number: position.next_offset for partition, position in held},
        sum(partition.state.late_events for partition, _ in held),
        min((partition.live_us for partition, _ in held if partition.live_us), default=0),
        sum(partition.journeys_in_memory[0] for partition, _ in held),
        sum(partition.journeys_in_memory[1] for partition, _ in held),
    )


def add_counts(each: Iterable[Counts]) -> Counts:
    """The counts of several partitions together."""
    total = Counts()
    for counts in each:
        for name in Counts.__struct_fields__:
            setattr(total, name, getattr(total, name) + getattr(counts, name))
    return total
