"""What is to be told, on SQLite and on a real PostgreSQL: never forgotten, given to one at a time, in order."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec import structs

from services.alerts.notification.outbox import CLAIM_US, PUT_OFF, ActiveMessages, Outbox
from shared.errors import RecordConflict
from shared.registry.outbox import HOLD_US, MAX_WAIT_US
from shared.registry.registry import Registry
from tests.alerts_lifecycle.rows import T0, delivery, row, step, write
from tests.registry.conftest import Open

MINUTE = 60_000_000


@pytest.fixture
def filled(registry: Registry) -> Registry:
    """Two alerts; of the first, two transitions for two receivers; of the second, one for one."""
    one, other = row("a"), row("b")
    registry.alerts.commit_round(write(0, one, receivers=("hook", "mail")))
    second = structs.replace(one, version=2)
    deliveries = [delivery(second, name, T0 + 1) for name in ("hook", "mail")]
    transitions = [step(second), step(other)]
    registry.alerts.commit_round(
        write(1, second, other, transitions=transitions, deliveries=[*deliveries, delivery(other, created_us=T0 + 2)])
    )
    return registry


def ids(registry: Registry, now_us: int, limit: int = 100) -> list[str]:
    """What is given out: alert, number, receiver."""
    return [f"{each.alert[0]}{each.number}{each.receiver}" for each in registry.outbox.claim(limit, now_us)]


def test_the_sender_finds_its_port(filled: Registry) -> None:
    """The registry's outbox is what the sender reads from; a claim lasts as long as the sender needs."""
    port: Outbox = filled.outbox
    active: ActiveMessages = filled.outbox
    assert HOLD_US >= CLAIM_US
    first = port.claim(1, T0 + 10)[0]
    assert (first.id, first.receiver, first.tries) == (f"{'a' * 16}-1-hook", "hook", 0)
    assert (first.message, first.created_us) == (b"a" * 16 + b" 1", T0)
    assert first.claimed_until_us == T0 + 10 + HOLD_US
    filled.outbox.delivered(f"{'a' * 16}-2-mail")
    assert active.active("mail") == [b"a" * 16 + b" 2"]


def test_messages_come_in_the_order_of_what_happened(filled: Registry) -> None:
    """Of one alert and receiver the second waits for the first; others do not."""
    assert ids(filled, T0 + 10) == ["a1hook", "a1mail", "b1hook"]
    assert ids(filled, T0 + 10) == []
    filled.outbox.delivered(f"{'a' * 16}-1-mail")
    assert ids(filled, T0 + 10) == ["a2mail"]
    filled.outbox.dead(f"{'a' * 16}-1-hook", "gone")
    assert ids(filled, T0 + 10) == ["a2hook"]


def test_what_is_not_due_is_not_given_out(filled: Registry) -> None:
    """Before its time, and before its next try; a try that was put off is none."""
    assert ids(filled, T0 - MINUTE) == []
    assert ids(filled, T0, 1) == ["a1hook"]
    filled.outbox.failed(f"{'a' * 16}-1-hook", "refused\0" + "x" * 2_000, T0 + MINUTE)
    assert "a1hook" not in ids(filled, T0 + MINUTE - 1)
    (again,) = [each for each in filled.outbox.claim(9, T0 + MINUTE) if each.number == 1 and each.receiver == "hook"]
    assert (again.tries, again.last_error[:8]) == (1, "refusedx")
    filled.outbox.failed(again.id, PUT_OFF, T0 + 2 * MINUTE)
    (later,) = [each for each in filled.outbox.of("a" * 16) if each.id == again.id]
    assert (later.tries, later.next_try_us, later.claimed_until_us) == (1, T0 + 2 * MINUTE, 0)


def test_what_waits_for_its_hours_is_not_given_out(registry: Registry) -> None:
    """A route of weekdays may hold a message back over a long weekend; what happens later does not overtake it."""
    one = row("a")
    second = structs.replace(one, version=2)
    monday_us = T0 + 4 * 86_400_000_000
    registry.alerts.commit_round(write(0, one, deliveries=[delivery(one, due_us=monday_us)]))
    registry.alerts.commit_round(write(1, second))
    assert ids(registry, monday_us - 1) == []
    assert ids(registry, monday_us) == ["a1hook"]


def test_a_sender_that_died_loses_nothing(filled: Registry) -> None:
    """What it had claimed is given out again when the claim is over."""
    assert len(ids(filled, T0 + 10)) == 3
    assert ids(filled, T0 + 9 + HOLD_US) == []
    assert ids(filled, T0 + 10 + HOLD_US) == ["a1hook", "a1mail", "b1hook"]


def test_a_clock_that_is_put_back_holds_nothing_up(filled: Registry) -> None:
    """A claim or a next try that lies further ahead than any may, was written by the earlier clock."""
    assert len(ids(filled, T0 + 30 * MAX_WAIT_US)) == 3
    assert len(ids(filled, T0 + 10)) == 3
    filled.outbox.failed(f"{'b' * 16}-1-hook", "refused", T0 + 30 * MAX_WAIT_US)
    assert ids(filled, T0 + 10) == ["b1hook"]
    filled.outbox.failed(f"{'b' * 16}-1-hook", "refused", T0 + 24 * 60 * MINUTE)
    assert ids(filled, T0 + 10) == ["b1hook"]
    filled.outbox.failed(f"{'b' * 16}-1-hook", "refused", T0 + 10 + 60 * MINUTE)
    assert ids(filled, T0 + 10) == []


