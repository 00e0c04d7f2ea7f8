"""What becomes of a message to one receiver: tried, tried again with growing pauses, given up; and a receiver left alone."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from services.alerts.notification.channel import OnceOnly
from services.alerts.notification.message import Message, encode
from services.alerts.notification.outbox import CLAIM_US
from services.alerts.notification.retry import (
    FIRST_PAUSE_S,
    FIRST_S,
    LONGEST_PAUSE_S,
    LONGEST_S,
    OPENS_AFTER,
    Circuit,
    delay_us,
)
from services.alerts.notification.worker import Bounds, Worker
from shared.errors import NotDelivered, RegistryError
from shared.journey.instants import SECOND_US, to_text
from tests.alerts_notification.memory_outbox import MemoryOutbox
from tests.alerts_notification.samples import NOW_US, alert, message, transition

BOUNDS = Bounds(timeout_s=10, max_tries=4, max_age_s=3_600)
DOWN = NotDelivered("hooks.example: no answer")
NEVER = NotDelivered("hooks.example answered 413", permanent=True)


class Receiver(OnceOnly):
    """Takes messages; raises what `failures` holds, one after the other."""

    def __init__(self, *failures: NotDelivered) -> None:
        self.failures = list(failures)
        self.taken: list[str] = []
        self.again: list[int] = []

    def send(self, message: Message, now_us: int) -> None:
        """As the port says."""
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append(message.key)

    def send_again(self, messages: Sequence[Message], now_us: int) -> None:
        """As the port says."""
        if self.failures:
            raise self.failures.pop(0)
        self.again.append(len(messages))


class Life:
    """An outbox and a worker; `pass_time` moves the clock and handles what is due."""

    def __init__(self, *failures: NotDelivered, bounds: Bounds = BOUNDS, chance: float = 1.0) -> None:
        self.receiver = Receiver(*failures)
        self.outbox = MemoryOutbox()
        self.worker = Worker("web", self.receiver, self.outbox, bounds, lambda: chance)
        self.now_us = NOW_US

    def add(self, number: int = 1, name: str = "a1", at_us: int | None = None) -> str:
        """A transition is to be told."""
        told = message(alert(id=name), transition(number=number))
        content = encode(structs.replace(told, due=to_text(at_us or self.now_us)))
        return self.outbox.add(alert=name, number=number, at_us=at_us or self.now_us, message=content)

    def handle(self) -> int:
        """Handle what is due now; how much it was."""
        claimed = self.outbox.claim(100, self.now_us)
        for each in claimed:
            self.worker.handle(each, self.now_us)
        return len(claimed)

    def pass_time(self, seconds: float) -> None:
        """Move the clock a second at a time."""
        for _ in range(round(seconds)):
            self.now_us += SECOND_US
            self.handle()


def test_a_message_is_sent_once() -> None:
    """And never again, however often the outbox is asked."""
    life = Life()
    one = life.add()
    life.handle()
    life.pass_time(600)
    assert life.receiver.taken == ["a1-1"]
    assert life.outbox.state(one) == "delivered"


def test_what_failed_is_tried_again_with_growing_pauses() -> None:
    """After one second, two, four: then it arrives, once."""
    life = Life(DOWN, DOWN, DOWN)
    one = life.add()
    life.handle()
    tried = []
    while life.outbox.state(one) == "waiting":
        due_us = life.outbox.kept[one].next_try_us
        tried.append((due_us - life.now_us) // SECOND_US)
        life.now_us = due_us
        life.handle()
    assert tried == [1, 2, 4]
    assert life.receiver.taken == ["a1-1"]


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_pauses_are_bounded_and_partly_chance(tries: int, chance: float) -> None:
    """Between half of the doubled pause and the whole, never above the bound, never none."""
    full = min(FIRST_S * 2.0 ** min(tries - 1, 60), LONGEST_S) * SECOND_US
    assert full / 2 - 1 <= delay_us(tries, lambda: chance) <= full + 1


def test_a_receiver_that_asks_for_time_gets_it() -> None:
    """`Retry-After` counts where it is longer than the pause."""
    life = Life(NotDelivered("busy", retry_after_s=100))
    one = life.add()
    life.handle()
    assert life.outbox.kept[one].next_try_us == NOW_US + 100 * SECOND_US


def test_tries_are_bounded() -> None:
    """After the last one the message is a dead letter with its reason; the next one goes through."""
    life = Life(*[DOWN] * 4)
    one, two = life.add(1), life.add(2)
    life.handle()
    life.pass_time(300)
    assert life.outbox.state(one) == "dead"
    assert life.outbox.kept[one].errors[-1] == "hooks.example: no answer"
    assert life.receiver.taken == ["a1-2"]
    assert life.outbox.state(two) == "delivered"


def test_age_is_bounded() -> None:
    """A message that is too old is not sent any more, with the last error as its reason."""
    life = Life(DOWN, bounds=Bounds(timeout_s=10, max_tries=100, max_age_s=60))
    one, old = life.add(), life.add(name="a2", at_us=NOW_US - 61 * SECOND_US)
    life.handle()
    assert life.outbox.state(old) == "dead"
    assert "older than" in life.outbox.kept[old].errors[-1]
    life.now_us += 61 * SECOND_US
    life.handle()
    assert life.outbox.state(one) == "dead"
    assert life.receiver.taken == []


def test_what_waited_for_its_hours_is_not_old() -> None:
    """Age counts from when it was due: a message of the night is sent in the morning, and tried again if need be."""
    life = Life(DOWN, bounds=Bounds(timeout_s=10, max_tries=100, max_age_s=60))
    told = structs.replace(message(), due=to_text(NOW_US + 12 * 3_600 * SECOND_US))
    one = life.outbox.add(at_us=NOW_US + 12 * 3_600 * SECOND_US, message=encode(told))
    life.handle()
    life.now_us += 12 * 3_600 * SECOND_US
    life.handle()
    assert life.outbox.state(one) == "waiting"
    life.pass_time(2)
    assert life.receiver.taken == ["a1-1"]


def test_what_is_refused_for_good_is_given_up_at_once() -> None:
    """A receiver that refuses one message is there for the next: it is not left alone."""
    life = Life(*[NEVER] * 6)
    added = [life.add(name=f"a{number}") for number in range(7)]
    life.handle()
    assert [life.outbox.state(each) for each in added] == ["dead"] * 6 + ["delivered"]
    assert life.worker.circuit.state(life.now_us) == "closed"


def test_what_cannot_be_read_is_given_up() -> None:
    """A message of another form does not stop the others."""
    life = Life()
    wrong = life.outbox.add(alert="a0", message=b"{}")
    life.add()
    life.handle()
    assert life.outbox.state(wrong) == "dead"
    assert life.receiver.taken == ["a1-1"]


def test_a_receiver_that_never_answers_is_left_alone_for_a_while() -> None:
    """After five failures in a row nothing is tried for half a minute, then one message; what was put off counts no try."""
    life = Life(*[DOWN] * 6, bounds=Bounds(timeout_s=10, max_tries=100, max_age_s=36_000))
    added = [life.add(name=f"a{number}") for number in range(8)]
    life.handle()
    assert life.worker.circuit.state(life.now_us) == "open"
    assert len(life.receiver.failures) == 1
    assert [life.outbox.kept[each].tries for each in added] == [1] * 5 + [0] * 3
    life.pass_time(FIRST_PAUSE_S - 1)
    assert len(life.receiver.failures) == 1
    life.pass_time(1)
    assert life.receiver.failures == []  # the one try failed: twice as long now
    life.pass_time(2 * FIRST_PAUSE_S - 1)
    assert life.receiver.taken == []
    life.pass_time(LONGEST_PAUSE_S)
    assert {life.outbox.state(each) for each in added} == {"delivered"}
    assert life.worker.circuit.state(life.now_us) == "closed"


def test_a_clock_that_is_set_back_does_not_lengthen_a_pause() -> None:
    """A receiver is not left alone for the hour that the clock jumped."""
    circuit = Circuit()
    for _ in range(OPENS_AFTER):
        circuit.failed(NOW_US)
    assert circuit.until_us(NOW_US) is not None
    assert circuit.until_us(NOW_US - 3_600 * SECOND_US) is None


def test_pauses_of_a_circuit_are_bounded() -> None:
    """However often it fails."""
    circuit = Circuit()
    for _ in range(1_000):
        circuit.failed(NOW_US)
    assert circuit.until_us(NOW_US) == NOW_US + round(LONGEST_PAUSE_S * SECOND_US)
    assert circuit.state(NOW_US + 301 * SECOND_US) == "half_open"


def test_a_message_that_arrived_is_not_sent_again_when_that_could_not_be_written_down() -> None:
    """The registry was gone just then: claimed again, it is only written down."""
    life = Life()
    one = life.add()
    (claimed,) = life.outbox.claim(10, NOW_US)
    life.outbox.failing = 1
    with pytest.raises(RegistryError):
        life.worker.handle(claimed, NOW_US)
    assert life.outbox.state(one) == "waiting"
    life.now_us += CLAIM_US
    life.handle()
    assert life.outbox.state(one) == "delivered"
    assert life.receiver.taken == ["a1-1"]


def test_a_message_given_out_twice_is_sent_once() -> None:
    """The clock jumps while it is sent: its claim is over, it is claimed again, and waits behind itself."""
    life = Life()
    one = life.add()
    (first,) = life.outbox.claim(10, NOW_US)
    (second,) = life.outbox.claim(10, NOW_US + CLAIM_US)
    life.worker.handle(first, NOW_US)
    life.worker.handle(second, NOW_US + CLAIM_US)
    assert life.outbox.state(one) == "delivered"
    assert life.receiver.taken == ["a1-1"]


def test_a_claim_that_could_run_out_during_the_try_is_left() -> None:
    """Another process may have it already; it is claimed again and sent once."""
    life = Life()
    life.add()
    (claimed,) = life.outbox.claim(10, NOW_US)
    late_us = claimed.claimed_until_us - 9 * SECOND_US
    life.worker.handle(claimed, late_us)
    assert life.receiver.taken == []
    life.now_us = claimed.claimed_until_us
    life.handle()
    assert life.receiver.taken == ["a1-1"]


def test_telling_again_respects_a_receiver_that_is_left_alone() -> None:
    """What is active is told again while the receiver answers; a failure counts like any other."""
    life = Life(*[DOWN] * OPENS_AFTER)
    content = encode(message())
    for _ in range(OPENS_AFTER + 1):
        life.worker.send_again([content], NOW_US)
    assert life.receiver.again == []
    life.worker.send_again([content, b"{}", content], NOW_US + 31 * SECOND_US)
    assert life.receiver.again == [2]
    assert life.worker.circuit.state(NOW_US) == "closed"


def test_the_state_says_how_a_receiver_is() -> None:
    """Counts, the last arrival, and the last error with its instant."""
    life = Life(DOWN, NEVER)
    life.add(), life.add(name="a2"), life.add(name="a3")
    life.handle()
    state = life.worker.state(3, NOW_US)
    assert (state.delivered, state.failed, state.dead, state.queued) == (1, 2, 1, 3)
    assert (state.last_delivered_us, state.last_error, state.last_error_us) == (NOW_US, str(NEVER), NOW_US)


def test_what_people_have_tried_again_is_not_too_old() -> None:
    """Its age runs from when they did, however long ago it happened."""
    life = Life()
    one = life.add(at_us=NOW_US - 4 * 3_600 * SECOND_US)
    life.outbox.kept[one].created_us = NOW_US
    life.handle()
    assert life.receiver.taken == ["a1-1"]
