"""A loader killed at any moment loses nothing and doubles nothing."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from shared.log.port import Kind
from tests.loader.samples import Logs, event, point

KILLS = 5
RECORDS = 160
PER_RECORD = 200


def test_killed_at_random_moments(tmp_path: Path) -> None:
    """After kill -9 at random moments of loading, a last run leaves every row there once, and the bad one rejected once."""
    seed = int(os.environ.get("PARCOURS_TEST_SEED") or random.randrange(10**6))
    print(f"PARCOURS_TEST_SEED={seed}")
    chance = random.Random(seed)
    fill(tmp_path)
    for _ in range(KILLS):
        with run(tmp_path) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "loading\n"
            time.sleep(chance.random() * 0.8)
            assert process.poll() is None, "all was loaded before the kill: give it more to load"
            process.kill()
    with run(tmp_path) as process:
        output, errors = process.communicate(timeout=120)
    total = RECORDS * PER_RECORD
    assert output.splitlines() == ["loading", f"({total - 1}, {total - 1})", "(1600, 0, 1600)", "(1,)"], errors


def fill(folder: Path) -> None:
    """Logs with events, points that are taken back, and one event that ClickHouse refuses."""
    logs = Logs(folder / "log")
    for record in range(RECORDS):
        events = [event(record * PER_RECORD + number) for number in range(PER_RECORD)]
        if record == RECORDS // 2:
            events[7] = msgspec.structs.replace(events[7], time="9999-01-01T00:00:00.000000Z")
        logs.append(Kind.EVENTS, events)
        logs.append(Kind.POINTS, [point(record * 5 + number) for number in range(5)])
        logs.append(Kind.POINTS, [point(record * 5 + number, revision=2, sign=-1) for number in range(5)])
    logs.close()


def run(folder: Path) -> subprocess.Popen[str]:
    """A loader process; small batches give it many moments to be killed at."""
    command = [sys.executable, "-m", "tests.loader.kill_me", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
