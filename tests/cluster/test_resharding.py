"""`parcours reshard` on a running cluster's data: what happened before and after the move belongs to one journey."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from shared.clock import now_us
from shared.journey.instants import SECOND_US, to_text
from tests.cluster.cluster import DETECTORS, GATEWAYS, Cluster
from tests.run.platform import ROOT, environment, wait_until

CITIZENS = 60
BEFORE, AFTER = 4, 7
LIMIT_S = 90.0
DAY_S = 86_400


def test_journeys_go_on_over_more_partitions(cluster_of: Callable[..., Cluster]) -> None:
    """Refused while anything runs; then every citizen's second contact finds the first, which was moved meanwhile."""
    cluster = cluster_of("").start()
    publish(cluster, "first", 2 * DAY_S)
    cluster.settle(LIMIT_S)
    assert "casework runs" in reshard(cluster).stderr
    for name in GATEWAYS:
        stop(cluster, name)
    assert "a detector runs" in reshard(cluster).stderr
    cluster.settle(LIMIT_S)
    for name in DETECTORS:
        stop(cluster, name)
    done = wait_until(lambda: resharded(cluster), LIMIT_S)
    assert f"{AFTER} partitions (before: {BEFORE})" in done
    cluster._settings["partitions"] = str(AFTER)
    with cluster._launch("setup") as setup:
        assert setup.wait(LIMIT_S) == 0, cluster.said("setup")
    for name in (*GATEWAYS, *DETECTORS):
        cluster.start_service(name)
    for name in GATEWAYS:
        wait_until(lambda name=name: cluster._answers(name), LIMIT_S)
    publish(cluster, "second", DAY_S)
    cluster.settle(LIMIT_S)
    assert set(cluster.log_ends()[1]) == set(range(AFTER))
    points = wait_until(lambda: frictions(cluster), LIMIT_S)
    assert Counter(point["rule"] for point in points)["repeat_contact"] == CITIZENS
    evidence = {tuple(sorted(point["evidence"])) for point in points if point["rule"] == "repeat_contact"}
    assert evidence == {(f"first-{number}", f"second-{number}") for number in range(CITIZENS)}
    assert set(cluster.stop().values()) == {0}


def stop(cluster: Cluster, name: str) -> None:
    """Stop a service for good; another process takes its place later."""
    assert cluster.stop_service(name) == 0
    stdin = cluster._processes[name].stdin
    assert stdin is not None
    stdin.close()


def publish(cluster: Cluster, name: str, ago_s: int) -> None:
    """One contact of every citizen, so long ago."""
    events = [
        {
            "specversion": "1.0",
            "id": f"{name}-{number}",
            "source": "urn:test:phone",
            "type": "contact.made",
            "time": to_text(now_us() - ago_s * SECOND_US),
            "subject": f"account:{number}",
            "data": {"service": "housing"},
        }
        for number in range(CITIZENS)
    ]
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    url = f"{cluster.addresses['channel-phone']}/v1/phone/events"
    answer = httpx.post(url, json=events, headers=headers, timeout=30, trust_env=False)
    assert answer.status_code == 202, answer.text


def reshard(cluster: Cluster) -> "subprocess.CompletedProcess[str]":
    """The command, as an operator runs it."""
    given = {name: value for name, value in cluster._settings.items() if name != "data"}
    command = [sys.executable, "-P", "-m", "services", "reshard", str(AFTER)]
    return subprocess.run(
        command,
        env=environment(cluster.folder / "data", **(given | {"demo": "0"})),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def resharded(cluster: Cluster) -> str:
    """What the command says once everything is loaded; empty while it refuses for that."""
    done = reshard(cluster)
    if done.returncode:
        assert "not all loaded" in done.stderr, done.stderr
        time.sleep(0.5)
        return ""
    return done.stdout


def frictions(cluster: Cluster) -> list[dict[str, Any]]:
    """All points in force, once there are as many as citizens."""
    address = f"{cluster.addresses['insights']}/api/v1/frictions.ndjson?purpose=check-rule"
    answer = httpx.get(address, timeout=30, trust_env=False)
    points = [httpx.Response(200, content=line).json() for line in answer.text.splitlines()]
    return points if sum(point["rule"] == "repeat_contact" for point in points) >= CITIZENS else []
