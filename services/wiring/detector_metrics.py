"""What a detector counts, as metrics: on a cluster of this process, on one machine of the one whose heartbeat is read."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from services.detector.status import DetectorStatus
from services.wiring.folder import DataFolder, read_json
from services.wiring.signals import expose_detector_lag
from services.wiring.streams import EVENTS
from shared.errors import LogError
from shared.log.local import LocalLogReader
from shared.log.positions import lag, read_positions
from shared.telemetry import observe, observe_count

_US: Final = 1_000_000
_US_PER_MS: Final = 1_000

Read = Callable[[DetectorStatus], float]


def expose_status(
    latest: Callable[[], DetectorStatus | None], now_us: Callable[[], int], checkpoint_now_us: Callable[[], int]
) -> None:
    """Register the metrics of a detector; `latest` is what it last said of itself, `None` before.

    `checkpoint_now_us` is the clock by which it tells the time of its checkpoints.
    """

    def one(read: Read) -> Callable[[], Mapping[str, float]]:
        def values() -> Mapping[str, float]:
            status = latest()
            return {} if status is None else {"": read(status)}

        return values

    def journeys() -> Mapping[str, float]:
        status = latest()
        return {} if status is None else {"hot": status.hot_journeys, "young": status.young_journeys}

    def behind_s(status: DetectorStatus) -> float:
        return max(now_us() - status.live_us, 0) / _US if status.live_us else 0.0

    def age_s(status: DetectorStatus) -> float:
        return max(checkpoint_now_us() - status.checkpoint_at_ms * _US_PER_MS, 0) / _US

    _count_status(one)
    took = one(lambda s: s.checkpoint_ms / 1_000)
    observe("parcours.detector.checkpoint", "Duration of the last checkpoint", "s", took, "")
    observe("parcours.detector.checkpoint.age", "Time since the last checkpoint", "s", one(age_s), "")
    observe("parcours.detector.lag", "Age of the latest tick folded", "s", one(behind_s), "")
    held = one(lambda s: len(s.next_offsets))
    observe("parcours.detector.partitions", "Partitions that the detector holds", "{partition}", held, "")
    observe("parcours.detector.journeys", "Journeys in memory", "{journey}", journeys, "state")


def _count_status(one: Callable[[Read], Callable[[], Mapping[str, float]]]) -> None:
    events = one(lambda s: s.counts.events)
    observe_count("parcours.detector.events", "Events folded, repeats included", "{event}", events, "")
    duplicates = one(lambda s: s.counts.duplicates)
    observe_count("parcours.detector.duplicates", "Events dropped as repeats", "{event}", duplicates, "")
    late = one(lambda s: s.counts.late)
    observe_count("parcours.detector.late.events", "Events that came too late for detection", "{event}", late, "")
    refolds = one(lambda s: s.counts.refolds)
    observe_count("parcours.detector.refolds", "Journeys folded again", "{journey}", refolds, "")
    without = one(lambda s: s.counts.without_journey)
    observe_count("parcours.detector.without.journey", "Events of no journey", "{event}", without, "")
    points = one(lambda s: s.counts.points)
    observe_count("parcours.detector.points", "Friction points emitted", "{point}", points, "")
    retractions = one(lambda s: s.counts.retractions)
    observe_count("parcours.detector.retractions", "Friction points taken back", "{point}", retractions, "")
    checkpoints = one(lambda s: s.checkpoints)
    observe_count("parcours.detector.checkpoints", "Checkpoints written", "{checkpoint}", checkpoints, "")


def expose_detector(folder: DataFolder, now_us: Callable[[], int]) -> None:
    """On one machine the detector has no port: another process tells its metrics, the age of its sign, and its lag."""
    reader = LocalLogReader(folder.stream(EVENTS), EVENTS)
    heartbeat = folder.heartbeat("detector")

    def status() -> DetectorStatus | None:
        try:
            return msgspec.convert((read_json(heartbeat) or {}).get("status"), DetectorStatus, strict=False)
        except msgspec.ValidationError:
            return None

    def age_s() -> Mapping[str, float]:
        at_us = (read_json(heartbeat) or {}).get("at_us")
        return {"detector": (now_us() - at_us) / _US} if isinstance(at_us, int) else {}

    def behind() -> Mapping[str, float]:
        try:
            position = read_positions(folder.positions).get("detector", {}).get(EVENTS)
            return {"": float(lag(reader, position))}
        except LogError:
            return {}

    expose_status(status, now_us, now_us)
    observe("parcours.detector.heartbeat.age", "Age of the detector's last sign", "s", age_s, "service")
    expose_detector_lag(behind)
