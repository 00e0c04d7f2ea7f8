"""The alert engine: from the streams of the log and ClickHouse's past to alerts in the registry, a round a minute and sooner.

A round is judged in event time: at the instant up to which detection has come. What it leaves, where the engine stands in the
log included, is written in one transaction; counts are made again from ClickHouse and the log after a restart.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final, Protocol

from msgspec import Struct

from services.alerts.calendar_clock import MINUTE_US, SLOT_US
from services.alerts.counts_query import read_positions, read_refused, read_rows
from services.alerts.engine_sign import Sign
from services.alerts.engine_state import EngineState, begin_at, read_state, write_state
from services.alerts.engine_status import EngineStatus
from services.alerts.imports import Imports
from services.alerts.keeping import AlertKeeping, Begun
from services.alerts.lifecycle import Round
from services.alerts.live import MAX_REJECTS, Live
from services.alerts.rounds import Judged, Rounds
from services.alerts.settings import AlertSettings
from services.alerts.tail import Tail
from services.alerts.watermark import Watermark
from shared.errors import LogError, LogMismatch, RecordConflict, RegistryError, StoreDamaged, StoreError
from shared.journey.instants import DAY_US, HOUR_US, SECOND_US
from shared.log.port import LogReader
from shared.registry.alerts import MAX_FORGOTTEN
from shared.store.client import Store

POLL_S: Final = 0.1
"""Between two looks at the log when there is nothing."""
SOON_US: Final = 250_000
"""Between two rounds that new points ask for lies so long at least."""
REST: Final = 3
"""And this many times what the last one took: the process has other work, too."""
SLACK_US: Final = 2 * SECOND_US
"""Detection is that far behind the clock at the most while all is well: the round is of now, then."""
KEEPS_UP_US: Final = 5 * SECOND_US
"""Detection that is no further behind the clock is of now: a round is judged although more keeps coming."""
FIRST_RETRY_S: Final = 0.1
LONGEST_RETRY_S: Final = 5.0
GIVE_UP_AFTER_S: Final = 120.0

logger = logging.getLogger(__name__)


class Stop(Protocol):
    """What ends the engine: a `threading.Event`, or more than one reason."""

    def is_set(self) -> bool:
        """Whether to end."""

    def wait(self, timeout: float) -> bool:
        """Wait for the end, at most so long; whether it has come."""


class Streams(Struct, frozen=True):
    """Readers of the log that are the engine's own."""

    events: LogReader
    points: LogReader
    rejects: Sequence[LogReader]

    @property
    def names(self) -> tuple[str, ...]:
        """The streams."""
        return self.events.stream, self.points.stream, *(each.stream for each in self.rejects)


