"""Gateways on Kafka: who writes the log's time, raw topics, and faults between them."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.journey.control import ClockTicked, RulesPublished
from shared.log.port import Kind
from tests.gateways_kafka.site import PARTITIONS, GatewaySite, wait_until
from tests.ingest.examples import event
from tests.kafka_broker.broker import Broker


@pytest.fixture
def site(tmp_path: Path, own_broker: Broker) -> Iterator[GatewaySite]:
    """Topics, keys and a registry; no gateway yet."""
    site = GatewaySite(tmp_path, own_broker)
    yield site
    site.close()


def web_event(number: int, **changes: Any) -> dict[str, Any]:
    """An event of the web channel, known by its number."""
    return event(number, id=f"web-{number}", subject=f"account:{number % 50}", **changes)


def test_channels_open_once_rules_are_published_and_one_process_ticks(site: GatewaySite) -> None:
    """A channel's gateway stays closed until casework has published; two casework processes tick once, also over a kill."""
    site.start("channel-web")
    wait_until(lambda: site.get("channel-web", "/healthz").status_code == 200, 40)
    time.sleep(1.5)
    assert not site.ready("channel-web")
    assert site.post("channel-web", "/v1/web/events", [web_event(0)]) == 503
    site.start("casework-1", "casework")
    site.wait_ready("casework-1", "channel-web")
    site.start("casework-2", "casework")
    site.wait_ready("casework-2")
    assert site.post("channel-web", "/v1/web/events", [web_event(1)]) == 202
    assert site.post("casework-2", "/v1/events", [event(2, id="cw", source="urn:other")]) == 202
    assert site.post("channel-web", "/v1/imports", []) == 404
    for partition in range(PARTITIONS):
        first = next(record for record in site.records() if record.partition == partition)
        assert (first.kind, b'"rules.published"' in first.value) == (Kind.CONTROL, True)
    before = ticks(site)
    time.sleep(3)
    assert 2 <= ticks(site) - before <= 5
    site.kill("casework-1")
    began = time.monotonic()
    at = ticks(site)
    wait_until(lambda: ticks(site) > at + 1, 20)
    assert time.monotonic() - began < 15
    published = [each for each in site.controls(0) if isinstance(each, RulesPublished)]
    assert {each.version for each in published} == {1}
    assert [site.stop(name) for name in ("casework-2", "channel-web")] == [0, 0]


def ticks(site: GatewaySite) -> int:
    """How many ticks partition 0 holds."""
    return sum(isinstance(each, ClockTicked) for each in site.controls(0))


def test_raw_topic_loses_nothing_over_kills(site: GatewaySite) -> None:
    """Events and rubbish of the raw topic arrive over kills of the gateway and the broker: each once by identity."""
    site.start("casework")
    site.start("channel-web")
    site.wait_ready("casework", "channel-web")
    rubbish = [b"no json", b"no json", b"\xff\xfe", b"{}", b"[1]", b"x" * 70_000]
    producer = site.producer()
    sent = 0
    futures = []

    def send(count: int) -> None:
        nonlocal sent
        for _ in range(count):
            futures.append(
                producer.send("channel-web", msgspec.json.encode(web_event(sent)), partition=sent % PARTITIONS)
            )
            sent += 1

    send(300)
    futures += [producer.send("channel-web", piece, partition=0) for piece in rubbish]
    wait_until(lambda: len(site.events()) >= 100, 30)
    send(1_500)
    time.sleep(0.3)
    site.kill("channel-web")
    send(500)
    site.start("channel-web")
    site.wait_ready("channel-web")
    send(1_500)
    time.sleep(0.3)
    site.broker.kill()
    time.sleep(2)
    site.broker.start()
    send(200)
    for future in futures:
        future.get(timeout=60)
    producer.close()
    wait_until(lambda: len(site.events()) == sent, 60)
    rejects = {each.id: each for each in wait_until(lambda: distinct(site) and site.rejects(), 30)}
    assert len(rejects) == len(rubbish)
    assert {each.gateway for each in rejects.values()} == {"topic channel-web"}
    assert sorted(each.reason for each in rejects.values()) == sorted(
        ["not_json", "not_json", "not_utf8", "missing_field", "wrong_type", "event_too_large"]
    )
    assert {stored.data.channel for stored in site.stored()} == {"web"}
    assert b"account:" not in b"".join(record.value for record in site.records())
    assert site.runs("channel-web")


def distinct(site: GatewaySite) -> bool:
    """Whether all rubbish has been refused."""
    return len({each.id for each in site.rejects()}) >= 6


def test_publishers_get_503_while_the_broker_is_away(site: GatewaySite) -> None:
    """What was acknowledged is stored; while the broker is away publishers are put off, and later served by the same process."""
    site.start("casework")
    site.start("channel-web")
    site.wait_ready("casework", "channel-web")
    acknowledged: set[str] = set()
    statuses: set[int] = set()
    stopped = threading.Event()

    def publish() -> None:
        number = 0
        while not stopped.is_set():
            batch = [web_event(number + step) for step in range(20)]
            status = site.post("channel-web", "/v1/web/events", batch)
            statuses.add(status)
            if status == 202:
                acknowledged.update(str(each["id"]) for each in batch)
                number += 20

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        wait_until(lambda: len(acknowledged) > 500, 90)
        site.broker.kill()
        wait_until(lambda: 503 in statuses, 40)
        site.broker.start()
        reached = len(acknowledged)
        wait_until(lambda: len(acknowledged) > reached + 500, 90)
    finally:
        stopped.set()
        thread.join(60)
    assert statuses == {202, 503}
    assert acknowledged <= {identity for _, identity in site.events()}
    assert site.runs("channel-web")
    assert site.runs("casework")
