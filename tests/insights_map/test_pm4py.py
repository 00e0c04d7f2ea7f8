"""The map and the steps done again agree with pm4py on the permit data; pm4py runs in an environment of its own."""

import csv
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.detection.settings import DEFAULTS, merged
from shared.journey.instants import to_text
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import served
from tests.insights_map.journeys import rows
from tests.reference.journeys import instant_us
from tests.reference.test_real_data import SAMPLES, permit_events, rows_of

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-checks" / "bin" / "python"
RULES = merged(
    DEFAULTS, {"service": {"environmental-permit": {name: {"enabled": True} for name in ("ping_pong", "rework")}}}
)
COUNTS = Path(__file__).parent / "pm4py_counts.py"


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What pm4py counts in the file of the permits, its rows in the order of (time, id)."""
    if not PYTHON.exists():
        message = "NOT COMPARED WITH PM4PY: .venv-checks is missing; make it with `requirements/install checks`"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    steps = [
        (instant_us(row["time:timestamp"]), f"{row['case:concept:name']}-{row['concept:instance']}", row)
        for row in rows_of(SAMPLES / "permits" / "wabo-receipt.csv.gz", missing="EMPTY")
    ]
    steps.sort(key=lambda step: (step[0], step[1].encode()))
    log = tmp_path_factory.mktemp("permits") / "log.csv"
    with log.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("case", "step", "time"))
        writer.writerows((row["case:concept:name"], row["concept:name"], to_text(time_us)) for time_us, _, row in steps)
    done = subprocess.run([PYTHON, COUNTS, log], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def permits(store: Store) -> Iterator[httpx.Client]:
    """The application over the permits, every number shown."""
    for table in ("events", "points", "journeys", "touched_journeys"):
        store.writer().command(f"TRUNCATE TABLE {table}")
    events = [
        {**event, "time": to_text(instant_us(event["time"])), "recordedtime": seed.RECORDED}
        for event in permit_events()
    ]
    seed.fill(store.writer(), events, RULES)
    with served(store, small_cell_min=1) as client:
        yield client


def test_the_map_is_pm4pys_directly_follows_graph(permits: httpx.Client, counted: dict[str, Any]):
    """Every passage between steps, every start and every end, with the same counts and no other."""
    found = rows(permits, "journey-map-passages", events="steps")
    assert not any(row["from_channel"] or row["to_channel"] for row in found)
    ends = {"journey.started", "journey.ended"}
    inner = [row for row in found if not ends & {row["from_step"], row["to_step"]}]
    assert {(row["from_step"], row["to_step"]): row["passages"] for row in inner} == {
        (origin, target): passages for origin, target, passages in counted["graph"]
    }
    assert len(inner) > 90
    starts = {row["to_step"]: row["passages"] for row in found if row["from_step"] == "journey.started"}
    assert starts == counted["starts"]
    assert {row["from_step"]: row["passages"] for row in found if row["to_step"] == "journey.ended"} == counted["ends"]


def test_steps_done_again_are_pm4pys_rework(permits: httpx.Client, counted: dict[str, Any]):
    """Per step the cases that do it more than once."""
    found = {row["step"]: row["journeys_again"] for row in rows(permits, "rework", events="steps")}
    assert found == {step: cases for step, cases in counted["rework"].items() if cases}
    assert len(found) > 10


def test_every_permit_is_a_journey(permits: httpx.Client, store: Store):
    """1,434 cases; all points of the reference stand on the map of all events."""
    starts = [row for row in rows(permits, "journey-map-passages") if row["from_step"] == "journey.started"]
    assert sum(row["passages"] for row in starts) == 1_434
    ((in_force,),) = store.query("SELECT sum(sign) FROM points", {}).rows
    assert sum(row["points"] for row in rows(permits, "journey-map-points")) == in_force == 245 + 482 + 537
