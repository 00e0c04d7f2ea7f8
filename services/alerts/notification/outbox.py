"""The port of what is to be told: written with the alert's transition in one transaction, read by the sender."""

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

from shared.journey.instants import SECOND_US

PUT_OFF: Final = ""
"""The error of a delivery that was not tried: its receiver is known not to answer, or an earlier message still waits."""


CLAIM_US: Final = 120 * SECOND_US
"""A claim lasts at least so long: longer than the longest time for one message, and some waiting before it."""


class Delivery(Struct, frozen=True, kw_only=True):
    """One message for one receiver; there is one for each (alert, transition, receiver).

    message: JSON of `services.alerts.notification.message.Message`, made when the transition was. tries: how often it was
    tried and failed. created_us: when it was first due. claimed_until_us: until then no other claim gives it out.
    """

    id: str
    receiver: str
    message: bytes
    created_us: int
    claimed_until_us: int
    tries: int = 0


class Outbox(Protocol):
    """What is to be told. All methods may be called from several threads, and raise `RegistryError` when it is not there."""

    def claim(self, limit: int, now_us: int, /) -> Sequence[Delivery]:
        """At most `limit` deliveries that are due and not claimed by another, the longest due first (of one alert in the
        order of its transitions); they are this caller's until `claimed_until_us`, then due again.
        """

    def delivered(self, delivery: str, /) -> None:
        """It has arrived: never given out again. Nothing happens when it is already delivered or dead."""

    def failed(self, delivery: str, error: str, next_try_us: int, /) -> None:
        """It did not arrive and is due again at `next_try_us`; counts a try, unless `error` is `PUT_OFF`."""

    def dead(self, delivery: str, error: str, /) -> None:
        """It is given up: kept with its error for people to see, never given out again."""


class ActiveMessages(Protocol):
    """What is still true: for receivers that forget what they are not told again."""

    def active(self, receiver: str, /) -> Sequence[bytes]:
        """The latest message (JSON) to this receiver of each alert that is open and not suppressed. Raises `RegistryError`."""
