"""Tries other rule settings on past events: one run at a time, bounded in events, time and memory, and ended at will.

A thread reads the past in slices and hands them to a process that folds them, so that pages keep their processor. Nothing
is written anywhere; finished runs are remembered while the process lives.
"""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Literal, Protocol

import msgspec
from msgspec import Struct
from opentelemetry.metrics import get_meter

from services.simulation.frames import Task, write_frame
from shared.detection.what_if import Comparison, Scenario, SimulationRefused, lead_us
from shared.errors import ParcoursError, QueryLimitExceeded

MAX_EVENTS: Final = 2_000_000
"""Beyond, every so-manieth person is folded."""
SLICE_EVENTS: Final = 50_000
LIMIT_S: Final = 600.0
KEPT_RUNS: Final = 20
_STOP_LIMIT_S: Final = 5.0

State = Literal["running", "finished", "failed", "cancelled"]
Why = Literal["", "too_long", "too_large", "defect", "stopped"]

_COMMAND: Final = (sys.executable, "-P", "-m", "services.simulation.worker")
_log = logging.getLogger(__name__)


class Past(Protocol):
    """The events of the people a run looks at."""

    def count(self) -> tuple[int, int]: ...
    def read(self, number: int, slices: int, of: int = 1) -> bytes: ...


OpenPast = Callable[[int, int, str | None], Past]
"""From instant, to instant, service."""


class Run(Struct):
    """One run: `done` of `total` slices; `one_in` persons was folded (1: everybody) of `people`, who have `events`.

    `computed_us` is when it ended. A person counts once for each service they deal with.
    """

    name: str
    scenario: Scenario
    state: State = "running"
    why: Why = ""
    done: int = 0
    total: int = 0
    one_in: int = 1
    people: int = 0
    events: int = 0
    computed_us: int = 0
    result: Comparison | None = None


class Simulations:
    """The runs of this process. All methods may be called from any thread."""

    def __init__(
        self,
        past: OpenPast,
        now_us: Callable[[], int],
        *,
        max_events: int = MAX_EVENTS,
        slice_events: int = SLICE_EVENTS,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._past, self._now_us = past, now_us
        self._max_events, self._slice_events, self._limit_s = max_events, slice_events, limit_s
        self._runs: dict[str, Run] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        meter = get_meter("parcours.simulation")
        self._ended = meter.create_counter("parcours.simulation.runs", unit="{run}", description="Simulations ended")

    def start(self, scenario: Scenario, in_force: Mapping[str, Any]) -> str:
        """Begin a run, in the place of an earlier one of the same name; its name. One under way goes on.

        Raises `SimulationRefused` while another runs.
        """
        name = scenario.name(in_force)
        with self._lock:
            known = self._runs.get(name)
            if known is not None and known.state == "running":
                return name
            if any(run.state == "running" for run in self._runs.values()):
                raise SimulationRefused("another simulation is under way; wait until it is finished, or end it")
            self._runs.pop(name, None)
            run = self._runs[name] = Run(name, scenario)
            while len(self._runs) > KEPT_RUNS:
                del self._runs[next(iter(self._runs))]
            self._thread = threading.Thread(
                target=self._run, args=(run, dict(in_force)), name="simulation", daemon=True
            )
            self._thread.start()
        return name

    def find(self, name: str) -> Run | None:
        """A run as it stands; `None` for one that is not known."""
        return self._runs.get(name)

    def running(self) -> Run | None:
        """The run under way."""
        return next((run for run in list(self._runs.values()) if run.state == "running"), None)

    def cancel(self, name: str) -> None:
        """End a run under way; nothing of it is kept."""
        self._end(name, "cancelled", "")

    def close(self) -> None:
        """End what is under way: the platform stops."""
        for name in list(self._runs):
            self._end(name, "failed", "stopped")
        if self._thread is not None:
            self._thread.join(_STOP_LIMIT_S)

    def _end(self, name: str, state: State, why: Why) -> None:
        with self._lock:
            run = self._runs.get(name)
            if run is None or run.state != "running":
                return
            run.state, run.why = state, why
            if self._process is not None:
                self._process.kill()

    def _run(self, run: Run, in_force: dict[str, Any]) -> None:
        timer = threading.Timer(self._limit_s, self._end, (run.name, "failed", "too_long"))
        timer.daemon = True
        timer.start()
        try:
            result = self._compare(run, in_force)
        except (OSError, msgspec.MsgspecError, ParcoursError) as error:
            self._fail(run, "too_large" if isinstance(error, QueryLimitExceeded) else "defect")
        except Exception:
            self._fail(run, "defect")
        else:
            with self._lock:
                if run.state == "running":
                    run.result, run.computed_us, run.state = result, self._now_us(), "finished"
        finally:
            timer.cancel()
            self._ended.add(1, {"outcome": run.state})

    def _fail(self, run: Run, why: Why) -> None:
        """The process of a run that was ended breaks its pipe: the run stays as it was ended."""
        with self._lock:
            if run.state == "running":
                _log.exception("a simulation failed")
                run.state, run.why = "failed", why

    def _compare(self, run: Run, in_force: dict[str, Any]) -> Comparison:
        scenario = run.scenario
        past = self._past(scenario.from_us - lead_us(in_force, scenario), scenario.to_us, scenario.service)
        run.events, run.people = past.count()
        run.one_in = -(-run.events // self._max_events) or 1
        run.total = -(-run.events // (run.one_in * self._slice_events)) or 1
        process = self._start_process(run)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            task = Task(scenario, in_force, self._now_us())
            write_frame(process.stdin, msgspec.json.encode(task))
            for number in range(run.total):
                write_frame(process.stdin, past.read(number, run.total, run.one_in))
                run.done = number + 1
            write_frame(process.stdin, b"")
            return msgspec.json.decode(process.stdout.read(), type=Comparison)
        finally:
            self._process = None
            process.kill()
            process.wait()
            process.stdout.close()
            with suppress(OSError):  # what a process that was ended has not read
                process.stdin.close()

    def _start_process(self, run: Run) -> subprocess.Popen[bytes]:
        with self._lock:
            if run.state != "running":
                raise ParcoursError("the simulation was ended")
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
            return self._process
