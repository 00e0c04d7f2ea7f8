"""The sender with its threads: no receiver waits for another, nothing is forgotten, nothing is sent twice."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network

import pytest

from services.alerts.notification.alertmanager import AlertmanagerChannel
from services.alerts.notification.channel import Channel, OnceOnly
from services.alerts.notification.connection import Reach
from services.alerts.notification.message import Message, encode
from services.alerts.notification.outbox import CLAIM_US
from services.alerts.notification.sender import QUEUE_LIMIT, Sender
from services.alerts.notification.webhook import WebhookChannel
from services.alerts.notification.worker import Bounds
from shared.errors import NotDelivered
from shared.journey.instants import SECOND_US
from tests.alerts_notification.http_server import Answer, serving
from tests.alerts_notification.memory_outbox import MemoryOutbox
from tests.alerts_notification.samples import NOW_US, alert, message, transition

BOUNDS = Bounds(timeout_s=1, max_tries=100, max_age_s=36_000)


class Clock:
    """Runs as fast as the real one from `NOW_US` on, and can be set."""

    def __init__(self) -> None:
        self.ahead_us = NOW_US - time.monotonic_ns() // 1_000

    def __call__(self) -> int:
        """Microseconds since 1970."""
        return time.monotonic_ns() // 1_000 + self.ahead_us


class Receiver(OnceOnly):
    """Notes what it gets; waits for `gate`, fails while `down`."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.down = False
        self.closed = False

    def send(self, message: Message, now_us: int) -> None:
        """As the port says."""
        self.gate.wait(10)
        if self.down:
            raise NotDelivered("down")
        self.taken.append(message.key)

    def close(self) -> None:
        """As the port says."""
        self.closed = True


@contextmanager
def sending(channels: dict[str, Channel], outbox: MemoryOutbox, clock: Clock | None = None) -> Iterator[Sender]:
    """A sender, started; stopped at the end."""
    chance = random.Random(1).random
    sender = Sender(channels, outbox, outbox, bounds=BOUNDS, clock_us=clock or Clock(), random=chance)
    sender.start()
    try:
        yield sender
    finally:
        sender.stop(5)


def until(condition: Callable[[], object], limit_s: float = 10) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.01)


def add(outbox: MemoryOutbox, receiver: str, name: str = "a1", number: int = 1) -> str:
    """A transition is to be told to a receiver."""
    content = encode(message(alert(id=name), transition(number=number)))
    return outbox.add(alert=name, number=number, receiver=receiver, message=content)


def test_a_dead_receiver_never_delays_another() -> None:
    """While one hangs with more waiting than it can hold, messages to the other arrive at once."""
    dead, good, outbox = Receiver(), Receiver(), MemoryOutbox()
    dead.gate.clear()
    for number in range(3 * QUEUE_LIMIT):
        add(outbox, "dead", f"d{number}")
    with sending({"dead": dead, "good": good}, outbox) as sender:
        until(lambda: sender.states()[0].queued > 0)
        began = time.monotonic()
        for number in range(20):
            add(outbox, "good", f"g{number}")
        sender.wake()
        until(lambda: len(good.taken) == 20)
        assert time.monotonic() - began < 5
        assert dead.taken == []
        assert sender.states()[0].queued <= QUEUE_LIMIT
        dead.gate.set()
    assert dead.closed
    assert good.closed


def test_a_real_webhook_that_hangs_does_not_delay_another() -> None:
    """The same over HTTP: one server takes requests and never answers."""
    reach = Reach(allow=(ip_network("127.0.0.0/8"),), timeout_s=1)
    with serving() as hanging, serving() as answering:
        hanging.answers = [Answer(hold=threading.Event())]
        channels: dict[str, Channel] = {
            name: WebhookChannel(f"http://127.0.0.1:{server.port}/", [b"k" * 32], None, reach)
            for name, server in (("hanging", hanging), ("answering", answering))
        }
        outbox = MemoryOutbox()
        for number in range(10):
            add(outbox, "hanging", f"h{number}")
            add(outbox, "answering", f"a{number}")
        with sending(channels, outbox):
            until(lambda: len(answering.requests) == 10, 5)
        assert len(hanging.requests) < 10


def test_messages_of_an_alert_arrive_in_order() -> None:
    """Also when the first is tried several times."""
    receiver, outbox, clock = Receiver(), MemoryOutbox(), Clock()
    receiver.down = True
    for number in (1, 2, 3):
        add(outbox, "web", number=number)
    with sending({"web": receiver}, outbox, clock) as sender:
        until(lambda: outbox.kept["a1-1-web"].tries >= 1)
        receiver.down = False
        clock.ahead_us += 60 * SECOND_US
        sender.wake()
        until(lambda: len(receiver.taken) == 3)
    assert receiver.taken == ["a1-1", "a1-2", "a1-3"]


