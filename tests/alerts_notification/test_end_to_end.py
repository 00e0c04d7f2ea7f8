"""From what a round finds to what a receiver gets: through the registry, its outbox, the sender and a real webhook."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.alerts.actions import acknowledge
from services.alerts.keeping import AlertKeeping, Message
from services.alerts.lifecycle import Round
from services.alerts.notification.outbox import CLAIM_US
from services.alerts.notification.sender import Sender
from services.alerts.notification.telling import told
from services.alerts.notification.worker import Bounds
from services.alerts.policy import Policy
from services.alerts.steps import Taken
from shared.clock import now_us
from shared.journey.instants import SECOND_US
from shared.registry.registry import Registry
from tests.alerts_notification.http_server import Answer, Server, serving
from tests.alerts_notification.samples import finding, settings
from tests.alerts_notification.test_sender import until
from tests.alerts_notification.to_webhook import webhook_to

MINUTE_US = 60 * SECOND_US
SETTINGS = settings(receivers=settings().receivers | {"web": settings().receivers["day"]}, otherwise=("web",))


class Site:
    """A registry, rounds in it, and a sender to a webhook; time is the real one, moved ahead by the test."""

    def __init__(self, url: str, server: Server) -> None:
        self.url = url
        self.registry = Registry(url)
        self.registry.upgrade()
        self.server = server
        self.ahead_us = 0
        self.keeping = AlertKeeping(self.registry, Policy(), self._tell)

    def now_us(self) -> int:
        """The time."""
        return now_us() + self.ahead_us

    def round(self, *, broken: bool) -> None:
        """A round, a minute after the one before, that finds a broken form or nothing."""
        self.ahead_us += MINUTE_US
        at_us = self.now_us()
        found = (
            [finding(from_us=at_us - 15 * MINUTE_US, to_us=at_us, since_us=at_us - 15 * MINUTE_US)] if broken else []
        )
        self.keeping.pass_round(self.keeping.begin(at_us), Round(now_us=at_us, findings=found), b"")

    def send(self) -> Sender:
        """A sender, started."""
        bounds = Bounds(timeout_s=2, max_tries=100, max_age_s=10**6)
        outbox = self.registry.outbox
        channels = {"web": webhook_to(self.server.port, 2)}
        sender = Sender(channels, outbox, outbox, bounds=bounds, clock_us=self.now_us, random=lambda: 1.0)
        sender.start()
        return sender

    def steps(self) -> list[str]:
        """What the webhook was told, in order."""
        return [json.loads(request.body)["step"] for request in self.server.requests]

    def waiting(self) -> int:
        """How much is still to be told."""
        return self.registry.outbox.counts()["waiting"]

    def _tell(self, taken: Taken) -> list[Message]:
        return [Message(*each) for each in told(SETTINGS, taken.alert, taken.transition, 10)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """One on SQLite."""
    with serving() as server:
        made = Site(f"sqlite:///{tmp_path / 'registry.sqlite'}", server)
        yield made
        made.registry.close()


def test_each_transition_is_told_once_in_order(site: Site) -> None:
    """Fired, acknowledged by a person, resolved; restarts of the sender in between change nothing."""
    sender = site.send()
    site.round(broken=True)
    sender.wake()
    until(lambda: len(site.server.requests) == 1)
    sender.stop(5)
    (open_alert,) = site.keeping.open()
    at_us = site.now_us()
    site.keeping.act(open_alert.id, open_alert.version, lambda alert: acknowledge(alert, "Camille", at_us, Policy()))
    for _ in range(12):
        site.round(broken=False)
    sender = site.send()
    until(lambda: site.waiting() == 0)
    time.sleep(0.2)
    sender.stop(5)
    assert site.steps() == ["fired", "acknowledged", "resolved"]
    bodies: list[dict[str, Any]] = [json.loads(request.body) for request in site.server.requests]
    assert len({body["key"] for body in bodies}) == 3
    assert {body["alert"] for body in bodies} == {open_alert.id}
    assert [body["number"] for body in bodies] == sorted(body["number"] for body in bodies)
    assert "Camille" not in json.dumps(bodies)


def test_a_dead_receiver_gets_all_in_order_when_it_is_back(site: Site) -> None:
    """The whole life of an alert waits for it, and arrives once, in order."""
    site.server.answers = [Answer(503), Answer(503), Answer(200)]
    site.round(broken=True)
    sender = site.send()
    for _ in range(12):
        site.round(broken=False)
        sender.wake()
    until(lambda: site.waiting() == 0)
    sender.stop(5)
    assert site.steps() == ["fired", "fired", "fired", "resolved"]


def test_a_process_killed_while_it_sends_forgets_nothing(site: Site) -> None:
    """Killed between the receiver's taking and the answer: the message comes again under the same key, and then no more."""
    site.server.answers = [Answer(hold=threading.Event()), Answer(200)]
    site.ahead_us = -MINUTE_US  # so that the round is now, also for the other process
    site.round(broken=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.alerts_notification.send_once", site.url, str(site.server.port)],
        cwd=Path(__file__).parents[2],
    )
    try:
        until(lambda: len(site.server.requests) == 1 or process.poll() is not None, 60)
    finally:
        process.kill()
        process.wait()
    assert site.waiting() == 1
    site.ahead_us = 2 * CLAIM_US
    sender = site.send()
    until(lambda: site.waiting() == 0)
    sender.wake()
    time.sleep(0.2)
    sender.stop(5)
    assert site.steps() == ["fired", "fired"]
    assert len({request.headers["webhook-id"] for request in site.server.requests}) == 1
