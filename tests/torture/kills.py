"""Kills services, or the whole platform, at random moments, and sees to it that the platform comes back.

`parcours run` gives up when one service has ended six times within a minute: no service is killed so often; instead of
one that has had its share, the whole platform is killed and started again, which begins a new count.
"""

import os
import signal
import time
from collections import Counter, deque
from pathlib import Path
from random import Random

from tests.run.platform import Platform, alive, wait_until
from tests.torture.clients import Clients

SERVICES = ("ingest", "detector", "analytics")
ONE_SERVICE_PERCENT = 84
KILLS_A_MINUTE = 4
MINUTE_S = 60.0
COME_BACK_S = 60.0
QUIET_KILLS = 2
"""So many kills at the end come when everything may have been sent, and what is in the log is still being worked on."""
AT_A_SIGN_PERCENT = 70
"""So many kills of ingest come right behind an answer, what it acknowledged must be durable by then; so many of the
detector while it writes a checkpoint, which must be whole or not there."""
SIGN_LIMIT_S = 1.0
CHECKPOINT_S = 0.01
STEP_S = 0.02
SHORT_STEP_S = 0.0002
EXPECTED_LINES = ("killed by SIGKILL; starting it again",)


class Killer:
    """One run of kills. `said` gathers what the platform said besides that a service was killed."""

    def __init__(self, platform: Platform, clients: Clients, seed: int, kills: int, mean_s: float) -> None:
        self.counts: Counter[str] = Counter()
        self.said: list[str] = []
        self._platform = platform
        self._clients = clients
        self._chance = Random(f"{seed} kills")
        self._kills = kills
        self._mean_s = mean_s
        self._turns: list[str] = []
        self._recent: dict[str, deque[float]] = {name: deque(maxlen=KILLS_A_MINUTE) for name in SERVICES}

    def run(self) -> None:
        """All kills, the whole platform at least once; the clients may send the more the further this has come."""
        for number in range(self._kills):
            self._let_pass(number)
            if number == self._kills // 2:
                self._kill_platform()
            else:
                self._kill_something()
        self._clients.pace.share = 1.0

    def listen(self) -> None:
        """Take over what the platform has said since it was started."""
        lines = [*self._platform.stderr]
        self.said += [line.strip() for line in lines if not any(each in line for each in EXPECTED_LINES)]

    def _let_pass(self, number: int) -> None:
        """A random time, most often short; meanwhile the clients may go on as far as this number of kills stands for."""
        length_s = min(self._chance.expovariate(1 / self._mean_s), 4 * self._mean_s)
        start_s = time.monotonic()
        sending_kills = max(self._kills - QUIET_KILLS, 1)
        while (passed_s := time.monotonic() - start_s) < length_s:
            self._must_run()
            self._clients.pace.share = min((number + passed_s / length_s) / sending_kills, 1.0)
            time.sleep(STEP_S)

    def _must_run(self) -> None:
        assert self._platform.status() is None, f"the platform ended by itself: {self._platform.stderr}"
        assert not self._clients.ledger.failures, self._clients.ledger.failures

    def _kill_something(self) -> None:
        self._must_run()
        if not self._turns:
            self._turns = self._chance.sample(SERVICES, len(SERVICES))
        name = self._turns.pop()
        if self._had_its_share(name) or self._chance.random() * 100 >= ONE_SERVICE_PERCENT:
            self._kill_platform()
            return
        process = wait_until(lambda: self._platform.children().get(name), COME_BACK_S)
        if self._chance.random() * 100 < AT_A_SIGN_PERCENT:
            self._await_sign(name)
        self._recent[name].append(time.monotonic())
        os.kill(process, signal.SIGKILL)
        self.counts[name] += 1

    def _await_sign(self, name: str) -> None:
        """Wait, not for long, until the service does what it must not do by halves."""
        if name == "ingest":
            self._clients.ledger.answered.clear()
            self._clients.ledger.answered.wait(SIGN_LIMIT_S)
        if name == "detector":
            _await_write(self._platform.folder / "detector.sqlite-wal")
            time.sleep(self._chance.uniform(0, CHECKPOINT_S))

    def _had_its_share(self, name: str) -> bool:
        recent = self._recent[name]
        return len(recent) == KILLS_A_MINUTE and time.monotonic() - recent[0] < MINUTE_S

    def _kill_platform(self) -> None:
        """Everything at once, or the supervisor alone, whose services then end in their own time; and start again."""
        self._must_run()
        self.listen()
        everything = self._chance.random() < 0.7
        os.kill(self._platform.pid, signal.SIGSTOP)  # from here on it starts nothing that would be missed below
        children = self._platform.children().values()
        for process in (*children, self._platform.pid) if everything else (self._platform.pid,):
            os.kill(process, signal.SIGKILL)
        self.counts["all at once" if everything else "supervisor"] += 1
        self._platform.ended()
        wait_until(lambda: not any(map(alive, children)), COME_BACK_S)
        time.sleep(self._chance.uniform(0, 0.5))
        for recent in self._recent.values():
            recent.clear()
        self._platform.start()


def _await_write(path: Path) -> None:
    """Wait, not for long, until the file is written to."""
    before = _written_ns(path)
    deadline = time.monotonic() + SIGN_LIMIT_S
    while _written_ns(path) == before and time.monotonic() < deadline:
        time.sleep(SHORT_STEP_S)


def _written_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
