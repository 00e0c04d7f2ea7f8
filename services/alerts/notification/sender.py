"""Takes what is to be told out of the outbox and tells it: a thread for each receiver, so that none waits for another."""

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Final

from services.alerts.notification.channel import Channel
from services.alerts.notification.message import Message
from services.alerts.notification.outbox import PUT_OFF, ActiveMessages, Delivery, Outbox
from services.alerts.notification.retry import Random
from services.alerts.notification.worker import Bounds, ReceiverState, Worker
from shared.errors import NotDelivered, ParcoursError
from shared.journey.instants import SECOND_US

CLAIM_LIMIT: Final = 100
QUEUE_LIMIT: Final = 100
"""So many deliveries wait for one receiver; more are put off."""
FULL_PAUSE_S: Final = 30
POLL_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
"""The longest time between two looks at an outbox that does not answer."""

_WAKE_S: Final = 1.0

_log = logging.getLogger(__name__)


class Sender:
    """Sends all that the outbox gives, until it is stopped. `clock_us` tells the time, `random` a number from 0 to 1."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        outbox: Outbox,
        active: ActiveMessages,
        *,
        bounds: Bounds,
        clock_us: Callable[[], int],
        random: Random,
    ) -> None:
        self._outbox = outbox
        self._clock_us = clock_us
        self._bounds = bounds
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._lanes = {
            name: _Lane(Worker(name, channel, outbox, bounds, random), active, clock_us, self._stopping)
            for name, channel in channels.items()
        }
        self._thread = threading.Thread(target=self._run, name="notification", daemon=True)
        self._looked_us: int | None = None
        self._error = ""

    def start(self) -> None:
        """Begin. To be called once."""
        for lane in self._lanes.values():
            lane.thread.start()
        self._thread.start()

    def wake(self) -> None:
        """Look at the outbox now: something was written there."""
        self._wake.set()

    def stop(self, timeout_s: float) -> None:
        """End after the tries that are under way, or after so many seconds. What waited is due again at once."""
        self._stopping.set()
        self._wake.set()
        deadline = monotonic() + timeout_s
        for thread in (self._thread, *(lane.thread for lane in self._lanes.values())):
            if thread.ident is not None:
                thread.join(max(deadline - monotonic(), 0.0))
        now_us = self._clock_us()
        for lane in self._lanes.values():
            for delivery in lane.drained():
                with suppress(ParcoursError):
                    self._outbox.failed(delivery.id, PUT_OFF, now_us)
            lane.worker.channel.close()

    def send_test(self, receiver: str, message: Message) -> None:
        """Send a message now, beside the outbox, in the caller's thread.

        Raises `NotDelivered` with the reason when it did not arrive, or there is no such receiver.
        """
        lane = self._lanes.get(receiver)
        if lane is None:
            raise NotDelivered(f"there is no receiver {receiver}; there are: {', '.join(self._lanes) or 'none'}")
        lane.send_now(message, self._bounds.timeout_s)

    def states(self) -> list[ReceiverState]:
        """How each receiver is."""
        now_us = self._clock_us()
        return [lane.worker.state(lane.queue.qsize(), now_us) for lane in self._lanes.values()]

    def looked_us(self) -> int | None:
        """When the outbox last answered: a sender that has not looked for long is not sending."""
        return self._looked_us

    def error(self) -> str:
        """Why the outbox does not answer, '' when it does."""
        return self._error

    def _run(self) -> None:
        pause_s = POLL_S
        while not self._stopping.is_set():
            try:
                more = self._hand_out()
                pause_s, self._error = POLL_S, ""
            except (
                Exception
            ) as error:  # whatever it is, the next look may succeed; a thread that died would tell nobody
                if str(error) != self._error:
                    _log.exception("the outbox of notifications does not answer")
                more, pause_s, self._error = False, min(pause_s * 2, LONGEST_PAUSE_S), str(error)
            if not more:
                self._wake.wait(pause_s)
                self._wake.clear()

    def _hand_out(self) -> bool:
        """Claim what is due and give it to the receivers' threads; whether there may be more."""
        now_us = self._clock_us()
        claimed = self._outbox.claim(CLAIM_LIMIT, now_us)
        self._looked_us = now_us
        for delivery in claimed:
            lane = self._lanes.get(delivery.receiver)
            if lane is None:
                self._outbox.dead(delivery.id, f"the settings have no receiver {delivery.receiver} any more")
            elif not lane.offer(delivery):
                self._outbox.failed(delivery.id, PUT_OFF, now_us + FULL_PAUSE_S * SECOND_US)
        return len(claimed) == CLAIM_LIMIT


class _Lane:
    """One receiver's thread and what waits for it."""

    def __init__(
        self, worker: Worker, active: ActiveMessages, clock_us: Callable[[], int], stopping: threading.Event
    ) -> None:
        self.worker: Final = worker
        self.queue: Final[queue.Queue[Delivery]] = queue.Queue(QUEUE_LIMIT)
        self.thread: Final = threading.Thread(target=self._run, name=f"notification {worker.receiver}", daemon=True)
        self._active = active
        self._clock_us = clock_us
        self._stopping = stopping
        self._sending = threading.Lock()
        self._next_repeat = monotonic()

    def offer(self, delivery: Delivery) -> bool:
        """Let it wait for this receiver; `False` when too many do already."""
        try:
            self.queue.put_nowait(delivery)
        except queue.Full:
            return False
        return True

    def drained(self) -> list[Delivery]:
        """All that waits, taken out."""
        found: list[Delivery] = []
        with suppress(queue.Empty):
            while True:
                found.append(self.queue.get_nowait())
        return found

    def send_now(self, message: Message, timeout_s: float) -> None:
        """Send between two of the thread's messages. Raises `NotDelivered`."""
        if not self._sending.acquire(timeout=timeout_s):
            raise NotDelivered(f"{self.worker.receiver} is being sent another message, which takes long; try again")
        try:
            self.worker.channel.send(message, self._clock_us())
        finally:
            self._sending.release()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                delivery = self.queue.get(timeout=_WAKE_S)
            except queue.Empty:
                pass
            else:
                self._guarded(lambda each=delivery: self.worker.handle(each, self._clock_us()))  # type: ignore[misc]
            self._repeat()

    def _repeat(self) -> None:
        repeat_s = self.worker.channel.repeat_s
        if repeat_s is not None and monotonic() >= self._next_repeat:
            self._next_repeat = monotonic() + repeat_s
            self._guarded(lambda: self.worker.send_again(self._active.active(self.worker.receiver), self._clock_us()))

    def _guarded(self, action: Callable[[], None]) -> None:
        """Do it alone; whatever it raises is logged, and the thread goes on: what was not written down is claimed again."""
        with self._sending:
            try:
                action()
            except Exception:
                _log.exception("a notification could not be handled", extra={"receiver": self.worker.receiver})
