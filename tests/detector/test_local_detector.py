"""The detector on one machine: whatever of a checkpoint a crash leaves behind, every row stands in `frictions` once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from services.detector.local import LocalDetector
from services.detector.records import Unsaved
from services.detector.state_file import STREAM, StateFile
from shared.detection.partition import Partition
from shared.log.local import LocalLogReader, LocalLogWriter
from shared.log.port import Record, StoredRecord
from tests.detector_faust.site import Feed

EVENTS = "journey-events.ingest"
PARTITIONS = 2


class Clock:
    """Milliseconds that pass when they are asked for."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000

    def __call__(self) -> int:
        self.now_ms += 1
        return self.now_ms


@contextmanager
def detector_on(folder: Path) -> Iterator[LocalDetector]:
    """A detector as after a start; nothing is written when it is let go."""
    reader = LocalLogReader(folder / "events.sqlite", EVENTS)
    file = StateFile(folder / "detector.sqlite", PARTITIONS)
    yield LocalDetector(
        reader, file, Clock(), checkpoint_ms=10**9, checkpoint_quiet_ms=10**9, hot_journeys=3, young_journeys=2
    )
    file.close()
    reader.close()


def frictions(folder: Path) -> list[StoredRecord]:
    """All that stands in the log of the detector."""
    reader = LocalLogReader(folder / "detector.sqlite", STREAM)
    try:
        return reader.read({}, 1 << 40)
    finally:
        reader.close()


def test_journeys_are_written_less_often_than_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Crashes between the two: records are folded again, what they gave is not said again, and nothing is missing."""
    monkeypatch.setattr(Unsaved, "are_journeys_due", _first_only)
    again = 0
    for seed in range(40, 46):
        folder, random = tmp_path / str(seed), Random(seed)
        folder.mkdir()
        feed = Feed(PARTITIONS, events=150, seed=seed)
        log = LocalLogWriter(folder / "events.sqlite", EVENTS, PARTITIONS)
        steps = feed.steps()
        while steps:
            with detector_on(folder) as detector:
                again += len(detector._reader.read(detector._positions, 1 << 40))
                for step in _taken(steps, random.randint(1, 30)):
                    log.append(step)
                    detector.step()
                    if random.random() < 0.3:
                        detector.checkpoint(whole=random.random() < 0.2)
        with detector_on(folder) as detector:
            detector.step()
            detector.checkpoint(whole=True)
        log.close()
        rows = frictions(folder)
        assert feed.assert_detected(rows) > 3
    assert again > 100, "records were folded again"


def _taken(steps: list[list[Record]], count: int) -> list[list[Record]]:
    taken, steps[:] = steps[:count], steps[count:]
    return taken


def _first_only(unsaved: Unsaved, _partition: Partition, _now_s: float) -> bool:
    return unsaved.saved_at_s is None
