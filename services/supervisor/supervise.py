"""Keeps the processes of one platform running until it is asked to stop."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

from services.supervisor.child import CannotStart, Child
from services.wiring.exit_status import EXIT_FOR_GOOD
from shared.errors import ParcoursError

_STEP_S: Final = 0.05
_START_LIMIT_S: Final = 60.0
_STOP_LIMIT_S: Final = 3.5
_SPACE_PAUSE_S: Final = 10.0
"""Between two starts of a child that has used its starts up, while the disk is full."""


class ServiceFailed(ParcoursError):
    """A service cannot be kept running; everything else was stopped."""


class StopRequest:
    """Ctrl-C, SIGTERM or a closed terminal: once asks to stop, twice to stop at once."""

    def __init__(self) -> None:
        self.times = 0

    def __bool__(self) -> bool:
        return self.times > 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals while inside."""
        handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._count) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        self.times += 1


class Supervisor:
    """Starts children in waves, restarts the dead, stops them all.

    `needs` names for each child the children that must be ready before it starts; `ready` asks one child. While
    `short_of_space`, a child that keeps ending is no reason to stop the others: it goes on once there is space. A child
    that is `silent` is killed, and started again.
    """

    def __init__(
        self,
        children: Sequence[Child],
        needs: Mapping[str, Sequence[str]],
        ready: Callable[[Child], bool],
        stop: StopRequest,
        short_of_space: Callable[[], bool] = lambda: False,
        silent: Callable[[Child], bool] = lambda _child: False,
    ) -> None:
        self._children = {child.name: child for child in children}
        self._needs = needs
        self._ready = ready
        self._stop = stop
        self._short_of_space = short_of_space
        self._silent = silent
        self._started: set[str] = set()

    def start(self) -> bool:
        """Start every child once those it needs are ready, and wait until all are; `False` when asked to stop meanwhile.

        Raises `ServiceFailed`.
        """
        ready: set[str] = set()
        deadline = time.monotonic() + _START_LIMIT_S
        while len(ready) < len(self._children):
            for name, child in self._children.items():
                if name not in self._started and ready.issuperset(self._needs[name]):
                    self._started.add(name)
                    child.start()
            ready |= {name for name in self._started - ready if self._ready(self._children[name])}
            if not self.step():
                return False
            if time.monotonic() > deadline:
                late = ", ".join(sorted(set(self._children) - ready))
                raise ServiceFailed(
                    f"{late} did not become ready within {_START_LIMIT_S:.0f} s; see {self._log_folder()}"
                )
        return True

    def step(self) -> bool:
        """Restart what has died, wait a moment; `False` when asked to stop.

        Raises `ServiceFailed`.
        """
        for name in self._started:
            self._tend(self._children[name])
        if not self._stop:
            time.sleep(_STEP_S)
        return not self._stop

    def stop(self) -> None:
        """Stop every child: ask, wait, then kill; kill at once when asked twice."""
        for child in self._children.values():
            child.terminate()
        deadline = time.monotonic() + _STOP_LIMIT_S
        while time.monotonic() < deadline and self._stop.times < 2 and not all(map(_is_down, self._children.values())):
            time.sleep(_STEP_S)
        for child in self._children.values():
            child.kill()
            child.log.close()

    def _tend(self, child: Child) -> None:
        status = child.ended()
        if status is None and self._silent(child) and not self._short_of_space():
            child.log.end_with("it lives but gave no sign for too long, and was killed")
            child.kill()
        if status is None or self._stop:
            return
        now_s = time.monotonic()
        if child.start_at_s:
            if now_s >= child.start_at_s:
                _start_again(child)
            return
        if status == EXIT_FOR_GOOD:
            said = child.log.take_last_words() or child.log.last_error
            raise ServiceFailed(f"{child.name}: {said or 'it cannot run with these settings'}")
        delay_s = child.budget.take(now_s)
        if delay_s is None and self._short_of_space():
            child.log.alarm(f"{_ending(status)}; too little free space: started again every {_SPACE_PAUSE_S:.0f} s")
            child.start_at_s = now_s + _SPACE_PAUSE_S
            return
        if delay_s is None:
            raise ServiceFailed(
                f"{child.name} was restarted five times within a minute and ended again ({_ending(status)}): "
                f"{child.log.last_error or 'it said nothing'}; see {child.log.path}"
            )
        said = child.log.take_last_words()
        child.log.alarm(f"{said or _ending(status)}; starting it again")
        child.start_at_s = now_s + delay_s

    def _log_folder(self) -> str:
        return ", ".join(sorted({str(child.log.path.parent) for child in self._children.values()}))


def _start_again(child: Child) -> None:
    """A start that the system refuses counts as one of those within a minute: memory may be there again soon."""
    child.start_at_s = 0.0
    try:
        child.start()
    except CannotStart as error:
        child.log.end_with(str(error))


def _is_down(child: Child) -> bool:
    return child.pid is None or child.ended() is not None


def _ending(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
