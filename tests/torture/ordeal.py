"""One torture run: a fresh folder, a workload, kills; then everything is compared."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from services.wiring.folder import DataFolder
from services.wiring.streams import EVENTS
from shared.log.local import LocalLogReader
from tests.run.platform import ROOT, Platform, alive, environment, wait_until
from tests.torture.clients import Clients
from tests.torture.kills import COME_BACK_S, Killer
from tests.torture.posting import requests_of_clients
from tests.torture.workload import Workload, essence, identity_of

CLIENTS = 4
SETTLE_LIMIT_S = 600.0
TICKS_S = 2.5
"""Two ticks have passed then."""
SHOWN = 3


@dataclass(frozen=True)
class Ordeal:
    """What is done. `settings` are those of the platform besides folder, ports and rules; `mean_s` between two kills."""

    seed: int
    workload: Workload
    kills: int
    mean_s: float
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What was found: the points as `essence` writes them, the API's events by type, and figures for a person."""

    points: Sequence[str]
    events_by_type: Mapping[str, int]
    figures: str


def endure(ordeal: Ordeal, folder: Path, expected: Sequence[str]) -> Outcome:
    """Run it in `folder`, which must not exist, and compare; raises `AssertionError` that says what differs.

    `expected` is what `Workload.expected` gives. The folder is left as it is at the end, the platform stopped.
    """
    folder.mkdir(parents=True)
    rules = folder / "rules.toml"
    rules.write_text(ordeal.workload.rules, encoding="utf-8")
    platform = Platform(folder / "data", rules=str(rules), min_free_mb="64", **ordeal.settings)
    lanes = requests_of_clients(ordeal.seed, ordeal.workload.events, CLIENTS, ordeal.workload.lateness_s())
    clients = Clients(lambda _path: platform.systems, lanes, ordeal.seed)
    killer = Killer(platform, clients, ordeal.seed, ordeal.kills, ordeal.mean_s)
    start_s = time.monotonic()
    platform.started()
    try:
        clients.start()
        killer.run()
        clients.finish()
        sent_s = time.monotonic() - start_s
        assert not clients.ledger.failures, clients.ledger.failures
        settle(platform)
        settled_s = time.monotonic() - start_s
        points = compare_with_api(platform, ordeal.workload, expected)
        by_type = platform.counted()
        killer.listen()
        assert platform.interrupt() < 10
        assert platform.status() == 0
    finally:
        clients.stop()
        stop_at_once(platform)
    compare_with_store(folder, clients, ordeal.workload)
    assert killer.said == [], killer.said
    figures = (
        f"seed {ordeal.seed}: {sum(killer.counts.values())} kills {dict(killer.counts)}, "
        f"{len(ordeal.workload.events)} events sent {dict(clients.ledger.counts)}, {len(clients.ledger.refused)} refused, "
        f"{len(points)} points; {sent_s:.0f} s of kills, settled after {settled_s:.0f} s"
    )
    return Outcome(points, by_type, figures)


def settle(platform: Platform) -> None:
    """Wait until everything in the log and two ticks after it are loaded and detected."""
    time.sleep(TICKS_S)
    reader = LocalLogReader(DataFolder(platform.folder).stream(EVENTS), EVENTS)
    try:
        log_id, ends = reader.log_id(), reader.ends()
    finally:
        reader.close()

    def reached() -> bool:
        assert platform.status() is None, f"the platform ended by itself: {platform.stderr}"
        answer = httpx.get(f"{platform.people}/api/v1/freshness", timeout=COME_BACK_S, trust_env=False)
        if answer.status_code != 200:
            return False
        streams = answer.json()["streams"]
        positions = [streams.get(name, {}) for name in (EVENTS, "detected")]
        return all(
            position.get("log_id") == log_id and position["next_offsets"].get(str(partition), 0) >= end
            for position in positions
            for partition, end in ends.items()
        )

    wait_until(reached, SETTLE_LIMIT_S)


def compare_with_api(platform: Platform, workload: Workload, expected: Sequence[str]) -> list[str]:
    """Points, events by type, points by rule and the recount, as the API tells them; the points."""
    sent = Counter(event["type"] for event in workload.events)
    assert_same("events by type", Counter(platform.counted()), sent)
    points = [json.loads(line) for line in asked(platform, "frictions.ndjson", purpose="check-rule").text.splitlines()]
    found = sorted(essence(point, point["rules_version"]) for point in points)
    assert_same("points", Counter(found), Counter(expected))
    rules = Counter(point["rule"] for point in points)
    rows = asked(platform, "frictions/summary", group_by="rule").json()["rows"]
    assert_same("points by rule", Counter({row["rule"]: row["points"] or 0 for row in rows}), rules)
    wrong = [part for part in asked(platform, "doctor").json()["parts"] if part["status"] == "error"]
    assert wrong == [], wrong
    return found


def compare_with_store(folder: Path, clients: Clients, workload: Workload) -> None:
    """What was acknowledged is what is stored, once, none of it late; the recount agrees."""
    output = folder / "stored.json"
    command = [sys.executable, "-P", "-m", "tests.torture.stored", str(folder / "data"), str(output)]
    subprocess.run(command, env=environment(folder), cwd=ROOT, check=True)
    stored: dict[str, Any] = json.loads(output.read_text())
    acknowledged = clients.ledger.stored
    assert acknowledged == {identity_of(event) for event in workload.events}
    assert_same("events", Counter(map(tuple, stored["identities"])), Counter(acknowledged))
    assert_same("refused events", Counter(stored["refused"]), Counter(clients.ledger.refused))
    assert stored["recount"] == {}, stored["recount"]
    assert stored["late"] == 0, f"{stored['late']} events are flagged late"


def asked(platform: Platform, path: str, **parameters: str) -> httpx.Response:
    """The API's answer, which must be 200."""
    address = f"{platform.people}/api/v1/{path}"
    answer = httpx.get(address, params=parameters, timeout=COME_BACK_S, trust_env=False)
    assert answer.status_code == 200, f"{path} answers {answer.status_code}: {answer.text[:500]}"
    return answer


def assert_same(what: str, found: Counter[Any], expected: Counter[Any]) -> None:
    """Fails with counts and a few of the differences."""
    missing, surplus = expected - found, found - expected
    if missing or surplus:
        raise AssertionError(
            f"{what}: {missing.total()} missing, such as {sorted(missing)[:SHOWN]}; "
            f"{surplus.total()} too many, such as {sorted(surplus)[:SHOWN]}"
        )


def stop_at_once(platform: Platform) -> None:
    """After a failure: kill what still runs."""
    if platform.status() is None:
        children = platform.children().values()
        os.kill(platform.pid, signal.SIGKILL)
        platform.ended()
        wait_until(lambda: not any(map(alive, children)))
