"""The assembler beside the loader: it works in pauses, so that loading and pages keep most of the machine."""

import logging
import time
from collections.abc import Callable
from typing import Final

from opentelemetry.metrics import CallbackOptions, Observation, get_meter

from services.loader.assembly import Assembled, Assembler
from services.loader.loop import FIRST_RETRY_S, GIVE_UP_AFTER_S, LONGEST_RETRY_S, Stop
from shared.errors import LogError, RegistryError, StoreDamaged, StoreError
from shared.store.assembled import JourneysFreshness

logger = logging.getLogger(__name__)

SHORTEST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
IDLE_SHARE: Final = 9.0
"""The pause after a run, in times of the run: a tenth of one processor at most."""
BACKLOG_SHARE: Final = 1.0
"""The same while much waits and nothing is being loaded: half of one processor."""
IDLE_BEFORE_MERGE_S: Final = 30.0
"""Without work for so long, what is fragmented is merged."""
MERGE_EVERY_S: Final = 600.0
"""And after so long even if work never ends."""


class AssemblerMetrics:
    """The assembler's instruments, through OpenTelemetry."""

    def __init__(self, freshness: Callable[[], JourneysFreshness | None]) -> None:
        meter = get_meter("parcours.assembler")
        self._freshness = freshness
        self._journeys = meter.create_counter(
            "parcours.assembler.journeys", unit="{journey}", description="Journeys written, again or for the first time"
        )
        self._failures = meter.create_counter(
            "parcours.assembler.failures", unit="{failure}", description="Runs that failed and were tried again"
        )
        self._step = meter.create_histogram("parcours.assembler.step", unit="s", description="Time of one run")
        meter.create_observable_gauge(
            "parcours.assembler.waiting", [self._waiting], unit="{key}", description="Keys loaded and not yet assembled"
        )
        meter.create_observable_gauge(
            "parcours.assembler.behind", [self._behind], unit="s", description="Age of the oldest key that waits"
        )

    def assembled(self, step: Assembled, step_s: float) -> None:
        """Count one run."""
        self._journeys.add(step.journeys)
        self._step.record(step_s)

    def failed(self) -> None:
        """Count a run that failed."""
        self._failures.add(1)

    def _waiting(self, _options: CallbackOptions) -> list[Observation]:
        freshness = self._freshness()
        return [] if freshness is None else [Observation(freshness.waiting)]

    def _behind(self, _options: CallbackOptions) -> list[Observation]:
        freshness = self._freshness()
        return [] if freshness is None else [Observation(freshness.behind_s)]


class AssemblerLoop:
    """Runs an assembler. `busy` says whether the loader has more to load than it has loaded."""

    def __init__(
        self,
        assembler: Assembler,
        busy: Callable[[], bool],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._assembler = assembler
        self._busy = busy
        self._monotonic_s = monotonic_s
        self._failing_since_s: float | None = None
        self._worked_s = self._merged_s = monotonic_s()
        self._freshness: JourneysFreshness | None = None
        self._metrics = AssemblerMetrics(lambda: self._freshness)

    def run(self, stop: Stop) -> None:
        """Assemble until `stop` is set.

        A failure is tried again, later each time, for as long as the loader does, then raised; damaged tables for ever.
        """
        retry_s = FIRST_RETRY_S
        while not stop.is_set():
            try:
                pause_s = self._step()
            except (StoreError, LogError, RegistryError) as error:
                self._failed(error)
                stop.wait(retry_s)
                retry_s = min(retry_s * 2, LONGEST_RETRY_S)
            else:
                self._failing_since_s = None
                retry_s = FIRST_RETRY_S
                stop.wait(pause_s)

    def _step(self) -> float:
        """One run, and how long to pause after it."""
        start_s = self._monotonic_s()
        step = self._assembler.run_once()
        self._freshness = self._assembler.freshness()
        now_s = self._monotonic_s()
        if step.keys:
            self._metrics.assembled(step, now_s - start_s)
            self._worked_s = now_s
        if not step.more and self._merge(now_s):
            now_s = self._monotonic_s()
        share = BACKLOG_SHARE if step.more and not self._busy() else IDLE_SHARE
        shortest_s = 0.0 if share == BACKLOG_SHARE else SHORTEST_PAUSE_S
        return min(max(shortest_s, share * (now_s - start_s)), LONGEST_PAUSE_S)

    def _merge(self, now_s: float) -> bool:
        """Merge one partition when there is time; whether there was."""
        if now_s - self._merged_s < IDLE_BEFORE_MERGE_S:
            return False
        if now_s - self._worked_s < IDLE_BEFORE_MERGE_S and now_s - self._merged_s < MERGE_EVERY_S:
            return False
        self._merged_s = now_s
        return self._assembler.merge_once()

    def _failed(self, error: Exception) -> None:
        now_s = self._monotonic_s()
        if self._failing_since_s is None:
            self._failing_since_s = now_s
        failing_s = now_s - self._failing_since_s
        self._metrics.failed()
        logger.warning("Assembling failed and is tried again", exc_info=error, extra={"failing_s": failing_s})
        if failing_s >= GIVE_UP_AFTER_S and not isinstance(error, StoreDamaged):
            raise error
