"""Events folded a second on one core, with all eighteen rules: decoding, folding, packing, and the whole detector."""

import gc
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from services.detector.local import LocalDetector
from services.detector.records import MAX_UNSAID_EVENTS
from services.detector.state_file import StateFile
from shared.clock import now_ms
from shared.detection.occurrence import Arrival, decode_arrivals
from shared.detection.partition import Partition
from shared.journey.codec import encode
from shared.journey.control import ClockTicked, RulesPublished
from shared.journey.event import Event
from shared.journey.instants import DAY_US, from_text, to_text
from shared.log.port import Kind, Position, StoredRecord
from shared.settings import Settings
from tests.benchmarks.report import Figure, figure
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.workload import (
    ALL_RULES,
    RANDOM_TYPES,
    REALISTIC,
    EventMaker,
    pseudonyms,
    records,
    shuffled,
    stream,
)

SPAN_US: Final = 10 * DAY_US
CHECKPOINT_RECORDS: Final = MAX_UNSAID_EVENTS // 500
"""Under load the detector writes a checkpoint after so many records of 500."""


class MemoryRecords:
    """The records of checkpoints, in memory: what the fold costs without a disk."""

    def __init__(self) -> None:
        self.by_key: dict[str, bytes] = {}

    def load(self, key: str) -> bytes | None:
        return self.by_key.get(key)


class Timing:
    """Processor seconds of one run, by part."""

    def __init__(self) -> None:
        self.decode_s = self.fold_s = self.pack_s = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add what the block takes to a part."""
        start_s = time.process_time()
        yield
        setattr(self, name, getattr(self, name) + time.process_time() - start_s)

    @property
    def total_s(self) -> float:
        """All parts."""
        return self.decode_s + self.fold_s + self.pack_s


@contextmanager
def collector_as_in_detector() -> Iterator[None]:
    """The garbage collector as the detector sets it: off."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def measure(sizes: Sizes, folder: Path) -> list[Figure]:
    """All streams, in order first."""
    subjects = pseudonyms(sizes.fold_subjects)
    found: list[Figure] = []
    for name, mix in (("realistic mix", REALISTIC), ("random types", RANDOM_TYPES)):
        events = list(stream(EventMaker(3, mix), subjects, sizes.fold_events, SPAN_US))
        found += _in_order(name, records(events), sizes)
        found += _whole_detector(name, records(events), sizes, folder)
        if mix is REALISTIC:
            found += _out_of_order(events, sizes)
    return found + _growing(sizes)


def _in_order(name: str, values: Sequence[bytes], sizes: Sizes) -> list[Figure]:
    runs = [fold_once(values) for _ in range(sizes.repetitions)]
    count = sizes.fold_events

    def microseconds(of: Callable[[Timing], float]) -> list[float]:
        return [of(run) / count * 1e6 for run in runs]

    def rate(of: Callable[[Timing], float]) -> list[float]:
        return [count / of(run) for run in runs]

    return [
        figure(f"{name}: folded, decoded before", rate(lambda run: run.fold_s), "events/s", aim="100,000"),
        figure(f"{name}: decoded and folded", rate(lambda run: run.decode_s + run.fold_s), "events/s"),
        figure(f"{name}: decoded, folded, packed for checkpoints", rate(lambda run: run.total_s), "events/s"),
        figure(f"{name}: decoding", microseconds(lambda run: run.decode_s), "µs/event"),
        figure(f"{name}: folding", microseconds(lambda run: run.fold_s), "µs/event"),
        figure(f"{name}: packing", microseconds(lambda run: run.pack_s), "µs/event"),
    ]


def fold_once(values: Sequence[bytes]) -> Timing:
    """Fold the records in a fresh partition, a tick after each and a checkpoint when the detector would write one."""
    timing, kept = Timing(), MemoryRecords()
    defaults = Settings()
    partition = Partition(0, kept, hot_journeys=defaults.hot_journeys, young_journeys=defaults.young_journeys)
    partition.control(0, RulesPublished(1, ALL_RULES))
    with collector_as_in_detector():
        for offset, value in enumerate(values, 1):
            with timing.part("decode_s"):
                arrivals = decode_arrivals(value)
            with timing.part("fold_s"):
                partition.fold_events(offset, arrivals)
                partition.control(offset, tick_after(arrivals))
            if offset % CHECKPOINT_RECORDS == 0 or offset == len(values):
                with timing.part("pack_s"):
                    _, changed = partition.changes()
                kept.by_key.update((each.key, each.record) for each in changed)
                with timing.part("pack_s"):
                    partition.saved()
    return timing


