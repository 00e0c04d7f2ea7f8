"""Tests of receivers in a cluster: the pages ask, the process that tells sends and answers, over the registry.

Only that process has the secrets of the receivers and the way to them, and a test from anywhere else would prove nothing.
"""

import logging
import secrets
import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from shared.errors import NotDelivered, RegistryError
from shared.registry.values import Values

NAME: Final = "alerts trial"
"""The value of the registry: who is asked for (`receiver`, under an `id`), and once it is sent `why` it failed ('': it arrived)."""

POLL_S: Final = 0.5
ANSWER_S: Final = 5.0
"""An answer may take so much longer than a test that waits for another message and then for a slow receiver."""

_log = logging.getLogger(__name__)


def answer_limit_s(timeout_s: float) -> float:
    """The longest time that who asks waits, where one message may take `timeout_s`."""
    return 2 * timeout_s + ANSWER_S


def ask(values: Values, receiver: str, limit_s: float) -> None:
    """Have a test sent to the receiver, and wait for its answer, at most so long. One test is under way at a time.

    Raises `NotDelivered` when it did not arrive, or nobody answered; `RegistryError`.
    """
    name, present = secrets.token_hex(8), values.get(NAME)
    if not values.put(NAME, {"id": name, "receiver": receiver}, present.version if present else 0):
        raise NotDelivered("somebody else began a test at the same moment; try again")
    waited, deadline = threading.Event(), monotonic() + limit_s
    while monotonic() < deadline:
        waited.wait(POLL_S)
        found = values.get(NAME)
        if found is None or found.document.get("id") != name:
            raise NotDelivered("somebody else began another test meanwhile; try again")
        if (why := found.document.get("why")) is not None:
            if why:
                raise NotDelivered(str(why))
            return
    raise NotDelivered(f"the service that tells of alerts did not answer within {limit_s:.0f} s")


class Trials:
    """Sends what is asked for, in a thread of its own, until `close`. What was asked before it began is over.

    send: a test to a receiver; raises `NotDelivered`.
    """

    def __init__(self, values: Values, send: Callable[[str], None]) -> None:
        self._values = values
        self._send = send
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts-trials", daemon=True)
        self._seen: int | None = None
        self._error = ""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, limit_s: float) -> None:
        """End; a test under way is waited for, at most so long."""
        self._ending.set()
        self._thread.join(limit_s)

    def look(self) -> None:
        """Send what was asked for since the last look, if anything was. Raises `RegistryError`."""
        found = self._values.get(NAME)
        version = found.version if found else 0
        begun, self._seen = self._seen, version
        if found is None or begun is None or version == begun or "why" in found.document:
            return
        answer = {**found.document, "why": self._why_not_sent(str(found.document["receiver"]))}
        if self._values.put(NAME, answer, version):
            self._seen = version + 1

    def _why_not_sent(self, receiver: str) -> str:
        """'' when it arrived."""
        try:
            self._send(receiver)
        except NotDelivered as error:
            return str(error) or type(error).__name__
        except Exception:  # a fault here must not leave who asked without an answer, nor end the thread
            _log.exception("a test of a receiver failed", extra={"receiver": receiver})
            return "the service that tells of alerts met a fault; its log has it"
        return ""

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self.look()
                self._error = ""
            except RegistryError as error:
                if str(error) != self._error:
                    _log.warning("tests of receivers cannot be looked for", exc_info=error)
                self._error = str(error)
            self._ending.wait(POLL_S)
