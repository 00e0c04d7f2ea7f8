"""The port of what is to be told: written with the alert's transition in one transaction, read by the sender."""

from collections.abc import Sequence
from typing import Final, Protocol

from shared.journey.instants import SECOND_US

PUT_OFF: Final = ""
"""The error of a delivery that was not tried: its receiver is known not to answer, or has too many before it."""


CLAIM_US: Final = 60 * SECOND_US
"""A claim lasts at least so long: longer than the longest time for one message, and some waiting before it."""


class Delivery(Protocol):
    """One message for one receiver; there is one for each (alert, transition, receiver).

    message: JSON of `services.alerts.notification.message.Message`, made when the transition was. tries: how often it was
    tried and failed. claimed_until_us: until then no other claim gives it out.
    """

    @property
    def id(self) -> str: ...
    @property
    def receiver(self) -> str: ...
    @property
    def message(self) -> bytes: ...
    @property
    def created_us(self) -> int: ...
    @property
    def claimed_until_us(self) -> int: ...
    @property
    def tries(self) -> int: ...


class Outbox(Protocol):
    """What is to be told. All methods may be called from several threads, and raise `RegistryError` when it is not there."""

    def claim(self, limit: int, now_us: int, /) -> Sequence[Delivery]:
        """At most `limit` deliveries that are due and not claimed by another, the longest due first; they are this caller's
        until `claimed_until_us`, then due again. Of one alert and receiver only the first that still waits is given out, so
        that messages arrive in the order of what happened.
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
        """The latest message (JSON) to this receiver, none that still waits, of each alert that is open and not suppressed.

        Raises `RegistryError`.
        """
