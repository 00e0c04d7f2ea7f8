"""Whether the figures still lack something that has already arrived."""

from collections.abc import Mapping
from typing import Any, Final

from shared.log.port import JOURNEY_EVENTS

DETECTED: Final = "detected"
"""What the store calls the detector's progress among the loaded streams."""
HEARTBEATS: Final = 10
"""Records a partition may be behind without anything missing: each gets one a second that only tells the time."""


def is_behind(lag: Mapping[str, int], streams: Mapping[str, Mapping[str, Any]], partitions: int) -> bool:
    """Whether more waits to be loaded, or to be judged by the detector, than an idle platform's heartbeats explain."""
    allowed = HEARTBEATS * partitions
    return max(lag.values(), default=0) > allowed or _undetected(streams) > allowed


def _undetected(streams: Mapping[str, Mapping[str, Any]]) -> int:
    """Loaded records of events that the detector's loaded progress does not cover."""
    judged = streams.get(DETECTED)
    behind = 0
    for stream, loaded in streams.items():
        if stream.startswith(JOURNEY_EVENTS):
            offsets = judged["next_offsets"] if judged and judged["log_id"] == loaded["log_id"] else {}
            ends = loaded["next_offsets"]
            behind += max((end - offsets.get(partition, 1) for partition, end in ends.items()), default=0)
    return behind
