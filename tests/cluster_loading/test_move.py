"""From one machine to a cluster: dump, keys, restore, redetect; nothing is lost, nothing counted twice, and journeys go on."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clickhouse_http.process import ClickHouseOverHttp
from tests.cluster.cluster import Cluster
from tests.kafka_broker.broker import Broker
from tests.run.platform import ROOT, running, wait_until

CITIZENS = 40


@pytest.fixture
def cluster(own_broker: Broker, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster that has not been started."""
    clickhouse = ClickHouseOverHttp(tmp_path / "server" / "clickhouse")
    clickhouse.start()
    cluster = Cluster(tmp_path / "cluster", own_broker, clickhouse, f"sqlite:///{tmp_path / 'registry.sqlite'}")
    yield cluster
    cluster.kill()
    clickhouse.kill()


def contact(citizen: int, number: int, minute: int) -> dict[str, Any]:
    """A citizen's call about one matter."""
    return {
        "specversion": "1.0",
        "id": f"call-{citizen}-{number}",
        "source": "/telephony",
        "type": "contact.made",
        "time": f"2026-11-20T10:{minute:02}:00Z",
        "subject": f"tel:+336123450{citizen:02}",
        "data": {"service": "housing", "channel": "phone", "contact": f"c-{citizen}-{number}"},
    }


def parcours(*arguments: str, **settings: str) -> str:
    """The command line in a process of its own; what it said."""
    given = {f"PARCOURS_{name.upper()}": value for name, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "services", *arguments],
        cwd=ROOT,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def points(address: str) -> dict[str, Mapping[str, Any]]:
    """Points in force by id."""
    asked = {"limit": 200, "purpose": "check-rule"}
    answer = httpx.get(f"{address}/api/v1/frictions", params=asked, timeout=20, trust_env=False)
    return {row["id"]: row for row in answer.json()["points"]}


@pytest.mark.kafka
def test_from_one_machine_to_a_cluster(cluster: Cluster, tmp_path: Path) -> None:
    """Points in force stay those of before, and a new call finds the citizen's earlier calls in its evidence."""
    site = tmp_path / "site"
    with running(site) as platform:
        calls = [contact(citizen, number, number * 20) for citizen in range(CITIZENS) for number in range(2)]
        platform.post_until_accepted(*calls)
        wait_until(lambda: len(points(platform.people)) == CITIZENS, 60)
        before = points(platform.people)
        platform.interrupt()
    assert "Dumped 80 events, 40 points" in parcours("dump", str(tmp_path / "dump"), data=str(site))

    data = cluster.folder / "data"
    data.mkdir(parents=True)
    shutil.copytree(site / "keys", data / "keys")
    own = {
        "data": str(data),
        "clickhouse": cluster.clickhouse.dsn,
        "registry": f"sqlite:///{tmp_path / 'registry.sqlite'}",
    }
    assert "Restored 80 events, 40 points" in parcours("restore", str(tmp_path / "dump"), **own)
    cluster.start()
    cluster.start_service("alerts")
    insights = cluster.addresses["insights"]
    assert points(insights).keys() == before.keys()
    port = insights.rpartition(":")[2]
    assert "Detected again: 40 journeys" in parcours("redetect", port=port, brokers=cluster.broker.brokers)

    media_type = "application/cloudevents-batch+json"
    new = [contact(citizen, 2, 45) for citizen in range(CITIZENS)]
    sent = httpx.post(f"{cluster.addresses['casework']}/v1/events", json=new, headers={"content-type": media_type})
    assert sent.status_code == 202, sent.text
    cluster.settle(60)
    after = points(insights)
    assert len(after) == 2 * CITIZENS
    assert before.keys() < after.keys()
    for name in after.keys() - before.keys():
        *earlier, anchor = after[name]["evidence"]
        assert anchor.endswith("-2")
        assert earlier[-1] == anchor.removesuffix("2") + "1"  # loaded on one machine

    def errors() -> list[Any]:
        parts = httpx.get(f"{insights}/api/v1/doctor", timeout=60, trust_env=False).json()["parts"]
        return [part for part in parts if part["status"] == "error"]

    wait_until(lambda: errors() == [], 60)