def tick_after(arrivals: Sequence[Arrival]) -> ClockTicked:
    """The tick that follows a record: the time of its last event."""
    return ClockTicked(arrivals[-1].time.isoformat())


def _out_of_order(events: Sequence[Event], sizes: Sizes) -> list[Figure]:
    """A share of the events comes up to 24 hours after its time."""
    found = []
    for share in (0.01, 0.1, 1.0):
        values = records(shuffled(events, share, DAY_US))
        runs = [fold_once(values).fold_s / len(events) * 1e6 for _ in range(sizes.repetitions)]
        found.append(figure(f"realistic mix, {share:.0%} up to 24 h late: folding", runs, "µs/event"))
    return found


def _growing(sizes: Sizes) -> list[Figure]:
    """One subject with all events, and the same events on as many subjects as have twenty each."""
    found = []
    for name, subjects in (
        ("one journey that keeps growing", 1),
        ("journeys of 20 events", sizes.growing_events // 20),
    ):
        events = list(stream(EventMaker(4), pseudonyms(subjects), sizes.growing_events, DAY_US))
        runs = [fold_once(records(events)).fold_s / len(events) * 1e6 for _ in range(sizes.repetitions)]
        found.append(figure(f"{name}, {sizes.growing_events:,} events in a day: folding", runs, "µs/event"))
    return found


class PreparedLog:
    """A log in memory: the detector's own reading of SQLite is not measured here."""

    stream = "journey-events.ingest"

    def __init__(self, values: Sequence[bytes]) -> None:
        self._records = [StoredRecord(0, 1, Kind.CONTROL, encode([RulesPublished(1, ALL_RULES)]), 1, 0)]
        for value in values:
            events = decode_arrivals(value)
            self._append(Kind.EVENTS, value, len(events))
            self._append(Kind.CONTROL, encode([ClockTicked(to_text(from_text(tick_after(events).time)))]), 1)

    def _append(self, kind: Kind, value: bytes, items: int) -> None:
        self._records.append(StoredRecord(0, len(self._records) + 1, kind, value, items, 0))

    def read(self, after: Mapping[int, Position], limit_bytes: int) -> list[StoredRecord]:
        start = after[0].next_offset - 1 if 0 in after else 0
        return self._records[start : start + max(limit_bytes // 250_000, 1)]

    def log_id(self) -> str:
        return "prepared"

    def ends(self) -> dict[int, int]:
        return {0: len(self._records) + 1}

    def close(self) -> None:
        """Nothing is held."""


def _whole_detector(name: str, values: Sequence[bytes], sizes: Sizes, folder: Path) -> list[Figure]:
    """`LocalDetector` with its state file: every checkpoint durable."""
    rates, used_us = [], []
    settings = Settings()
    for _ in range(sizes.repetitions):
        with tempfile.TemporaryDirectory(dir=folder) as place, collector_as_in_detector():
            log, state_file = PreparedLog(values), StateFile(Path(place, "detector.sqlite"), 1)
            detector = LocalDetector(
                log,
                state_file,
                now_ms,
                checkpoint_ms=settings.checkpoint_ms,
                checkpoint_quiet_ms=settings.checkpoint_quiet_ms,
                hot_journeys=settings.hot_journeys,
                young_journeys=settings.young_journeys,
            )
            start_s, used_s = time.monotonic(), time.process_time()
            while detector.step():
                pass
            detector.checkpoint(whole=True)
            rates.append(sizes.fold_events / (time.monotonic() - start_s))
            used_us.append((time.process_time() - used_s) / sizes.fold_events * 1e6)
            state_file.close()
    return [
        figure(f"{name}: whole detector, checkpoints durable", rates, "events/s"),
        figure(f"{name}: whole detector, processor time", used_us, "µs/event"),
    ]
