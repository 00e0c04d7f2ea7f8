"""An outbox in memory, for tests of the sender; the contract holds it to what the registry's does."""

import threading

from msgspec import Struct

from services.alerts.notification.outbox import CLAIM_US, PUT_OFF
from shared.errors import RegistryError
from tests.alerts_notification.samples import NOW_US


class Kept(Struct, kw_only=True):
    """A delivery and what became of it."""

    id: str
    alert: str
    number: int
    receiver: str
    message: bytes
    created_us: int
    next_try_us: int
    claimed_until_us: int = 0
    tries: int = 0
    state: str = "waiting"
    errors: list[str] = []


class MemoryOutbox:
    """`failing`: how many calls from now on raise `RegistryError`."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.failing = 0
        self.claims = 0
        self._lock = threading.Lock()

    def add(
        self,
        *,
        alert: str = "a1",
        number: int = 1,
        receiver: str = "web",
        at_us: int = NOW_US,
        message: bytes = b"{}",
    ) -> str:
        """Write a delivery."""
        name = f"{alert}-{number}-{receiver}"
        made = Kept(
            id=name, alert=alert, number=number, receiver=receiver, message=message, created_us=at_us, next_try_us=at_us
        )
        with self._lock:
            self.kept[name] = made
        return name

    def state(self, delivery: str) -> str:
        """What became of it."""
        with self._lock:
            return self.kept[delivery].state

    def claim(self, limit: int, now_us: int, /) -> list[Kept]:
        """As the port says."""
        with self._lock:
            self._maybe_fail()
            self.claims += 1
            due = [each for each in self.kept.values() if self._is_due(each, now_us)]
            claimed = sorted(due, key=lambda each: (each.next_try_us, each.alert, each.number))[:limit]
            for each in claimed:
                each.claimed_until_us = now_us + CLAIM_US
            return [Kept(**{name: getattr(each, name) for name in Kept.__struct_fields__}) for each in claimed]

    def delivered(self, delivery: str, /) -> None:
        """As the port says."""
        self._end(delivery, "delivered")

    def failed(self, delivery: str, error: str, next_try_us: int, /) -> None:
        """As the port says."""
        with self._lock:
            self._maybe_fail()
            each = self.kept.get(delivery)
            if each is not None and each.state == "waiting":
                each.next_try_us, each.claimed_until_us = next_try_us, 0
                each.tries += error != PUT_OFF
                each.errors = [*each.errors, error]

    def dead(self, delivery: str, error: str, /) -> None:
        """As the port says."""
        self._end(delivery, "dead", error)

    def active(self, receiver: str, /) -> list[bytes]:
        """The latest message to the receiver of each alert: these tests decide what is open."""
        with self._lock:
            latest = {each.alert: each for each in sorted(self.kept.values(), key=lambda each: each.number)}
        return [each.message for each in latest.values() if each.receiver == receiver]

    def _end(self, delivery: str, state: str, *errors: str) -> None:
        with self._lock:
            self._maybe_fail()
            each = self.kept.get(delivery)
            if each is not None and each.state == "waiting":
                each.state = state
                each.errors = [*each.errors, *errors]

    def _is_due(self, each: Kept, now_us: int) -> bool:
        first = not any(
            other.state == "waiting"
            and (other.alert, other.receiver) == (each.alert, each.receiver)
            and other.number < each.number
            for other in self.kept.values()
        )
        return each.state == "waiting" and first and each.next_try_us <= now_us and each.claimed_until_us <= now_us

    def _maybe_fail(self) -> None:
        if self.failing > 0:
            self.failing -= 1
            raise RegistryError("the registry does not answer")
