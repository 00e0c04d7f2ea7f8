"""Loader and insights of a cluster, as processes, on a real Kafka broker and ClickHouse over HTTP."""

import signal
import threading
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import pytest

from services.wiring.cluster.loader import LOADED
from services.wiring.cluster.loading import ClusterLoading
from services.wiring.cluster.setup import run_setup
from shared.journey.codec import encode
from shared.journey.control import DetectionProgressed
from shared.log.kafka.reader import KafkaLogReader
from shared.log.kafka.writer import KafkaLogWriter
from shared.log.port import FRICTIONS, JOURNEY_EVENTS, Kind, Record
from shared.registry.registry import Registry
from shared.store.client import Store
from shared.store.recount import problems, recount
from tests.cluster_loading.conftest import PARTITIONS, Site, Start
from tests.loader.samples import event, point
from tests.run.platform import wait_until

pytestmark = pytest.mark.kafka


def append(site: Site, topic: str, kind: Kind, items: Sequence[msgspec.Struct], per_record: int = 50) -> None:
    """Write the items to the topic, round the partitions."""
    writer = KafkaLogWriter(site.broker.brokers, topic)
    records = [
        Record(
            number % PARTITIONS, kind, encode(items[first : first + per_record]), len(items[first : first + per_record])
        )
        for number, first in enumerate(range(0, len(items), per_record))
    ]
    writer.append(records)
    writer.close()


def count(store: Store, table: str) -> tuple[int, int]:
    """Rows, and distinct identities."""
    identity = {"events": "source, id", "points": "id, revision, sign", "rejects": "id"}[table]
    return store.query(f"SELECT count(), uniqExact({identity}) FROM {table}").rows[0]


def test_one_of_two_loaders_loads_and_the_other_takes_over(
    site: Site, store: Store, registry: Registry, start: Start
) -> None:
    """Under one lease: killed with -9, the holder is followed by the other; every row is there once, refused ones rejected."""
    readers = [KafkaLogReader(site.broker.brokers, topic) for topic in LOADED]
    loading = ClusterLoading(registry.heartbeats, store, readers)
    assert not loading.alive()
    bad = msgspec.structs.replace(event(9_000), time="9999-01-01T00:00:00.000000Z")
    append(site, JOURNEY_EVENTS, Kind.EVENTS, [*(event(number) for number in range(2_000)), bad])
    processes = {name: start("loader", instance=name) for name in ("one", "two")}
    wait_until(lambda: count(store, "events") == (2_000, 2_000), 30)
    assert loading.alive()
    holder = str(registry.leases.holder("loader")).partition("/")[0]
    states = {each.instance: each.document["state"] for each in registry.heartbeats.latest("loader")}
    other = "two" if holder == "one" else "one"
    assert states == {holder: "loading", other: "standby"}

    append(site, JOURNEY_EVENTS, Kind.EVENTS, [event(number) for number in range(1_000, 4_000)])
    processes[holder].kill()
    append(site, FRICTIONS, Kind.POINTS, [point(number) for number in range(200)])
    wait_until(lambda: count(store, "events") == (4_000, 4_000), 30)
    wait_until(lambda: count(store, "points") == (200, 200), 10)
    wait_until(lambda: count(store, "rejects") == (1, 1), 10)
    assert str(registry.leases.holder("loader")).partition("/")[0] == other
    assert problems(recount(store)) == {}
    wait_until(lambda: set(loading.lag().values()) == {0}, 10)

    processes[other].send_signal(signal.SIGTERM)
    assert processes[other].wait(10) == 0
    assert registry.leases.holder("loader") is None
    append(site, JOURNEY_EVENTS, Kind.EVENTS, [event(number) for number in range(4_000, 4_100)], per_record=100)
    wait_until(lambda: loading.lag()[JOURNEY_EVENTS] == 1, 5)
    for reader in readers:
        reader.close()


def test_a_paused_holder_loads_nothing_after_its_lease(
    site: Site, store: Store, registry: Registry, start: Start
) -> None:
    """Stopped past its lease and continued, a loader finds another in its place; rows stay once each, and it stands by."""
    earlier, _ = count(store, "events")
    processes = {name: start("loader", instance=name) for name in ("three", "four")}
    wait_until(lambda: registry.leases.holder("loader") is not None, 20)
    holder = str(registry.leases.holder("loader")).partition("/")[0]
    other = "four" if holder == "three" else "three"
    append(site, JOURNEY_EVENTS, Kind.EVENTS, [event(number) for number in range(4_000, 9_000)])
    processes[holder].send_signal(signal.SIGSTOP)
    wait_until(lambda: str(registry.leases.holder("loader")).startswith(other), 20)
    processes[holder].send_signal(signal.SIGCONT)
    append(site, JOURNEY_EVENTS, Kind.EVENTS, [event(number) for number in range(8_000, 12_000)])
    wait_until(lambda: count(store, "events") == (earlier + 8_000, earlier + 8_000), 30)
    wait_until(
        lambda: (
            {each.instance: each.document["state"] for each in registry.heartbeats.latest("loader")}[holder]
            == "standby"
        ),
        10,
    )
    assert processes[holder].poll() is None
    assert problems(recount(store)) == {}


def test_insights_tells_how_fresh_it_is(site: Site, store: Store, start: Start) -> None:
    """Its API gives positions by topic, what waits, whether a loader is alive, and what the doctor finds."""
    log_id = KafkaLogReader(site.broker.brokers, JOURNEY_EVENTS).log_id()
    append(site, JOURNEY_EVENTS, Kind.EVENTS, [event(0)])
    append(site, FRICTIONS, Kind.CONTROL, [DetectionProgressed(0, str(log_id), 7, 0)])
    start("loader", instance="five")
    start("insights")
    api = f"http://127.0.0.1:{site.port}"
    wait_until(lambda: answers(f"{api}/readyz"), 40)

    def all_loaded() -> dict[str, Any] | None:
        found: dict[str, Any] = httpx.get(f"{api}/api/v1/freshness").json()
        return found if {"detected", JOURNEY_EVENTS} <= set(found["streams"]) and found["events_lag"] == 0 else None

    freshness = wait_until(all_loaded, 20)
    assert freshness["loader_alive"] is True
    assert set(freshness["lag"]) == set(LOADED)
    assert freshness["streams"]["detected"]["next_offsets"]["0"] == 7
    assert freshness["streams"][JOURNEY_EVENTS]["log_id"] == log_id
    parts = {part["name"]: part["status"] for part in httpx.get(f"{api}/api/v1/doctor").json()["parts"]}
    assert {name: status for name, status in parts.items() if status != "ok"} == {
        "detector": "error",
        "alerts": "error",
        "alert rounds": "warning",
    }
    assert {"loader", "topic journey-events", "recount events_once", "rules of the points"} <= set(parts)


def test_setup_can_be_repeated(site: Site, store: Store) -> None:
    """A second run changes nothing."""
    before = count(store, "events")
    run_setup(site.settings, threading.Event())
    assert count(store, "events") == before


def answers(url: str) -> bool:
    """Whether it answers 200."""
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
