"""The detector has no port: it writes what it counts to its heartbeat, and analytics exposes that."""

from collections.abc import Callable, Mapping
from typing import Final

from services.wiring.folder import DataFolder, read_json
from services.wiring.streams import EVENTS
from shared.errors import LogError
from shared.log.local import LocalLogReader
from shared.log.positions import lag, read_positions
from shared.telemetry import observe

_US: Final = 1_000_000


def expose_detector(folder: DataFolder, now_us: Callable[[], int]) -> None:
    """Register the gauges: counters of the heartbeat by name, its age, and the items not folded yet."""
    reader = LocalLogReader(folder.stream(EVENTS), EVENTS)
    heartbeat = folder.heartbeat("detector")

    def counters() -> Mapping[str, float]:
        counted = (read_json(heartbeat) or {}).get("counters")
        return {name: float(value) for name, value in counted.items()} if isinstance(counted, dict) else {}

    def age_s() -> Mapping[str, float]:
        at_us = (read_json(heartbeat) or {}).get("at_us")
        return {"detector": (now_us() - at_us) / _US} if isinstance(at_us, int) else {}

    def behind() -> Mapping[str, float]:
        try:
            position = read_positions(folder.positions).get("detector", {}).get(EVENTS)
            return {"detector": float(lag(reader, position))}
        except LogError:
            return {}

    observe("parcours.detector.counters", "What the detector has counted since it started", "1", counters, "counter")
    observe("parcours.detector.heartbeat.age", "Age of the detector's last sign", "s", age_s, "service")
    observe("parcours.detector.lag", "Items of the log that are not detected yet", "1", behind, "service")
