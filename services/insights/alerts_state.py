"""How alerts stand as a whole: whether somebody looks, whether the data are late, and a number that changes with what is shown."""

from typing import Final, Literal

from msgspec import Struct

from services.insights.ports import AlertDesk
from shared.alerts.sheet import Backlog, Looking
from shared.journey.instants import SECOND_US

MISSED_ROUNDS: Final = 3
"""So many rounds without a word, and the engine is not looking: one may be slow, three are not."""
LATE_S: Final = 300
"""Data that end so long before the latest round are late: alerts may miss what happens now. Five minutes, a third of the fast
window in which a rise is looked for."""
UNDELIVERED_S: Final = 120
"""A message that was tried and waits for longer does not arrive: a receiver that starts again is back within two minutes."""

Watch = Literal["looking", "late", "stopped", "never"]


class AlertsState(Struct, frozen=True, kw_only=True):
    """changes: as of `AlertDesk.changes`. watch: `late`, the data are; `stopped`, the engine does not look any more.
    trouble: what the engine says of that. undelivered: the receivers where messages do not arrive.
    """

    changes: int
    watch: Watch
    trouble: str = ""
    looked_us: int | None
    through_us: int | None
    undelivered: tuple[Backlog, ...] = ()


def read_state(desk: AlertDesk, now_us: int) -> AlertsState:
    """The present state. Raises `RegistryError`."""
    looking = desk.looking()
    return AlertsState(
        changes=desk.changes(),
        watch=_watch(looking, now_us),
        trouble=looking.trouble,
        looked_us=looking.looked_us,
        through_us=looking.through_us,
        undelivered=tuple(each for each in desk.backlogs() if _is_undelivered(each, now_us)),
    )


def _is_undelivered(backlog: Backlog, now_us: int) -> bool:
    return bool(backlog.last_error) and now_us - backlog.since_us > UNDELIVERED_S * SECOND_US


def _watch(looking: Looking, now_us: int) -> Watch:
    if looking.trouble:
        return "stopped"
    if looking.looked_us is None:
        return "never"
    if now_us - looking.looked_us > MISSED_ROUNDS * looking.every_s * SECOND_US:
        return "stopped"
    if looking.through_us is not None and looking.looked_us - looking.through_us > LATE_S * SECOND_US:
        return "late"
    return "looking"
