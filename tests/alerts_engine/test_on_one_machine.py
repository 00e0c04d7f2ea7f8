"""A whole platform on one machine: from a POST at the gateway to an alert in the topic `alerts`."""

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shared.clock import now_us
from shared.journey.instants import to_text
from shared.log.local import LocalLogReader
from shared.log.port import ALERTS
from tests.run.platform import Platform, running, wait_until

ALERT_FILE = """
[[threshold]]
name = "lost calls"
service = "housing"
at_least = 10

[notification]
otherwise = ["banner"]
[notification.receiver.banner]
kind = "topic"
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A running platform with a threshold, and the topic as the one who is told."""
    folder = tmp_path_factory.mktemp("alerts")
    file = folder / "alerts.toml"
    file.write_text(ALERT_FILE, encoding="utf-8")
    with running(folder / "data", alerts=str(file)) as started:
        yield started


def lost_call(number: int) -> dict[str, object]:
    """A citizen gives up waiting at the telephone."""
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "/phone",
        "type": "call.abandoned",
        "time": to_text(now_us()),
        "subject": f"person-{number}",
        "data": {"service": "housing", "channel": "phone", "contact": f"call-{number}", "wait_s": 900},
    }


def told(platform: Platform) -> list[dict[str, object]]:
    """What stands in the topic."""
    reader = LocalLogReader(platform.folder / "log" / "alerts.sqlite", ALERTS)
    try:
        return [item for record in reader.read({}, 1_000_000) for item in json.loads(record.value)]
    finally:
        reader.close()


def test_lost_calls_are_told_within_seconds(platform: Platform) -> None:
    """Ten people give up at the telephone: one alert in the topic, and in the metrics; readiness says that somebody looks."""
    wait_until(lambda: httpx.get(f"{platform.people}/readyz").json().get("checks", {}).get("alerts") == "ok", 60)
    wait_until(lambda: "parcours_alerts_rounds_total" in httpx.get(f"{platform.people}/metrics").text)
    events = [lost_call(number) for number in range(10)]
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    posted_s = time.monotonic()
    answer = httpx.post(f"{platform.systems}/v1/phone/events", content=json.dumps(events), headers=headers)
    assert answer.status_code < 300, answer.text
    (message,) = wait_until(lambda: told(platform), 30)
    print(f"told after {time.monotonic() - posted_s:.2f} s")
    assert message["type"] == "parcours.alert.fired"
    assert "lost calls" in json.dumps(message["data"])
    wait_until(lambda: 'parcours_alerts_open{severity="warning"} 1.0' in httpx.get(f"{platform.people}/metrics").text)
    time.sleep(1)
    assert len(told(platform)) == 1


def test_the_doctor_says_that_somebody_looks(platform: Platform) -> None:
    """By the latest round in the registry, and by the engine itself."""
    parts = {part["name"]: part for part in httpx.get(f"{platform.people}/api/v1/doctor", timeout=30).json()["parts"]}
    assert parts["alert rounds"]["status"] == "ok"
    assert parts["alert series"]["status"] == "ok"


def test_a_mistake_in_the_settings_stops_the_start(tmp_path: Path) -> None:
    """With the line."""
    file = tmp_path / "alerts.toml"
    file.write_text("[rises]\nmin_ratio = 0.1\n", encoding="utf-8")
    platform = Platform(tmp_path / "data", alerts=str(file))
    platform.start()
    platform.ended()
    assert platform.status() == 2
    assert "alerts.toml, line 2" in "".join(platform.stderr)
