"""How alerts live: the waits and bounds of their lifecycle, with the reason of each default."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

US_PER_S: Final = 1_000_000
_DELAYS_S: Final[Mapping[str, int]] = {"form_abandoned": 86_400}


class Policy(Struct, frozen=True, kw_only=True):
    """The waits of the lifecycle, in seconds."""

    resolve_after_s: int = 600
    """Nothing found for so long: it has ended. Ten rounds of a minute, so that a count that wavers round its level does not
    end and begin again."""
    reopen_s: int = 7_200
    """What comes back within this time after its end is the same alert. Two hours: the reach of one disturbance in a day."""
    by_hand_s: int = 86_400
    """For so long an alert that was resolved by hand is not opened again by what merely lasts: the slow window's length,
    in which a repaired fault is still counted."""
    repeat_s: int = 14_400
    """While it fires, people are told again so often. Four hours, as Alertmanager does."""
    join_s: int = 1_800
    """What begins side by side within this time is taken for one cause; what follows from a cause joins at any time."""
    gap_s: int = 300
    """The most that one round adds to the time without finding: a clock that jumps ahead, or hours without rounds, are no
    evidence that something ended."""
    acknowledge_s: int = 14_400
    """An acknowledgement lasts so long unless said otherwise: half a working day."""
    acknowledge_max_s: int = 604_800
    """The longest: whoever needs more than a week sets a silence with a reason."""
    explained_share: float = 0.8
    """A place whose parts account for this share of its excess is not named itself."""
    delays_s: Mapping[str, int] = field(default_factory=lambda: _DELAYS_S)
    """By how much a rule's points come after what caused them; for the others they come at once (the definitions' defaults)."""
    retention_days: int = 730
    """Resolved alerts and their history are kept so long: two years, so that a year can be compared with the last."""
