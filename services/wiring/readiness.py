"""What readiness of analytics asks on one machine besides ClickHouse and the loader: that detection and tables are well."""

from collections.abc import Callable
from typing import Final, Protocol

from services.insights.ports import ReadinessChecks
from services.wiring.folder import DataFolder, read_json
from services.wiring.streams import EVENTS
from shared.errors import LogError
from shared.log.local import LocalLogReader
from shared.log.positions import lag, read_positions

MAX_SILENCE_S: Final = 10.0
"""The detector gives a sign every second; the supervisor waits longer before it ends one that gives none."""
MAX_UNDETECTED_ITEMS: Final = 100_000
MAX_FAILING_S: Final = 10.0
_US: Final = 1_000_000


class Loading(Protocol):
    """The loader of this process."""

    def failing_s(self) -> float:
        """For how long loading has been failing; 0 when it works."""


class Tables(Protocol):
    """The store."""

    @property
    def damage(self) -> str:
        """What was found damaged; else empty."""


def readiness_checks(folder: DataFolder, store: Tables, loading: Loading, now_us: Callable[[], int]) -> ReadinessChecks:
    """By name; each says "ok" or what is wrong."""
    reader = LocalLogReader(folder.stream(EVENTS), EVENTS)

    def detector() -> str:
        at_us = (read_json(folder.heartbeat("detector")) or {}).get("at_us")
        if not isinstance(at_us, int):
            return "The detector has given no sign yet"
        age_s = (now_us() - at_us) / _US
        return "ok" if age_s <= MAX_SILENCE_S else f"The detector's last sign is {age_s:.0f} s old"

    def detection() -> str:
        try:
            items = lag(reader, read_positions(folder.positions).get("detector", {}).get(EVENTS))
        except LogError as error:
            return str(error)
        return "ok" if items <= MAX_UNDETECTED_ITEMS else f"Detection is behind by {items} items of the log"

    def loads() -> str:
        failing_s = loading.failing_s()
        return "ok" if failing_s <= MAX_FAILING_S else f"Loading has failed for {failing_s:.0f} s; the log says why"

    return {"detector": detector, "detection": detection, "loading": loads, "tables": lambda: store.damage or "ok"}
