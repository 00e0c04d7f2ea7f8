"""What is done with each message to one receiver, without threads: tried, tried again later, or given up."""

import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

from services.alerts.notification.channel import Channel
from services.alerts.notification.message import Message, decode
from services.alerts.notification.outbox import PUT_OFF, Delivery, Outbox
from services.alerts.notification.retry import Circuit, Random, delay_us
from shared.errors import NotDelivered
from shared.journey.instants import SECOND_US, from_text

MAX_REMEMBERED: Final = 1_000
"""So many messages are known to have arrived, the latest: none of them is sent again, whatever the outbox says."""

_log = logging.getLogger(__name__)


class Bounds(Struct, frozen=True, kw_only=True):
    """How long a message is tried: the time of one try, how many of them, and its age."""

    timeout_s: float
    max_tries: int
    max_age_s: float


class ReceiverState(Struct, frozen=True, kw_only=True):
    """How a receiver is, for people and metrics. Counts are since the start of the process; instants in µs."""

    receiver: str
    circuit: Literal["closed", "open", "half_open"]
    queued: int
    delivered: int
    failed: int
    dead: int
    last_delivered_us: int | None
    last_error: str
    last_error_us: int | None


class Worker:
    """Handles the deliveries of one receiver, one after the other."""

    def __init__(self, receiver: str, channel: Channel, outbox: Outbox, bounds: Bounds, random: Random) -> None:
        self.receiver: Final = receiver
        self.channel: Final = channel
        self.circuit: Final = Circuit()
        self._outbox = outbox
        self._bounds = bounds
        self._random = random
        self._sent: OrderedDict[str, None] = OrderedDict()
        self._delivered = self._failed = self._dead = 0
        self._last_delivered_us: int | None = None
        self._last_error = ""
        self._last_error_us: int | None = None

    def handle(self, delivery: Delivery, now_us: int) -> None:
        """Do what is to be done with a delivery now. Raises `RegistryError`; then it will be claimed again.

        One whose claim could run out during the try is left: another claim may have it already. Given twice, it is sent once.
        """
        if delivery.id in self._sent:  # it could not be written down, or a jump of the clock ended the claim meanwhile
            self._outbox.delivered(delivery.id)
            return
        if delivery.claimed_until_us - now_us < self._bounds.timeout_s * SECOND_US:
            return
        try:
            message = decode(delivery.message)
        except msgspec.MsgspecError as error:
            self._give_up(delivery, f"the message cannot be read: {error}", now_us)
            return
        if now_us - max(from_text(message.due), delivery.created_us) > self._bounds.max_age_s * SECOND_US:
            self._give_up(delivery, self._last_error or "older than max_age_s before it could be sent", now_us)
            return
        paused_until_us = self.circuit.until_us(now_us)
        if paused_until_us is None:
            self._try(delivery, message, now_us)
        else:
            self._outbox.failed(delivery.id, PUT_OFF, paused_until_us)

    def send_again(self, contents: Sequence[bytes], now_us: int) -> None:
        """Tell the receiver again what is active."""
        if self.circuit.until_us(now_us) is not None:
            return
        messages = [each for each in map(_readable, contents) if each is not None]
        try:
            self.channel.send_again(messages, now_us)
        except NotDelivered as error:
            self._note(error, now_us)
        else:
            self.circuit.succeeded()

    def state(self, queued: int, now_us: int) -> ReceiverState:
        """How the receiver is."""
        return ReceiverState(
            receiver=self.receiver,
            circuit=self.circuit.state(now_us),
            queued=queued,
            delivered=self._delivered,
            failed=self._failed,
            dead=self._dead,
            last_delivered_us=self._last_delivered_us,
            last_error=self._last_error,
            last_error_us=self._last_error_us,
        )

    def _try(self, delivery: Delivery, message: Message, now_us: int) -> None:
        try:
            self.channel.send(message, now_us)
        except NotDelivered as error:
            self._note(error, now_us)
            self._try_later(delivery, error, now_us)
            return
        self.circuit.succeeded()
        self._delivered += 1
        self._last_delivered_us = now_us
        self._sent[delivery.id] = None
        if len(self._sent) > MAX_REMEMBERED:
            self._sent.popitem(last=False)
        self._outbox.delivered(delivery.id)

    def _try_later(self, delivery: Delivery, error: NotDelivered, now_us: int) -> None:
        tries = delivery.tries + 1
        if error.permanent or tries >= self._bounds.max_tries:
            self._give_up(delivery, str(error), now_us)
            return
        wait_us = max(delay_us(tries, self._random), round((error.retry_after_s or 0) * SECOND_US))
        self._outbox.failed(delivery.id, str(error), now_us + wait_us)

    def _note(self, error: NotDelivered, now_us: int) -> None:
        if not error.permanent:  # a receiver that refuses one message is there for the next
            self.circuit.failed(now_us)
        self._failed += 1
        self._last_error, self._last_error_us = str(error), now_us

    def _give_up(self, delivery: Delivery, error: str, now_us: int) -> None:
        _log.error(
            "a notification is given up", extra={"receiver": self.receiver, "delivery": delivery.id, "error": error}
        )
        self._dead += 1
        self._last_error, self._last_error_us = error, now_us
        self._outbox.dead(delivery.id, error)


def _readable(content: bytes) -> Message | None:
    """The message; `None` for one of another form, which an earlier version wrote: its alert is told again when it changes."""
    try:
        return decode(content)
    except msgspec.MsgspecError:
        return None
