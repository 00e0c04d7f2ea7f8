"""The number of a node of a journey, as column `nodes` of `journeys` holds it (migration 0011).

36 bits of the hash of the label (the step, or the type where there is none), 27 bits of that of the channel, and as the lowest
bit whether the label is a step.
"""

from typing import Final

LABEL_SHIFT: Final = 28
LABEL_BITS: Final = (1 << 64) - (1 << LABEL_SHIFT)
CHANNEL_BITS: Final = (1 << LABEL_SHIFT) - 2
STEP_BIT: Final = 1
NODE_BITS: Final = LABEL_BITS | CHANNEL_BITS
ALL_BITS: Final = NODE_BITS | STEP_BIT


def node_number(label: str, channel: str) -> str:
    """SQL: the number of a node from SQL for its label and its channel, without the lowest bit."""
    return f"bitOr(bitAnd(cityHash64({label}), {LABEL_BITS}), bitAnd(cityHash64({channel}), {CHANNEL_BITS}))"
