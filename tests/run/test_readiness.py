"""Whether analytics is ready on one machine: detection and tables count as much as the loader."""

import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from services.wiring.folder import DataFolder, write_json
from services.wiring.readiness import readiness_checks
from services.wiring.streams import EVENTS
from shared.clock import now_us
from shared.journey.codec import encode
from shared.journey.control import ClockTicked
from shared.journey.instants import to_text
from shared.log.local import LocalLogWriter
from shared.log.port import Kind, Record
from shared.log.positions import write_position
from tests.run.platform import running, wait_until


class Well:
    """A loader that works and a store in which nothing was found damaged, until a test says otherwise."""

    seconds = 0.0
    damage = ""

    def failing_s(self) -> float:
        return self.seconds


def answers(folder: DataFolder, well: Well | None = None) -> dict[str, str]:
    """What each check says."""
    well = well or Well()
    return {name: check() for name, check in readiness_checks(folder, well, well, now_us).items()}


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A data folder."""
    made = DataFolder(tmp_path / "data")
    made.create()
    return made


def test_a_detector_without_a_recent_sign_is_not_ready(folder: DataFolder) -> None:
    """None yet, an old one, and a fresh one."""
    assert answers(folder)["detector"] == "The detector has given no sign yet"
    write_json(folder.heartbeat("detector"), {"pid": 1, "at_us": now_us() - 40_000_000})
    assert answers(folder)["detector"] == "The detector's last sign is 40 s old"
    write_json(folder.heartbeat("detector"), {"pid": 1, "at_us": now_us()})
    assert set(answers(folder).values()) == {"ok"}


def test_detection_that_is_far_behind_is_not_ready(folder: DataFolder) -> None:
    """Beyond 100,000 items of the log, counted from what the detector has durably passed."""
    log = LocalLogWriter(folder.stream(EVENTS), EVENTS)
    tick = encode([ClockTicked(to_text(0))])
    try:
        log.append([Record(0, Kind.CONTROL, tick, 1)] + [Record(0, Kind.CONTROL, tick, 1_000)] * 101)
        assert answers(folder)["detection"] == "Detection is behind by 101001 items of the log"
        write_position(folder.positions, "detector", EVENTS, log.log_id(), {0: 3})
        assert answers(folder)["detection"] == "ok"
        write_position(folder.positions, "detector", EVENTS, "another", {0: 3})
        assert "expected log another" in answers(folder)["detection"]
    finally:
        log.close()


def test_loading_that_fails_for_long_and_damage_are_not_ready(folder: DataFolder) -> None:
    """A retry or two is no reason; damage stays one while the process lives."""
    well = Well()
    well.seconds = 9.0
    assert answers(folder, well)["loading"] == "ok"
    well.seconds, well.damage = 11.0, "table events is damaged"
    assert answers(folder, well)["loading"].startswith("Loading has failed for 11 s")
    assert answers(folder, well)["tables"] == "table events is damaged"


def test_a_detector_that_hangs_is_seen_and_replaced(tmp_path: Path) -> None:
    """A stopped process makes readiness fail within seconds, is killed after 30 s and another goes on; one line says so."""
    with running(tmp_path / "data") as platform:

        def ready() -> bool:
            return httpx.get(f"{platform.people}/readyz").status_code == 200

        wait_until(ready)
        hung = platform.children()["detector"]
        os.kill(hung, signal.SIGSTOP)
        stopped_s = time.monotonic()
        wait_until(lambda: not ready(), 15)
        wait_until(lambda: platform.children().get("detector", hung) != hung, 40)
        assert time.monotonic() - stopped_s > 25
        wait_until(ready)
        (line,) = platform.stderr
        assert line.startswith(
            "parcours: detector: it lives but gave no sign for too long, and was killed; starting it "
        )
        assert platform.interrupt() < 5
