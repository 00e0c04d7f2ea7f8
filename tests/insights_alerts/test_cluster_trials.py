"""Send a test, on a cluster: the pages have neither the secrets of receivers nor a way to them, so the service that tells does it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.wiring.alert_desk import RegistryDesk
from services.wiring.alert_pages import cluster_desk
from services.wiring.cluster import alert_trials
from services.wiring.cluster.alert_trials import NAME, Trials, ask
from services.wiring.cluster.alerts import SERVICE
from shared.errors import NotDelivered
from shared.registry.registry import Registry
from shared.settings import Settings
from tests.insights.conftest import NOW_US, new_registry

RECEIVERS = """
[notification]
otherwise = ["hook", "banner"]

[notification.receiver.hook]
kind = "webhook"
url = "https://alerts.invalid/parcours"
key = { environment = "KEY_OF_A_TEST_THAT_IS_NOT_SET" }

[notification.receiver.banner]
kind = "topic"
"""
LIMIT_S = 20.0


@pytest.fixture
def registry() -> Iterator[Registry]:
    """An empty registry."""
    with new_registry() as made:
        yield made


@pytest.fixture
def desk(registry: Registry, tmp_path: Path) -> RegistryDesk:
    """That of the pages, who have the settings and nothing else."""
    file = tmp_path / "alerts.toml"
    file.write_text(RECEIVERS, encoding="utf-8")
    return cluster_desk(Settings(data=tmp_path, alerts=file), registry)


class Telling:
    """A sender that notes what it is asked for, and fails with what it is told to."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.failure: Exception | None = None

    def __call__(self, receiver: str) -> None:
        self.sent.append(receiver)
        if self.failure is not None:
            raise self.failure


@contextmanager
def telling(registry: Registry) -> Iterator[Telling]:
    """The process that looks and tells."""
    made = Telling()
    trials = Trials(registry.values, made)
    trials.look()
    trials.start()
    registry.heartbeats.beat(SERVICE, "one", {"state": "looking", "looked_us": NOW_US})
    try:
        yield made
    finally:
        trials.close(LIMIT_S)


def test_the_pages_need_no_secret_of_a_receiver(registry: Registry, desk: RegistryDesk) -> None:
    """A webhook whose key this process was not given, the topic: who asked learns that each arrived."""
    with telling(registry) as sender:
        desk.send_test("hook")
        desk.send_test("banner")
    assert sender.sent == ["hook", "banner"]


def test_why_it_did_not_arrive_is_told(registry: Registry, desk: RegistryDesk) -> None:
    """In the words of the sender; and after a fault of its own, where to read of it. The next test is sent again."""
    with telling(registry) as sender:
        sender.failure = NotDelivered("no answer within 10 s")
        with pytest.raises(NotDelivered, match="no answer within 10 s"):
            desk.send_test("hook")
        sender.failure = RuntimeError("secret")
        with pytest.raises(NotDelivered, match="its log has it") as told:
            desk.send_test("hook")
        assert "secret" not in str(told.value)
        sender.failure = None
        desk.send_test("hook")


def test_without_a_process_that_tells_it_is_said_at_once(registry: Registry, desk: RegistryDesk) -> None:
    """None speaks, or all stand by: nothing is asked for that might be sent much later."""
    registry.heartbeats.beat(SERVICE, "two", {"state": "standby"})
    with pytest.raises(NotDelivered, match="does not run"):
        desk.send_test("hook")
    assert registry.values.get(NAME) is None


def test_a_process_that_does_not_answer_is_waited_for_a_while(registry: Registry) -> None:
    """Then it is said who did not answer, and for how long."""
    with pytest.raises(NotDelivered, match="did not answer within 1 s"):
        ask(registry.values, "hook", 1.0)


def test_what_was_asked_before_is_not_sent_later(registry: Registry) -> None:
    """Nobody waits for it any more: a process that begins, or takes over, sends only what is asked for from then on."""
    with pytest.raises(NotDelivered):
        ask(registry.values, "hook", 0.0)
    with telling(registry) as sender:
        ask(registry.values, "banner", LIMIT_S)
    assert sender.sent == ["banner"]


def test_a_test_is_sent_once(registry: Registry) -> None:
    """Whether or not its answer could be kept: a look more sends nothing more."""
    sender = Telling()
    trials = Trials(registry.values, sender)
    trials.look()
    assert registry.values.put(NAME, {"id": "a", "receiver": "hook"}, 0)
    for _ in range(3):
        trials.look()
    assert sender.sent == ["hook"]


def test_of_two_who_ask_at_once_each_learns_what_became_of_it(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The later one takes the place of the earlier, who is told so and waits no longer."""
    monkeypatch.setattr(alert_trials, "POLL_S", 0.05)
    failures: list[str] = []

    def first() -> None:
        try:
            ask(registry.values, "hook", LIMIT_S)
        except NotDelivered as error:
            failures.append(str(error))

    thread = threading.Thread(target=first)
    thread.start()
    while (asked := registry.values.get(NAME)) is None:
        pass
    with pytest.raises(NotDelivered, match="did not answer"):
        ask(registry.values, "banner", 1.0)
    thread.join(LIMIT_S)
    assert failures == ["somebody else began another test meanwhile; try again"]
    assert asked.document["receiver"] == "hook"