def test_what_arrived_is_never_given_out_again(filled: Registry) -> None:
    """Whatever is noted about it afterwards."""
    name = f"{'b' * 16}-1-hook"
    filled.outbox.delivered(name)
    filled.outbox.delivered(name)
    filled.outbox.failed(name, "late answer", T0)
    filled.outbox.dead(name, "late answer")
    assert "b1hook" not in ids(filled, T0 + MINUTE)
    assert [each.state for each in filled.outbox.of("b" * 16)] == ["delivered"]


def test_what_was_given_up_is_for_people(filled: Registry) -> None:
    """Listed with its error, counted, never given out; tried again by hand, once."""
    name = f"{'b' * 16}-1-hook"
    filled.outbox.dead(name, "410 Gone")
    assert [(each.id, each.last_error, each.tries) for each in filled.outbox.dead_letters()] == [(name, "410 Gone", 1)]
    assert filled.outbox.counts() == {"waiting": 4, "dead": 1}
    assert "b1hook" not in ids(filled, T0 + MINUTE)
    filled.outbox.retry(name, T0 + MINUTE)
    with pytest.raises(RecordConflict):
        filled.outbox.retry(name, T0 + MINUTE)
    (again,) = filled.outbox.claim(9, T0 + MINUTE)
    assert (again.id, again.tries, again.created_us) == (name, 0, T0 + MINUTE)
    assert filled.outbox.dead_letters() == []


def test_what_waits_longest_is_told(filled: Registry, open_registry: Open) -> None:
    """For the alarm about alerts that do not go out."""
    assert filled.outbox.oldest_waiting_us() == T0
    for each in (*filled.outbox.of("a" * 16), *filled.outbox.of("b" * 16)):
        filled.outbox.delivered(each.id)
    assert filled.outbox.oldest_waiting_us() is None
    assert filled.outbox.counts() == {"waiting": 0, "dead": 0}


def test_what_waits_is_told_for_each_receiver(filled: Registry) -> None:
    """How many, and the oldest that was tried with its error; not what waits for the hours of its route."""
    found = [(each.receiver, each.waiting, each.created_us, each.last_error) for each in filled.outbox.waiting(T0 + 10)]
    assert found == [("hook", 3, T0, ""), ("mail", 2, T0, "")]
    filled.outbox.failed(f"{'b' * 16}-1-hook", "refused", T0 + 100 * MINUTE)
    filled.outbox.failed(f"{'a' * 16}-1-mail", PUT_OFF, T0 + 5 * MINUTE)
    filled.outbox.failed(f"{'a' * 16}-2-mail", PUT_OFF, T0 + 100 * MINUTE)
    hook, mail = filled.outbox.waiting(T0 + 10)
    assert (hook.waiting, hook.created_us, hook.last_error, hook.message) == (3, T0 + 2, "refused", b"b" * 16 + b" 1")
    assert (mail.waiting, mail.created_us, mail.last_error) == (1, T0, "")
    filled.outbox.delivered(f"{'a' * 16}-1-mail")
    assert [each.receiver for each in filled.outbox.waiting(T0 + 10)] == ["hook"]


def test_what_is_still_true_is_what_is_open_and_told(filled: Registry) -> None:
    """The latest message of each open alert to the receiver; none of one that is suppressed or resolved, none that waits."""
    assert filled.outbox.active("hook") == []
    filled.outbox.delivered(f"{'a' * 16}-1-hook")
    assert filled.outbox.active("hook") == [b"a" * 16 + b" 1"]
    filled.outbox.dead(f"{'a' * 16}-2-hook", "gone")
    filled.outbox.delivered(f"{'b' * 16}-1-hook")
    assert filled.outbox.active("hook") == [b"a" * 16 + b" 2", b"b" * 16 + b" 1"]
    one, other = sorted(filled.alerts.open(), key=lambda each: each.id)
    ended = structs.replace(one, version=3, state="resolved", resolved_us=T0)
    quiet = structs.replace(other, version=2, suppressed_by="silence:s")
    filled.alerts.commit_round(write(2, ended, quiet))
    assert filled.outbox.active("hook") == []


def test_many_senders_never_share_a_delivery(open_registry: Open) -> None:
    """Six senders take a hundred messages: each is sent once, and each alert's in order."""
    registries = [open_registry() for _ in range(3)]
    alerts = [row(each) for each in "0123456789"]
    for number in range(1, 11):
        versions = [structs.replace(each, version=number) for each in alerts]
        registries[0].alerts.commit_round(write(number - 1, *versions))
    sent: list[str] = []

    def send(worker: int) -> None:
        outbox = registries[worker % 3].outbox
        deadline_s = time.monotonic() + 60
        while time.monotonic() < deadline_s:
            claimed = outbox.claim(4, T0 + 1)
            if not claimed and not outbox.counts()["waiting"]:
                return
            for each in claimed:
                sent.append(each.id)
                outbox.delivered(each.id)

    with ThreadPoolExecutor(6) as threads:
        for done in [threads.submit(send, worker) for worker in range(6)]:
            done.result()
    assert len(sent) == len(set(sent)) == 100
    for each in alerts:
        numbers = [int(name.split("-")[1]) for name in sent if name.startswith(each.id)]
        assert numbers == sorted(numbers)
