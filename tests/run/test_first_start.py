"""The first start as a new user sees it: the Kansas City data, loaded and detected."""

import hashlib
import json
import os
import signal
import time
from pathlib import Path

import httpx

from services.wiring.folder import read_json
from tests.run.platform import STOP_LIMIT_S, Platform, running, wait_until

EVENTS = {"contact.made": 76_970, "case.closed": 78_800}
POINTS = {"repeat_contact": 2_270, "channel_switch": 692}
DIGEST = "0a53f7dee073b036"
LIMIT_S = 60.0 if os.environ.get("CI") else 300.0
"""Of a machine that does nothing else, as in CI."""


def points(platform: Platform) -> dict[str, int]:
    """Points in force by rule, where there are any."""
    answer = httpx.get(f"{platform.people}/api/v1/frictions/summary", params={"group_by": "rule"}, timeout=30)
    return {row["rule"]: row["points"] for row in answer.json()["rows"] if row["points"]}


def digest(platform: Platform) -> str:
    """The digest of the points in force."""
    lines = httpx.get(f"{platform.people}/api/v1/frictions.ndjson?purpose=check-rule", timeout=30).text.splitlines()
    named = sorted(f"{point['rule']} {point['anchor']}" for point in map(json.loads, lines))
    return hashlib.sha256("\n".join(named).encode()).hexdigest()[:16]


def test_the_first_start_loads_kansas_city_once(tmp_path: Path) -> None:
    """Cut short, the load is resumed by the next start; then the figures and the digest are exact, and it is not repeated."""
    folder = tmp_path / "data"
    with running(folder, demo="1") as platform:
        wait_until(lambda: platform.counted().get("contact.made", 0) > 5_000, LIMIT_S)
        assert platform.interrupt() < STOP_LIMIT_S
        assert not (folder / "demo.json").exists()

        start_s = time.monotonic()
        platform.started()
        wait_until(lambda: read_json(folder / "demo.json"), start_s + LIMIT_S - time.monotonic())
        assert platform.counted() == EVENTS
        assert points(platform) == POINTS
        assert digest(platform) == DIGEST
        assert httpx.get(f"{platform.people}/", timeout=30).status_code == 200
        assert [line for line in platform.stderr if line.startswith("parcours:")] == []

        os.kill(platform.pid, signal.SIGTERM)
        assert platform.ended() < STOP_LIMIT_S
        platform.started()
        wait_until(lambda: platform.counted() == EVENTS)
        assert points(platform) == POINTS
        assert not any("Loading" in line for line in platform.stdout)
