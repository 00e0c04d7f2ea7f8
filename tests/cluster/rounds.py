"""Rounds of faults on a cluster: each sends events of its own while something fails, and then everything is compared.

A round's subjects and ids are its own, so its points depend on nothing that an earlier round sent, and the reference has to
judge one round at a time.
"""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx

from shared.clock import now_us
from shared.store.client import Store
from shared.store.recount import problems, recount
from tests.cluster.cluster import DETECTORS, GATEWAYS, SERVICES, Cluster, unexpected_ends
from tests.strategies.documents import random_document
from tests.strategies.events import random_stream
from tests.torture.clients import Clients
from tests.torture.ordeal import assert_same
from tests.torture.posting import requests_of_clients
from tests.torture.stored import LATE
from tests.torture.workload import Event, Workload, essence, identity_of, random_workload

CLIENTS: Final = 3
TICKS_S: Final = 2.5
"""Two ticks have passed then."""
SETTLE_LIMIT_S: Final = 240.0
SESSION_S: Final = 6.0
BROKER_AWAY_S: Final = 3.0
BROKER_LONG_AWAY_S: Final = 60.0
STARTED_AFTER_S: Final = 25.0
"""A service younger than this is still starting: its memory grows by what it imports."""
MEMORY_LIMIT_BYTES: Final = 100 * 1_048_576
"""So much a service may grow while the broker is away."""

Fault = Callable[["Rounds"], None]


def kill_gateway(rounds: "Rounds") -> None:
    """One gateway, at once."""
    rounds.kill(rounds.chance.choice(tuple(GATEWAYS)))


def kill_detector(rounds: "Rounds") -> None:
    """One of the two workers; the other gets its partitions, or it comes back first."""
    rounds.kill(rounds.chance.choice(DETECTORS))


def take_a_detector_away(rounds: "Rounds") -> None:
    """One worker leaves in order, and comes back later: partitions move twice."""
    name = rounds.chance.choice(DETECTORS)
    rounds.cluster.stop_service(name)
    rounds.wait(SESSION_S + 1.5)
    rounds.cluster.start_service(name)


def pause_detector(rounds: "Rounds") -> None:
    """One worker stands still past its session, and goes on as if nothing had happened."""
    name = rounds.chance.choice(DETECTORS)
    rounds.cluster.signal(name, signal.SIGSTOP)
    rounds.wait(SESSION_S + 2.5)
    rounds.cluster.signal(name, signal.SIGCONT)


def kill_loader(rounds: "Rounds") -> None:
    """The loader, at once."""
    rounds.kill("loader")


def cut_inserts(rounds: "Rounds") -> None:
    """Connections to ClickHouse are cut behind inserts and before them: the loader cannot know what became of them."""
    moment = rounds.chance.choice(("after", "during"))
    rounds.cluster.clickhouse.order_cut("INSERT INTO events", moment, 0.2, times=2)
    rounds.cluster.clickhouse.order_cut("INSERT INTO points", "after", times=2)


def kill_clickhouse(rounds: "Rounds") -> None:
    """ClickHouse itself, at once; it is back after two seconds."""
    rounds.cluster.clickhouse.kill()
    rounds.wait(2.0)
    rounds.cluster.clickhouse.start()


def broker_long_away(rounds: "Rounds") -> None:
    """No broker for a minute."""
    rounds.broker_away(BROKER_LONG_AWAY_S)


FAULTS: Final[Sequence[Fault]] = (
    kill_gateway,
    kill_detector,
    take_a_detector_away,
    pause_detector,
    kill_loader,
    cut_inserts,
    kill_clickhouse,
)