def test_after_a_restart_in_the_middle_all_arrive_once() -> None:
    """What waited in the threads is due again at once; what had arrived is not sent again."""
    receiver, outbox = Receiver(), MemoryOutbox()
    receiver.gate.clear()
    for number in range(30):
        add(outbox, "web", f"a{number}")
    sender = Sender({"web": receiver}, outbox, outbox, bounds=BOUNDS, clock_us=Clock(), random=lambda: 1.0)
    sender.start()
    until(lambda: sender.states()[0].queued > 20)
    stopping = threading.Thread(target=sender.stop, args=(5,))
    stopping.start()
    receiver.gate.set()
    stopping.join()
    assert 1 <= len(receiver.taken) < 30
    with sending({"web": receiver}, outbox):
        until(lambda: len(receiver.taken) == 30)
    assert len(set(receiver.taken)) == 30
    assert {each.state for each in outbox.kept.values()} == {"delivered"}


def test_what_a_killed_sender_had_claimed_is_sent_after_its_claim() -> None:
    """Nobody told the outbox that it died: the claim runs out, and another sends."""
    receiver, outbox, clock = Receiver(), MemoryOutbox(), Clock()
    one = add(outbox, "web")
    assert len(outbox.claim(10, clock())) == 1
    with sending({"web": receiver}, outbox, clock) as sender:
        until(lambda: outbox.claims > 2)
        assert receiver.taken == []
        clock.ahead_us += CLAIM_US
        sender.wake()
        until(lambda: outbox.state(one) == "delivered")
    assert receiver.taken == ["a1-1"]


def test_an_outbox_that_does_not_answer_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    """The threads live on, the error is told, and when it answers everything arrives, once."""
    receiver, outbox = Receiver(), MemoryOutbox()
    outbox.failing = 2
    add(outbox, "web")
    with sending({"web": receiver}, outbox) as sender:
        until(sender.error)
        assert "registry does not answer" in sender.error()
        until(lambda: receiver.taken)
        until(lambda: sender.error() == "")
        assert sender.looked_us() is not None
    assert receiver.taken == ["a1-1"]
    assert caplog.text.count("does not answer") >= 1


def test_a_defect_of_a_channel_does_not_end_its_thread(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is raised is logged; the next message goes through."""

    class Broken(Receiver):
        def send(self, message: Message, now_us: int) -> None:
            if message.alert == "bad":
                raise RuntimeError("a defect")
            super().send(message, now_us)

    receiver, outbox = Broken(), MemoryOutbox()
    add(outbox, "web", "bad")
    add(outbox, "web", "good")
    with sending({"web": receiver}, outbox):
        until(lambda: receiver.taken == ["good-1"])
    assert "a defect" in caplog.text


def test_a_receiver_that_the_settings_no_longer_have_is_a_dead_letter() -> None:
    """People see that the message had nowhere to go."""
    outbox = MemoryOutbox()
    one = add(outbox, "gone")
    with sending({"web": Receiver()}, outbox):
        until(lambda: outbox.state(one) == "dead")
    assert outbox.kept[one].errors == ["the settings have no receiver gone any more"]


def test_a_test_is_sent_now_and_its_error_told() -> None:
    """Beside the outbox, with the reason when it does not arrive; an unknown receiver is named."""
    receiver = Receiver()
    with sending({"web": receiver}, MemoryOutbox()) as sender:
        sender.send_test("web", message())
        assert receiver.taken == ["a1-1"]
        receiver.down = True
        with pytest.raises(NotDelivered, match="down"):
            sender.send_test("web", message())
        with pytest.raises(NotDelivered, match="there is no receiver nobody; there are: web"):
            sender.send_test("nobody", message())


def test_a_test_waits_no_longer_than_a_message_may_take() -> None:
    """When the receiver's thread is busy with one that hangs, that is said."""
    receiver, outbox = Receiver(), MemoryOutbox()
    receiver.gate.clear()
    add(outbox, "web")
    with sending({"web": receiver}, outbox) as sender:
        until(lambda: outbox.claims > 0 and sender.states()[0].queued == 0)
        with pytest.raises(NotDelivered, match="try again"):
            sender.send_test("web", message())
        receiver.gate.set()


def test_what_is_active_is_told_again_between_the_messages() -> None:
    """A receiver that forgets is told each `repeat_s` of what the outbox says is active, also when nothing happens."""
    reach = Reach(allow=(ip_network("127.0.0.0/8"),), timeout_s=1)
    outbox = MemoryOutbox()
    add(outbox, "monitoring")
    with serving() as server:
        channel = AlertmanagerChannel(f"http://127.0.0.1:{server.port}", repeat_s=1, reach=reach)
        with sending({"monitoring": channel}, outbox):
            until(lambda: len(server.requests) >= 4)
        bodies = [request.body for request in server.requests]
    assert len(set(bodies)) > 1
    assert all(b'"alert_id":"a1"' in body for body in bodies)


def test_a_sender_that_was_never_started_can_be_stopped() -> None:
    """So that whoever made it can always end it."""
    receiver = Receiver()
    Sender({"web": receiver}, MemoryOutbox(), MemoryOutbox(), bounds=BOUNDS, clock_us=Clock(), random=lambda: 0.5).stop(
        1
    )
    assert receiver.closed
