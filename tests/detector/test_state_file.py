"""The detector's file: what is damaged is said by name."""

from pathlib import Path

import pytest

from services.detector.state_file import Checkpoint, StateFile
from shared.detection.partition_state import Changed, PartitionState
from shared.errors import DetectionError
from shared.log.port import Position

PAGE_BYTES = 4_096


def filled(path: Path) -> None:
    """A file of some hundred pages of journeys."""
    file = StateFile(path, 1)
    changed = [Changed(f"p1-{number}\x1faid", bytes([number % 251]) * 400, 1 + number, "") for number in range(2_000)]
    file.write(Checkpoint({0: (PartitionState(), changed)}, {0: Position("log", 7)}, []), 1)
    file.close()


def test_a_file_is_read_back(tmp_path: Path) -> None:
    """Positions, state, timers and journeys are those of the last checkpoint."""
    filled(tmp_path / "detector.sqlite")
    file = StateFile(tmp_path / "detector.sqlite", 1)
    assert file.positions() == {0: Position("log", 7)}
    assert file.state(0) == PartitionState()
    assert len(file.timers(0)) == 2_000
    assert file.journeys(0).load("p1-3\x1faid") == b"\x03" * 400
    assert file.journeys(0).load("p1-none\x1faid") is None
    file.close()


def test_a_damaged_file_stops_the_detector_by_name(tmp_path: Path) -> None:
    """Pages overwritten with rubbish: one line that names the file and says what helps."""
    path = tmp_path / "detector.sqlite"
    filled(path)
    with path.open("r+b") as damaged:
        size_bytes = damaged.seek(0, 2)
        damaged.seek(12 * PAGE_BYTES)
        damaged.write(b"\xa5" * (size_bytes - 12 * PAGE_BYTES))
    file = StateFile(path, 1)
    with pytest.raises(DetectionError, match=r"detector\.sqlite: the detector's file is damaged .*backup") as stopped:
        [file.journeys(0).load(f"p1-{number}\x1faid") for number in range(2_000)]
    assert "\n" not in str(stopped.value)
    file.close()