@dataclass
class Rounds:
    """All rounds on one cluster, and what they saw."""

    cluster: Cluster
    seed: int
    events_a_round: int
    rules: str
    document: Mapping[str, Any]
    chance: Random
    struck: Counter[str] = field(default_factory=Counter)
    refused: set[str] = field(default_factory=set)
    refusals_503: int = 0
    grown_bytes: int = 0
    stored: int = 0

    def run(self, number: int, faults: Sequence[Fault]) -> str:
        """One round; what happened, as a line for a person. Raises `AssertionError` for the first difference."""
        workload = Workload(self._events(number), self.rules)
        lanes = requests_of_clients(self.seed + number, workload.events, CLIENTS, workload.lateness_s())
        clients = Clients(self.cluster.address_of, lanes, self.seed + number)
        start_s = time.monotonic()
        clients.start()
        try:
            for place, fault in enumerate(faults):
                clients.pace.share = (place + 1) / (len(faults) + 2)
                self.wait(self.chance.uniform(0.3, 1.5))
                fault(self)
                self.struck[fault.__name__] += 1
            clients.pace.share = (len(faults) + 1) / (len(faults) + 2)
            self.broker_away(BROKER_AWAY_S)
            clients.pace.share = 1.0
            clients.finish()
        finally:
            clients.stop()
        assert not clients.ledger.failures, clients.ledger.failures
        sent_s = time.monotonic() - start_s
        self.wait(TICKS_S)
        self.cluster.settle(SETTLE_LIMIT_S)
        points = self._compare(number, workload, clients)
        bad = unexpected_ends(self.cluster.ends)
        assert not bad, {name: self.cluster.log(name) for name, _ in bad}
        names = ", ".join(fault.__name__ for fault in faults)
        return (
            f"round {number}: {names}; {len(workload.events)} events, {dict(clients.ledger.counts)}, {points} points; "
            f"sent after {sent_s:.0f} s, compared after {time.monotonic() - start_s:.0f} s"
        )

    def kill(self, name: str) -> None:
        """Kill a service with -9; the cluster starts it again."""
        self.cluster.signal(name, signal.SIGKILL)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def broker_away(self, seconds: float) -> None:
        """Kill the broker and start it again later; meanwhile gateways refuse with 503, and no service grows."""
        grown_up = [name for name in SERVICES if self.cluster.age_s(name) > STARTED_AFTER_S]
        before = {name: self.cluster.memory_bytes(name) for name in grown_up}
        pids = {name: self.cluster.pid(name) for name in grown_up}
        self.cluster.broker.kill()
        probing = threading.Thread(target=self._probe, args=(seconds,))
        probing.start()
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            for name in grown_up:
                if self.cluster.pid(name) == pids[name]:
                    grown = self.cluster.memory_bytes(name) - before[name]
                    self.grown_bytes = max(self.grown_bytes, grown)
            self.wait(0.25)
        self.cluster.broker.start()
        probing.join()
        self.struck[f"broker away {seconds:.0f} s"] += 1
        assert self.grown_bytes < MEMORY_LIMIT_BYTES, f"a service grew by {self.grown_bytes} bytes"

    def _probe(self, seconds: float) -> None:
        """Publish while the broker is away: 503 or, at the very end, 202; never anything else."""
        end_s = time.monotonic() + seconds
        address = self.cluster.address_of("/v1/events") + "/v1/events"
        event = {
            "specversion": "1.0",
            "id": "probe",
            "source": "/probe",
            "type": "page.viewed",
            "time": "2020-01-01T00:00:00Z",
            "data": {"service": "probe"},
        }
        while time.monotonic() < end_s:
            try:
                answer = httpx.post(
                    address,
                    content=json.dumps(event),
                    headers={"content-type": "application/cloudevents+json"},
                    timeout=30,
                    trust_env=False,
                )
            except httpx.TransportError:
                continue
            assert answer.status_code in {202, 503}, answer.text
            if answer.status_code == 503:
                assert int(answer.headers["retry-after"]) >= 1
                self.refusals_503 += 1
            time.sleep(0.2)

    def _events(self, number: int) -> list[Event]:
        """A random stream whose subjects and ids are this round's own."""
        prefix = f"r{number}-"
        events = random_stream(self.seed + number, self.events_a_round, self.document)
        return [_of_round(event, prefix) for event in events]

    def _compare(self, number: int, workload: Workload, clients: Clients) -> int:
        """Acknowledged = stored, once; points = the reference; aggregates = a recount. The number of points."""
        prefix = f"r{number}-"
        acknowledged = clients.ledger.stored
        assert acknowledged == {identity_of(event) for event in workload.events}
        store = Store(self.cluster.clickhouse.dsn, 1_024, 120)
        try:
            rows = store.query(
                "SELECT source, id FROM events WHERE startsWith(id, {prefix:String})", {"prefix": prefix}
            ).rows
            assert_same("events", Counter(map(tuple, rows)), Counter(acknowledged))
            assert store.query(LATE).rows[0][0] == 0, "events are flagged late"
            self.refused |= clients.ledger.refused
            refused = store.query("SELECT sha256 FROM rejects WHERE stage = 'ingest'").rows
            assert_same("refused events", Counter(row[0] for row in refused), Counter(self.refused))
            found = {name: str(finding) for name, finding in problems(recount(store)).items()}
            assert found == {}, found
        finally:
            store.close()
        answer = httpx.get(
            f"{self.cluster.addresses['insights']}/api/v1/frictions.ndjson?purpose=check-rule",
            timeout=120,
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text[:500]
        every = [json.loads(line) for line in answer.text.splitlines()]
        points = [point for point in every if point["anchor"].startswith(prefix)]
        assert_same(
            "points",
            Counter(essence(point, point["rules_version"]) for point in points),
            Counter(workload.expected(now_us())),
        )
        self.stored += len(rows)
        return len(points)


def _of_round(event: Event, prefix: str) -> Event:
    data = dict(event["data"])
    for name in ("session", "contact"):
        if data.get(name):
            data[name] = prefix + data[name]
    renamed = {**event, "id": prefix + event["id"], "data": data}
    if "subject" in event:
        renamed["subject"] = prefix + event["subject"]
    return renamed


def plan_of(chance: Random, rounds: int, faults: int) -> list[list[Fault]]:
    """So many faults shared out over the rounds: every one comes before any comes again."""
    plan: list[list[Fault]] = [[] for _ in range(rounds)]
    deck: list[Fault] = []
    for number in range(faults):
        if not deck:
            deck = chance.sample(FAULTS, len(FAULTS))
        plan[number % rounds].append(deck.pop())
    return plan


def rounds_on(cluster_of: Callable[[str], Cluster], seed: int, events_a_round: int) -> Rounds:
    """The rounds of a seed on the cluster that `cluster_of` starts under a rule file's text."""
    workload = random_workload(seed, 1)
    rules = workload.rules
    return Rounds(cluster_of(rules), seed, events_a_round, rules, random_document(seed), Random(f"{seed} rounds"))


def seed_of_environment(fixed: int | None) -> int:
    """TORTURE_SEED, else the fixed one (in CI), else any."""
    given = os.environ.get("TORTURE_SEED")
    return int(given) if given else fixed if fixed is not None else Random().randrange(10**6)
