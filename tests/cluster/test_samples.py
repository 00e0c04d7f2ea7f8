"""The shipped samples on a cluster: the figures of one machine, through a real Kafka, two workers and faults."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.cluster.cluster import Cluster
from tests.cluster.rounds import BROKER_AWAY_S, SETTLE_LIMIT_S, TICKS_S
from tests.run.platform import ROOT, wait_until
from tests.torture.__main__ import DIGESTS, POINTS
from tests.torture.workload import KANSAS_CITY, PERMITS, digest, essence, sample_workload

KILLED_AFTER_EVENTS = 20_000
EVENTS = {"contact.made": 76_970, "case.closed": 78_800}
"""Of Kansas City."""


def test_the_figures_are_those_of_one_machine(cluster_of: Callable[..., Cluster], tmp_path: Path) -> None:
    """Both samples imported while a worker, the loader, a gateway and the broker are killed: points, events and digests."""
    workload = sample_workload()
    ours = Counter(event["type"] for event in workload.events if event["source"] == "/import/kansas-city-311")
    assert ours == EVENTS
    cluster = cluster_of(workload.rules).start()
    imports = [_import(cluster, path, tmp_path) for path in (KANSAS_CITY, PERMITS)]
    wait_until(lambda: _loaded(cluster) > KILLED_AFTER_EVENTS, SETTLE_LIMIT_S)
    for name in ("detector-1", "loader", "casework", "detector-2"):
        cluster.signal(name, signal.SIGKILL)
        time.sleep(3)
    cluster.broker.kill()
    time.sleep(BROKER_AWAY_S)
    cluster.broker.start()
    assert [process.wait(SETTLE_LIMIT_S) for process in imports] == [0, 0], _said(tmp_path)
    time.sleep(TICKS_S)
    cluster.settle(SETTLE_LIMIT_S)
    with httpx.Client(base_url=cluster.addresses["insights"], timeout=120, trust_env=False) as client:
        rows = client.get("/api/v1/events/summary", params={"group_by": "type"}).json()["rows"]
        assert {row["type"]: row["events"] for row in rows} == Counter(event["type"] for event in workload.events)
        lines = client.get("/api/v1/frictions.ndjson?purpose=check-rule").text.splitlines()
    points = [json.loads(line) for line in lines]
    assert Counter(point["rule"] for point in points) == POINTS
    essences = [essence(point, point["rules_version"]) for point in points]
    assert {source: digest(essences, source) for source in DIGESTS} == DIGESTS
    assert set(cluster.stop().values()) == {0}


def _loaded(cluster: Cluster) -> int:
    """Events that can be queried."""
    answer = httpx.get(f"{cluster.addresses['insights']}/api/v1/events/summary", timeout=30, trust_env=False)
    return sum(row["events"] or 0 for row in answer.json()["rows"]) if answer.status_code == 200 else 0


def _import(cluster: Cluster, path: Path, folder: Path) -> "subprocess.Popen[bytes]":
    mapping = path.parent / "mapping.toml"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PARCOURS_")}
    port = cluster.addresses["insights"].rpartition(":")[2]
    given = {"PYTHONPATH": str(ROOT), "PARCOURS_INGEST_URL": cluster.addresses["casework"], "PARCOURS_PORT": port}
    with (folder / f"import-{path.stem}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "services", "import", str(path), "--mapping", str(mapping), "--wait"],
            cwd=folder,
            env={**inherited, **given},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _said(folder: Path) -> str:
    return "\n".join(path.read_text(errors="replace")[-2_000:] for path in folder.glob("import-*.log"))
