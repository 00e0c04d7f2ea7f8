"""The engine of alerts of a cluster, as processes, on a real Kafka broker: one looks, the other takes over, each thing is told once."""

import json
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.wiring.alert_pages import cluster_desk
from shared.clock import now_us
from shared.journey.codec import encode
from shared.journey.control import ClockTicked, DetectionProgressed
from shared.journey.instants import to_text
from shared.log.kafka.reader import KafkaLogReader
from shared.log.kafka.writer import KafkaLogWriter
from shared.log.port import ALERTS, FRICTIONS, JOURNEY_EVENTS, Kind, Record
from shared.registry.registry import Registry
from shared.settings import Settings
from tests.cluster_loading.conftest import PARTITIONS, Site, Start
from tests.loader.samples import point
from tests.run.platform import wait_until

pytestmark = pytest.mark.kafka

ALERT_FILE = """
[[threshold]]
name = "housing"
service = "housing"
at_least = 10
[[threshold]]
name = "taxes"
service = "taxes"
at_least = 10
[notification]
otherwise = ["banner"]
[notification.receiver.banner]
kind = "topic"
"""


def say(site: Site, service: str, count: int) -> None:
    """So many journeys of a service meet a trouble now; gateways tick, and the detector has folded all there is."""
    events, frictions = (KafkaLogWriter(site.broker.brokers, topic) for topic in (JOURNEY_EVENTS, FRICTIONS))
    time = to_text(now_us())
    tick = encode([ClockTicked(time)])
    offsets = events.append([Record(partition, Kind.CONTROL, tick, 1) for partition in range(PARTITIONS)])
    log_id = str(KafkaLogReader(site.broker.brokers, JOURNEY_EVENTS).log_id())
    places = {
        "service": service,
        "channel": "web",
        "territory": "",
        "source": "/web",
        "time": time,
        "rule": "error_loop",
    }
    for number in range(count):
        row = msgspec.structs.replace(point(number, **places), id=f"{service}-{number}", journey=f"{service}-{number}")
        frictions.append([Record(number % PARTITIONS, Kind.POINTS, encode([row]), 1)])
    for partition, offset in enumerate(offsets):
        progress = encode([DetectionProgressed(partition, log_id, offset + 1, 0)])
        frictions.append([Record(partition, Kind.CONTROL, progress, 1)])
    events.close()
    frictions.close()


def told(site: Site) -> list[str]:
    """What stands in the topic: each step, and the threshold it is about."""
    reader = KafkaLogReader(site.broker.brokers, ALERTS)
    try:
        items: list[dict[str, Any]] = [
            item for record in reader.read({}, 1_000_000) for item in json.loads(record.value)
        ]
    finally:
        reader.close()
    name = {True: "housing", False: "taxes"}
    return [f"{item['type'].rpartition('.')[2]} {name['housing' in json.dumps(item['data'])]}" for item in items]


def test_one_looks_and_another_takes_over(site: Site, registry: Registry, start: Start, tmp_path: Path) -> None:
    """Killed with -9 and ended in order: what was told is not told again, and what is new is."""
    file = tmp_path / "alerts.toml"
    file.write_text(ALERT_FILE, encoding="utf-8")
    processes = {name: start("alerts", instance=name, alerts=str(file)) for name in ("one", "two")}

    def states() -> dict[str, str]:
        return {
            each.instance: each.document["state"] for each in registry.heartbeats.latest("alerts") if each.age_s < 5
        }

    wait_until(lambda: sorted(states().values()) == ["looking", "standby"], 60)
    holder = next(name for name, state in states().items() if state == "looking")
    other = "two" if holder == "one" else "one"
    say(site, "housing", 10)
    wait_until(lambda: told(site) == ["fired housing"], 30)
    processes[holder].kill()
    wait_until(lambda: states().get(other) == "looking", 30)
    say(site, "taxes", 10)
    wait_until(lambda: told(site) == ["fired housing", "fired taxes"], 30)
    signs = next(each.document for each in registry.heartbeats.latest("alerts") if each.instance == other)
    assert signs["trouble"] == ""
    processes[other].send_signal(signal.SIGTERM)
    assert processes[other].wait(15) == 0
    assert registry.leases.holder("alerts") is None
    start("alerts", instance="three", alerts=str(file))
    wait_until(lambda: states().get("three") == "looking", 60)
    say(site, "housing", 10)
    assert told(site) == ["fired housing", "fired taxes"]
    desk = cluster_desk(Settings(data=tmp_path / "pages", alerts=file), registry)
    desk.send_test("banner")  # by the pages, which have no producer of the topic: the process that tells sends it
    assert len(told(site)) == 3
