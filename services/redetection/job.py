"""Detects the past again: what is loaded goes through the log once more, and the detector replaces the points.

The order makes it exact: once `redetection.started` is in the log, the detector drops nothing of what arrives; only when
everything before it has been loaded, events and points alike, is the past read. Source: docs/architecture.md, "Detection".
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct
from opentelemetry.metrics import get_meter

from services.redetection.ingest_client import Reached
from services.redetection.replay import replay_parts
from shared.errors import ParcoursError, RedetectionRefused
from shared.journey.control import JourneyReplayed
from shared.journey.event import Event
from shared.journey.point import Point

BATCH_PARTS: Final = 500
BATCH_EVENTS: Final = 4_000
POLL_S: Final = 0.1
MAX_STANDSTILL_S: Final = 300.0
KEPT_RUNS: Final = 20

_log = logging.getLogger(__name__)


class Past(Protocol):
    """The past of one (subject, service)."""

    @property
    def subject(self) -> str: ...
    @property
    def service(self) -> str: ...
    @property
    def events(self) -> list[Event]: ...
    @property
    def points(self) -> list[Point]: ...


class Ingest(Protocol):
    """Writes control events into the log."""

    def start(self, run: str) -> Reached: ...
    def replay(self, parts: Sequence[JourneyReplayed]) -> Reached: ...
    def finish(self, run: str) -> Reached: ...


class Archive(Protocol):
    """What has been loaded."""

    def count(self, service: str | None) -> int:
        """How many (subject, service) there are."""

    def read(self, service: str | None) -> Iterator[Past]:
        """All of them, with their events and points."""

    def loaded(self) -> Mapping[int, int]:
        """The next offset of `journey-events` to load, per partition."""

    def detected(self) -> Mapping[int, int]:
        """The next offset of `journey-events` whose points are not all loaded, per partition."""


class RunState(Struct):
    """How a run stands: journeys `done` of `total`; `problem` says why it failed."""

    run: str
    state: str = "running"
    done: int = 0
    total: int = 0
    problem: str = ""


class RedetectionJobs:
    """One run at a time, in a thread of its own; the latest runs are remembered while the process lives."""

    def __init__(self, archive: Archive, ingest: Ingest, name_run: Callable[[], str], stop: threading.Event) -> None:
        self._archive, self._ingest, self._name_run, self._stop = archive, ingest, name_run, stop
        self._runs: dict[str, RunState] = {}
        self._lock = threading.Lock()
        meter = get_meter("parcours.redetection")
        self._ended = meter.create_counter("parcours.redetection.runs", unit="{run}", description="Redetections ended")
        self._journeys = meter.create_counter(
            "parcours.redetection.journeys", unit="{journey}", description="Journeys sent through detection again"
        )

    def start(self, service: str | None) -> str:
        """Begin a run over one service, or all; its name. Raises `RedetectionRefused` while another runs."""
        with self._lock:
            if any(state.state == "running" for state in self._runs.values()):
                raise RedetectionRefused("another run is under way; wait until it is finished")
            state = RunState(self._name_run())
            self._runs[state.run] = state
            while len(self._runs) > KEPT_RUNS:
                del self._runs[next(iter(self._runs))]
        threading.Thread(target=self._run, args=(state, service), name="redetection", daemon=True).start()
        return state.run

    def end_unfinished(self) -> None:
        """End a run that an earlier process left open: without its end the detector would keep every tail for ever.

        Call once, before the first `start`; goes on in a thread of its own, and `start` waits for it.
        """
        threading.Thread(target=self._end_unfinished, name="redetection-end", daemon=True).start()

    def _end_unfinished(self) -> None:
        with self._lock:
            try:
                self._ingest.finish(self._name_run())
            except ParcoursError as error:
                _log.warning("an unfinished redetection may still be open; the next run ends it", exc_info=error)

    def state(self, run: str) -> Mapping[str, Any] | None:
        """How a run stands; `None` for one that is not known."""
        state = self._runs.get(run)
        return None if state is None else {name: getattr(state, name) for name in RunState.__struct_fields__}

    def _run(self, state: RunState, service: str | None) -> None:
        try:
            self._replay_all(state, service)
            state.state = "finished"
        except ParcoursError as error:
            self._give_up(state, str(error))
        except Exception:
            self._give_up(state, "a defect; the log of the service says more")
        self._ended.add(1, {"outcome": state.state})

    def _give_up(self, state: RunState, problem: str) -> None:
        """A run that failed half-way has replaced the points of the journeys done, and leaves the others as they were."""
        _log.exception("a redetection failed")
        try:
            self._ingest.finish(state.run)
        except ParcoursError:
            _log.warning("the end of the redetection is not in the log; the next run will end it")
        state.problem, state.state = problem, "failed"

    def _replay_all(self, state: RunState, service: str | None) -> None:
        reached = self._ingest.start(state.run)
        self._await(self._archive.loaded, reached)
        self._await(self._archive.detected, reached)
        state.total = self._archive.count(service)
        parts: list[JourneyReplayed] = []
        events = 0
        for past in self._archive.read(service):
            parts += replay_parts(state.run, past.subject, past.service, past.events, past.points)
            events += len(past.events)
            state.done += 1
            self._journeys.add(1)
            if len(parts) >= BATCH_PARTS or events >= BATCH_EVENTS:
                self._send(parts)
                parts, events = [], 0
        self._send(parts)
        self._await(self._archive.detected, self._ingest.finish(state.run))

    def _send(self, parts: Sequence[JourneyReplayed]) -> None:
        """At most one large part a request, so that none is over the gateways' limit of 5 MB."""
        if self._stop.is_set():
            raise ParcoursError("the platform stops; start the run again")
        if sum(part.parts > 1 for part in parts) <= 1:
            if parts:
                self._ingest.replay(parts)
            return
        for part in parts:
            self._ingest.replay([part])

    def _await(self, positions: Callable[[], Mapping[int, int]], reached: Reached) -> None:
        still_s, last = 0.0, positions()
        while any(last.get(partition, 0) < end for partition, end in reached.ends.items()):
            if self._stop.wait(POLL_S):
                raise ParcoursError("the platform stops; start the run again")
            now = positions()
            still_s = 0.0 if now != last else still_s + POLL_S
            last = now
            if still_s > MAX_STANDSTILL_S:
                raise ParcoursError(
                    f"nothing has been loaded for {MAX_STANDSTILL_S:.0f} s; `parcours doctor` says more"
                )
