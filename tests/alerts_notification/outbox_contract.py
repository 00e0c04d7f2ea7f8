"""What every outbox must do for the sender; `test_outbox.py` runs it on each of them."""

from collections.abc import Callable
from typing import Any

import pytest

from services.alerts.notification.outbox import CLAIM_US, PUT_OFF, Outbox
from shared.journey.instants import SECOND_US
from tests.alerts_notification.samples import NOW_US

Add = Callable[..., str]
"""`add(alert="a1", number=1, receiver="web", at_us=NOW_US, message=b"{}")` writes a delivery as a transition does; its id."""


class OutboxContract:
    """A subclass gives the fixtures `outbox` and `add`."""

    @pytest.fixture
    def outbox(self) -> Outbox:
        """An empty one."""
        raise AssertionError("the subclass makes it")

    @pytest.fixture
    def add(self) -> Add:
        """Writes to it."""
        raise AssertionError("the subclass makes it")

    def ids(self, found: Any) -> list[str]:
        """Their identities."""
        return [each.id for each in found]

    def test_what_is_written_is_given_out_once(self, outbox: Outbox, add: Add) -> None:
        """A claim gives all that the sender needs; while it lasts nobody else gets the delivery, and after it somebody does."""
        one = add(message=b'{"a": 1}')
        (found,) = outbox.claim(10, NOW_US)
        assert (found.id, found.receiver, found.message, found.tries) == (one, "web", b'{"a": 1}', 0)
        assert found.claimed_until_us >= NOW_US + CLAIM_US
        assert outbox.claim(10, found.claimed_until_us - 1) == []
        assert self.ids(outbox.claim(10, found.claimed_until_us)) == [one]

    def test_not_before_it_is_due(self, outbox: Outbox, add: Add) -> None:
        """A delivery for later waits."""
        one = add(at_us=NOW_US + SECOND_US)
        assert outbox.claim(10, NOW_US) == []
        assert self.ids(outbox.claim(10, NOW_US + SECOND_US)) == [one]

    def test_the_longest_due_come_first_up_to_the_limit(self, outbox: Outbox, add: Add) -> None:
        """And the rest with the next claim."""
        added = [add(alert=f"a{number}", at_us=NOW_US - number * SECOND_US) for number in range(5)]
        assert self.ids(outbox.claim(3, NOW_US)) == [added[4], added[3], added[2]]
        assert self.ids(outbox.claim(3, NOW_US)) == [added[1], added[0]]

    def test_of_one_alert_and_receiver_only_the_first_is_given_out(self, outbox: Outbox, add: Add) -> None:
        """The end of an alert waits for its beginning, also while that is tried again; other receivers do not wait."""
        first, second = add(number=1), add(number=2)
        other = add(number=1, receiver="mail")
        assert set(self.ids(outbox.claim(10, NOW_US))) == {first, other}
        outbox.failed(first, "no answer", NOW_US + 10 * SECOND_US)
        assert outbox.claim(10, NOW_US + SECOND_US) == []
        assert self.ids(outbox.claim(10, NOW_US + 10 * SECOND_US)) == [first]
        outbox.delivered(first)
        assert self.ids(outbox.claim(10, NOW_US + 10 * SECOND_US)) == [second]

    def test_what_has_arrived_is_never_given_out_again(self, outbox: Outbox, add: Add) -> None:
        """However late, and whatever else is said of it."""
        one = add()
        outbox.claim(10, NOW_US)
        outbox.delivered(one)
        outbox.delivered(one)
        outbox.failed(one, "too late", NOW_US)
        outbox.dead(one, "too late")
        assert outbox.claim(10, NOW_US + 10 * CLAIM_US) == []

    def test_what_failed_is_due_again_with_its_tries(self, outbox: Outbox, add: Add) -> None:
        """At the instant that was said, counting the try; one that was only put off counts none."""
        one = add()
        outbox.claim(10, NOW_US)
        outbox.failed(one, "no answer", NOW_US + SECOND_US)
        assert outbox.claim(10, NOW_US) == []
        (again,) = outbox.claim(10, NOW_US + SECOND_US)
        assert (again.id, again.tries) == (one, 1)
        outbox.failed(one, PUT_OFF, NOW_US + 2 * SECOND_US)
        (later,) = outbox.claim(10, NOW_US + 2 * SECOND_US)
        assert later.tries == 1

    def test_what_is_given_up_lets_the_next_through(self, outbox: Outbox, add: Add) -> None:
        """A dead one is never given out again and holds nothing back."""
        first, second = add(number=1), add(number=2)
        outbox.claim(10, NOW_US)
        outbox.dead(first, "refused")
        assert self.ids(outbox.claim(10, NOW_US)) == [second]
        assert outbox.claim(10, NOW_US + CLAIM_US // 2) == []

    def test_an_unknown_delivery_is_nothing(self, outbox: Outbox) -> None:
        """What was removed meanwhile cannot be written to, and that is no error."""
        outbox.delivered("nobody")
        outbox.failed("nobody", "x", NOW_US)
        outbox.dead("nobody", "x")
        assert outbox.claim(10, NOW_US) == []

    def test_a_weekend_is_waited_for(self, outbox: Outbox, add: Add) -> None:
        """A route that waits for Monday morning holds a message for days; the longest wait is eight."""
        days_us = 8 * 86_400 * SECOND_US
        one = add(at_us=NOW_US + days_us)
        for day in range(8):
            assert outbox.claim(10, NOW_US + day * 86_400 * SECOND_US) == []
        assert self.ids(outbox.claim(10, NOW_US + days_us)) == [one]