class Engine:
    """Looks until it is stopped. `step` and `run` belong to one thread; `status` may be asked from any.

    clock_us: microseconds since 1970; monotonic_us: of a clock that cannot be set. background: where the past is read again.
    told: called after a round that left something to tell.
    """

    def __init__(
        self,
        store: Store,
        streams: Streams,
        keeping: AlertKeeping,
        settings: AlertSettings,
        *,
        clock_us: Callable[[], int],
        monotonic_us: Callable[[], int],
        background: Executor,
        told: Callable[[], None],
    ) -> None:
        self._store = store
        self._streams = streams
        self._keeping = keeping
        self._settings = settings
        self._clock_us = clock_us
        self._monotonic_us = monotonic_us
        self._background = background
        self._told = told
        self._begun: Begun | None = None
        self._written: tuple[int, frozenset[object]] | None = None
        self._looked = (0, 0, 0)
        self._forgot_us: int | None = None
        self._sign = Sign(monotonic_us)

    def status(self) -> EngineStatus:
        """How it is."""
        return self._sign.status()

    def run(self, stop: Stop) -> None:
        """Look until `stop` is set.

        A failure is tried again, later each time, for `GIVE_UP_AFTER_S`; then it is raised. Damaged tables are tried for ever:
        readiness says so.
        """
        retry_s = FIRST_RETRY_S
        while not stop.is_set():
            try:
                more = self.step()
            except (StoreError, LogError, RegistryError, RecordConflict) as error:
                self._failed(error)
                stop.wait(retry_s)
                retry_s = min(retry_s * 2, LONGEST_RETRY_S)
            else:
                retry_s = FIRST_RETRY_S
                if not more or self._keeps_up():
                    stop.wait(POLL_S)

    def step(self) -> bool:
        """Take what there is, and judge a round if one is due; whether more is waiting.

        Raises `StoreError`, `LogError`, `RegistryError`, `RecordConflict` (call again: nothing is lost or told twice).
        """
        if self._begun is None:
            self._begin()
        try:
            more = self._tail.step(self._live, self._clock_us())
        except LogMismatch:
            self._begun = None  # records it has not read are gone: begin again from what is loaded
            raise
        self._rounds.refresh(self._live)
        if (not more or self._keeps_up()) and self._is_due():
            self._round()
        self._sign.worked()
        return more

    def _begin(self) -> None:
        """Go on where the last round left off: counts from ClickHouse, then the log from there on."""
        now_us = self._clock_us()
        begun = self._keeping.begin(now_us)
        kept = read_state(begun.state)
        loaded = read_positions(self._store)  # before the rows: none that is not loaded is passed over
        self._rounds = Rounds(self._store, self._settings, self._background, self._clock_us)
        past = self._rounds.begin(kept.found, kept.alerted)
        imports = Imports(kept.imports, kept.import_ends)
        self._live = Live(past.point_table, past.reject_table, imports, Watermark(kept.detected_us))
        from_us = now_us - self._reach_us()
        self._live.forget_before(from_us)
        for row, source in read_rows(self._store, from_us, now_us + DAY_US):
            self._live.take_point(row, source, now_us)
        for refused in read_refused(self._store, now_us - 2 * HOUR_US, now_us, MAX_REJECTS):
            self._live.take_reject(*refused, now_us)
        positions = begin_at(kept if self._sign.mismatches == 0 else EngineState(), loaded, self._streams.names)
        self._tail = Tail(self._streams.events, self._streams.points, self._streams.rejects, positions)
        self._written = None
        self._begun = begun
        logger.info(
            "alerts are watched", extra={"series": len(past.point_table.series), "rows": self._live.points.rows}
        )

    def _keeps_up(self) -> bool:
        """Whether what is read is of now. In a log that is never at rest there always is more; the past is read through first."""
        detected_us = self._live.watermark.at_us()
        return detected_us is not None and abs(self._clock_us() - detected_us) <= KEEPS_UP_US

    def _is_due(self) -> bool:
        """A round a minute, and soon after new points."""
        wall_us, mono_us, took_us = self._looked
        passed_us = self._monotonic_us() - mono_us
        if mono_us == 0 or passed_us >= MINUTE_US or self._clock_us() // MINUTE_US != wall_us // MINUTE_US:
            return True
        return self._live.changed and passed_us >= max(SOON_US, REST * took_us)

    def _round(self) -> None:
        detected_us = self._live.watermark.at_us()
        if detected_us is None:
            return  # nobody knows yet how far detection is: nothing can be said of now
        assert self._begun is not None
        start_us, now_us = self._monotonic_us(), self._clock_us()
        at_us = min(now_us, detected_us + SLACK_US)
        self._live.forget_before(at_us - self._reach_us())
        judged = self._rounds.judge(self._live, at_us, self._begun.alerts)
        if self._says_more(now_us, judged):
            self._keep(now_us, judged)
        self._live.changed = False
        took_us = self._monotonic_us() - start_us
        self._looked = now_us, start_us, took_us
        self._rounds.took_us = took_us
        self._sign.looked(self._live, self._rounds, self._begun.alerts, now_us, at_us, took_us)

    def _keep(self, now_us: int, judged: Judged) -> None:
        assert self._begun is not None
        now = Round(now_us=now_us, findings=judged.findings, corrected=judged.corrected)
        try:
            outcome = self._keeping.pass_round(self._begun, now, write_state(self._state()))
        except RecordConflict:
            self._begun = self._keeping.begin(now_us)
            raise
        self._written = now_us, _kinds(judged)
        self._begun = self._keeping.begin(now_us)
        if outcome.taken:
            self._told()
        due = self._forgot_us is None or not 0 <= now_us - self._forgot_us < DAY_US
        if due and self._keeping.forget(now_us) < MAX_FORGOTTEN:  # else there are more: the next round goes on
            self._forgot_us = now_us

    def _says_more(self, now_us: int, judged: Judged) -> bool:
        """Whether the round is to be kept: once a minute, and whenever it finds anything else than the last that was kept."""
        if self._written is None:
            return True
        written_us, kinds = self._written
        return not 0 <= now_us - written_us < MINUTE_US or kinds != _kinds(judged)

    def _state(self) -> EngineState:
        positions = {
            stream: {partition: (at.log_id, at.next_offset) for partition, at in each.items()}
            for stream, each in self._tail.positions.items()
        }
        live = self._live
        return EngineState(
            positions=positions,
            detected_us=dict(live.watermark.detected_us),
            imports=dict(live.imports.running),
            import_ends=dict(live.imports.until_us),
            found=tuple(self._rounds.found),
            alerted=tuple(self._rounds.alerted),
        )

    def _reach_us(self) -> int:
        """How far back any window reaches."""
        longest = max((each.window_min for each in self._settings.thresholds), default=0)
        return max(self._settings.rises.slow_h * 60, longest, 60) * MINUTE_US + 2 * SLOT_US

    def _failed(self, error: Exception) -> None:
        failing_s = self._sign.failed(error)
        logger.warning("watching for alerts failed and is tried again", exc_info=error, extra={"failing_s": failing_s})
        if failing_s >= GIVE_UP_AFTER_S and not isinstance(error, StoreDamaged):
            raise error


def _kinds(judged: Judged) -> frozenset[object]:
    return frozenset((each.series, each.window, each.severity) for each in judged.findings) | judged.corrected
