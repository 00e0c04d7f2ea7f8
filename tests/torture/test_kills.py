"""Kill -9 at random moments, in small: every continuous integration does it, `make torture` does it for longer."""

import os
import random
import shutil
from pathlib import Path

import pytest

from shared.clock import now_us
from tests.conftest import IN_CI
from tests.torture.ordeal import Ordeal, endure
from tests.torture.workload import digest, random_workload, sample_part, together

pytestmark = pytest.mark.torture

KILLS = 12
MEAN_S = 2.0
KANSAS_CITY_PERCENT = 6
RANDOM_EVENTS = 6_000
PERMITS_DIGEST = "292570bcc2058f85"

SETTINGS = [
    pytest.param({}, id="as shipped"),
    pytest.param(
        {
            "partitions": "3",
            "hot_journeys": "20",
            "young_journeys": "100",
            "checkpoint_ms": "300",
            "log_retention_days": "0",
        },
        id="tiny memory",
    ),
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_killed_at_random_moments(tmp_path: Path, settings: dict[str, str]) -> None:
    """What was acknowledged is stored once, and the points are the defined ones, whatever was killed in between.

    Events come repeated, shuffled within their lateness, from concurrent clients that try again; ingest, detector,
    analytics and the whole platform are killed with -9. A failure names its seed and leaves its folder.
    """
    seed = int(os.environ.get("TORTURE_SEED") or (1 if IN_CI else random.randrange(10**6)))
    print(f"TORTURE_SEED={seed}, folder {tmp_path}")
    workload = together(sample_part(seed, KANSAS_CITY_PERCENT), random_workload(seed, RANDOM_EVENTS))
    ordeal = Ordeal(seed, workload, KILLS, MEAN_S, settings)
    outcome = endure(ordeal, tmp_path / "run", workload.expected(now_us()))
    print(outcome.figures)
    assert digest(outcome.points, "/import/permits") == PERMITS_DIGEST
    shutil.rmtree(tmp_path / "run")
