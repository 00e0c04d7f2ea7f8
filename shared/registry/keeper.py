"""Keeps one lease from a thread of its own, and knows by its own clock until when it can rely on it."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from shared.errors import RegistryError
from shared.registry.leases import Leases

LEASE_TTL_S: Final = 6.0
_RENEWALS_A_TTL: Final = 4
_RELIED_ON: Final = 0.75
"""A holder relies on its lease for this part of its time only: the rest is for clocks that run apart, and for ending."""

logger = logging.getLogger(__name__)


def process_holder(instance: str) -> str:
    """A holder's name that no other process has, beginning with the instance's."""
    return f"{instance}/{secrets.token_hex(4)}"


class LeaseKeeper:
    """Takes the lease `name` as soon as it is free and renews it until `close`.

    `held()` is true from the lease being taken until shortly before it might end: it is counted from before the request
    that renewed it, on a clock that cannot be set. `monotonic_s` is that clock.
    """

    def __init__(
        self,
        leases: Leases,
        name: str,
        instance: str,
        ttl_s: float = LEASE_TTL_S,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.holder = process_holder(instance)
        self._leases = leases
        self._ttl_s = ttl_s
        self._monotonic_s = monotonic_s
        self._state = threading.Condition()
        self._until_s = 0.0
        self._token = 0
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread that takes and renews."""
        self._thread = threading.Thread(target=self._run, name=f"lease-{self.name}", daemon=True)
        self._thread.start()

    def held(self) -> bool:
        """Whether the job may be done now."""
        return self.remaining_s() > 0

    def remaining_s(self) -> float:
        """For how long the job may be done without a renewal; 0 when it may not."""
        with self._state:
            return max(self._until_s - self._monotonic_s(), 0.0)

    @property
    def token(self) -> int:
        """The fencing token of the lease last taken; 0 before."""
        with self._state:
            return self._token

    def wait(self, timeout_s: float) -> bool:
        """Wait until the lease is held, at most so long; whether it is."""
        with self._state:
            self._state.wait_for(lambda: self._until_s > self._monotonic_s(), timeout_s)
        return self.held()

    def close(self) -> None:
        """Stop renewing, and let the next one have the lease at once."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with self._state:
            self._until_s = 0.0
        try:
            self._leases.release(self.name, self.holder)
        except RegistryError as error:
            logger.warning("A lease could not be released and ends by itself", extra={"reason": str(error)})

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._renew()
            self._ending.wait(self._ttl_s / _RENEWALS_A_TTL)

    def _renew(self) -> None:
        asked_s = self._monotonic_s()
        try:
            token = self._leases.take(self.name, self.holder, self._ttl_s)
        except RegistryError as error:
            logger.warning("A lease could not be renewed and is tried again", extra={"reason": str(error)})
            return
        with self._state:
            if token is None:
                self._until_s = 0.0
                return
            if token != self._token:
                logger.info("lease taken", extra={"lease": self.name, "token": token})
            self._token = token
            self._until_s = asked_s + self._ttl_s * _RELIED_ON
            self._state.notify_all()
