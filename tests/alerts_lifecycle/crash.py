"""An engine and a sender that live a short story, and are killed where the test says."""

import os
import signal
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import event

from services.alerts.keeping import AlertKeeping, Message
from services.alerts.lifecycle import Round
from services.alerts.policy import Policy
from services.alerts.steps import Taken
from shared.alerts.finding import Finding
from shared.registry.alert_rows import Fence
from shared.registry.outbox import HOLD_US
from shared.registry.registry import Registry
from tests.alerts_lifecycle.build import HOUR, MINUTE, T0, finding, series

WEB, PHONE = series(), series("repeat_contact", "phone")
ROUNDS = 32
STORY = {0: "fired", 3: "spread", 13: "resolved", 16: "reopened", 27: "resolved"}
"""The rounds of the story in which something happens: a form breaks, calls rise, it ends, comes back, and ends."""


class Crash(NamedTuple):
    """Where to die. In a round: before its n-th statement, before its `commit` or after it. In a delivery: when it is `claimed`,
    `sent` or `noted`.
    """

    round: int
    at: int | str


def found(number: int, now_us: int) -> list[Finding]:
    """What a round of the story finds."""
    what = {0: [WEB], 1: [WEB], 2: [WEB], 3: [WEB, PHONE], 16: [WEB], 17: [WEB]}
    return [finding(each, now_us) for each in what.get(number, [])]


def tell(taken: Taken) -> list[Message]:
    """Each step is told to two receivers."""
    content = f"{taken.transition.step} {taken.alert.id} {taken.transition.number}".encode()
    return [Message("hook", content), Message("mail", content)]


def live(url: str, received: Path, attempt: int, crash: Crash | None) -> None:
    """Go on with the story where it stands, deliver after each round, and die at the crash."""
    with Registry(url) as registry:
        token = registry.leases.take("alerts", "engine", 60)
        keeping = AlertKeeping(registry, Policy(), tell, lambda: Fence("alerts", token or 0))
        killer = Killer(registry, crash)
        begun = keeping.begin(T0)
        number = int(begun.state or b"-1")
        while True:
            send(registry, received, attempt, killer, number)
            number += 1
            if number == ROUNDS:
                return
            now_us = T0 + number * MINUTE
            killer.begin(number)
            keeping.pass_round(begun, Round(now_us=now_us, findings=found(number, now_us)), str(number).encode())
            killer.reach("committed")
            begun = keeping.begin(now_us)


def send(registry: Registry, received: Path, attempt: int, killer: "Killer", number: int) -> None:
    """Deliver all that is due into a file, each line durably; later attempts find the claims of the dead ones over."""
    now_us = T0 + 2 * HOUR + attempt * 2 * HOLD_US
    while claimed := registry.outbox.claim(1, now_us):
        (delivery,) = claimed
        killer.deliver(number, "claimed")
        with received.open("a", encoding="utf-8") as file:
            file.write(f"{delivery.id} {delivery.message.decode()}\n")
            file.flush()
            os.fsync(file.fileno())
        killer.deliver(number, "sent")
        registry.outbox.delivered(delivery.id)
        killer.deliver(number, "noted")


class Killer:
    """Ends this process with SIGKILL where the crash says."""

    def __init__(self, registry: Registry, crash: Crash | None) -> None:
        self._crash = crash
        self._round: int | None = None
        self._statement = 0
        event.listen(registry._engine, "before_cursor_execute", self._execute)
        event.listen(registry._engine, "commit", self._commit)

    def begin(self, number: int) -> None:
        """A round begins to be written."""
        self._round, self._statement = number, 0

    def reach(self, at: int | str) -> None:
        """Die here, if the crash says so."""
        if self._crash is not None and self._round == self._crash.round and at == self._crash.at:
            os.kill(os.getpid(), signal.SIGKILL)
        if at == "committed":
            self._round = None

    def deliver(self, number: int, at: str) -> None:
        """The delivery of what a round left has come so far."""
        self._round = number
        self.reach(at)
        self._round = None

    def _execute(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if self._round is not None and not statement.lstrip().startswith("SELECT"):
            self.reach(self._statement)
            self._statement += 1

    def _commit(self, _connection: Any) -> None:
        if self._round is not None:
            self.reach("commit")
