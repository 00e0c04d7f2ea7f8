"""Gateway to Kafka: events a second, and how many the linger puts into a record; then the detector at those sizes."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from services.wiring.cluster.setup import make_topics
from services.wiring.registry import open_registry
from shared.log.port import JOURNEY_EVENTS, Kind
from shared.privacy.keys import load_or_make_keys
from shared.settings import Settings
from tests.benchmarks.cluster.comparison import Comparison, Engine, Say
from tests.benchmarks.cluster.measured import ENGINE_CORE, STOP_LIMIT_S, two_cores
from tests.benchmarks.cluster.sizes import Sizes
from tests.benchmarks.cluster.topics import Topics
from tests.benchmarks.gateway import BATCH_CONNECTIONS, BATCH_EVENTS, SINGLE_CONNECTIONS, sent_events
from tests.benchmarks.http_load import batch_request, post_at_rate, post_for, single_request
from tests.benchmarks.processes import processor_s
from tests.benchmarks.report import Figure, figure
from tests.run.platform import environment, free_ports, wait_until

_PREPARED_EVENTS: Final = 20_000
START_LIMIT_S: Final = 60


class Ingest(NamedTuple):
    """A gateway that runs."""

    port: int
    pid: int


def measure(topics: Topics, sizes: Sizes, folder: Path, comparison: Comparison, say: Say) -> list[Figure]:
    """Batches of 500, events one by one as fast as it goes, and one by one at several rates."""
    events = sent_events(_PREPARED_EVENTS)
    batches = [batch_request(events[start : start + BATCH_EVENTS]) for start in range(0, len(events), BATCH_EVENTS)]
    singles = [single_request(event) for event in events]
    found: list[Figure] = []
    record_sizes: dict[str, float] = {}
    with gateway(topics, folder) as ingest:
        load = Load(topics, ingest, sizes.gateway_s)
        for name, requests, each, connections in (
            ("batches of 500", batches, BATCH_EVENTS, BATCH_CONNECTIONS),
            ("one by one", singles, 1, SINGLE_CONNECTIONS),
        ):
            found += load.as_fast_as_it_goes(name, requests, each, connections)
            record_sizes[f"{name}, as fast as it goes"] = found[-1].value
        for rate in sizes.rates:
            found += load.at_rate(singles, rate)
            record_sizes[f"one by one, {rate:,} asked for a second"] = found[-1].value
    for name, size in record_sizes.items():
        engine = Engine(
            f"detector at the size of records of: {name}", "detector", max(round(size), 1), "eighteen", "events"
        )
        comparison.run(engine, say)
    return found + [each for each in comparison.figures() if each.name.startswith("detector at")]


class Load:
    """Posts to a gateway, and sees what of it stands in the topic."""

    def __init__(self, topics: Topics, ingest: Ingest, seconds: float) -> None:
        self._topics, self._ingest, self._seconds = topics, ingest, seconds
        self._seen = 0

    def as_fast_as_it_goes(self, name: str, requests: Sequence[bytes], events: int, connections: int) -> list[Figure]:
        """Events a second, each on Kafka before its 202; the gateway's processor time; events a record."""
        port, pid = self._ingest
        post_for(port, requests, connections, 0.5)
        self._record_sizes()
        used_s, start_s = processor_s(pid), time.monotonic()
        count = post_for(port, requests, connections, self._seconds) * events
        took_s, used_s = time.monotonic() - start_s, processor_s(pid) - used_s
        return [
            figure(f"gateway, {name}: on Kafka", [count / took_s], "events/s"),
            figure(f"gateway, {name}: processor time of its process", [used_s / count * 1e6], "µs/event"),
            figure(f"gateway, {name}: size of records", [self._mean_size()], "events"),
        ]

    def at_rate(self, requests: Sequence[bytes], rate: int) -> list[Figure]:
        """One by one at a rate: how late the answers are, and events a record."""
        late_s: list[float] = []
        self._record_sizes()
        number = max(int(rate * self._seconds), 1)
        chosen = [requests[place % len(requests)] for place in range(number)]
        start_s = time.monotonic()
        post_at_rate(
            self._ingest.port, chosen, SINGLE_CONNECTIONS, rate, lambda due_s: late_s.append(time.monotonic() - due_s)
        )
        reached = number / (time.monotonic() - start_s)
        name = f"gateway, one by one at {rate:,} a second"
        return [
            figure(f"{name}: reached", [reached], "events/s"),
            figure(f"{name}: until the answer, 50th percentile", [sorted(late_s)[number // 2] * 1e3], "ms"),
            figure(f"{name}: until the answer, 99th percentile", [sorted(late_s)[number * 99 // 100] * 1e3], "ms"),
            figure(f"{name}: size of records", [self._mean_size()], "events"),
        ]

    def _mean_size(self) -> float:
        sizes = self._record_sizes()
        return sum(sizes) / len(sizes)

    def _record_sizes(self) -> list[int]:
        """The numbers of events of the records that are new."""
        records = self._topics.read(JOURNEY_EVENTS)
        new, self._seen = records[self._seen :], len(records)
        headers = [dict(record.headers) for record in new]
        return [int(each["items"]) for each in headers if each["kind"] == Kind.EVENTS.encode()]


@contextmanager
def gateway(topics: Topics, folder: Path) -> Iterator[Ingest]:
    """`parcours service casework` on the broker, on the engines' core."""
    data = folder / "gateway"
    settings = Settings(data=data, brokers=topics.brokers)
    load_or_make_keys(data / "keys")
    make_topics(settings)
    with open_registry(settings) as registry:
        registry.upgrade()
    (port,) = free_ports(1)
    pinned = ["taskset", "-c", str(ENGINE_CORE)] if two_cores() else []
    with (folder / "gateway.log").open("ab") as log:
        process = subprocess.Popen(
            [*pinned, sys.executable, "-P", "-m", "services", "service", "casework"],
            env=environment(data, ingest_port=str(port), brokers=topics.brokers),
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        wait_until(lambda: httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200, START_LIMIT_S)
        yield Ingest(port, process.pid)
    finally:
        process.terminate()
        process.wait(STOP_LIMIT_S)
