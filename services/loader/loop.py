"""The loader: from the streams of the log into ClickHouse, every row once by identity."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from services.loader.batch import MAX_BATCH_BYTES, MAX_BATCH_ITEMS, Batch
from services.loader.freshness import NOT_YET, Freshness, LoaderMetrics, StreamFreshness
from services.loader.insert import Refused, insert_batch
from services.loader.positions import DETECTED, Positions
from services.loader.refused import RejectSink
from services.loader.retention import delete_old_rejects, set_reject_retention
from services.loader.staging import await_earlier_inserts, fenced, take_staging
from services.loader.targets import TARGETS
from shared.errors import LogError, LogMismatch, StoreDamaged, StoreError
from shared.journey.instants import HOUR_US, SECOND_US, to_text
from shared.log.port import Kind, LogReader, Position
from shared.log.positions import write_position
from shared.store.client import Store
from shared.telemetry.tracing import Parent, process_span

logger = logging.getLogger(__name__)

CONSUMER: Final = "loader"
POLL_S: Final = 0.05
"""Between two looks at the log when there is nothing: the first row after a silence is loaded at once."""
PAUSE_S: Final = 0.2
"""After a load that left nothing: a small batch costs as much processor time as thousands of rows (about 0.1 s with events
and points: planning, one part a table, merging it later), so rows gather between two loads. None while more is waiting."""
FIRST_RETRY_S: Final = 0.1
LONGEST_RETRY_S: Final = 5.0
GIVE_UP_AFTER_S: Final = 120.0


class LoadStep(NamedTuple):
    """What one step loaded: rows by kind (repeats included), rows refused, and whether more is waiting."""

    events: int = 0
    points: int = 0
    late_events: int = 0
    rejects: int = 0
    refused: int = 0
    more: bool = False

    @property
    def loaded(self) -> int:
        """Rows of all kinds."""
        return self.events + self.points + self.late_events + self.rejects


class Stop(Protocol):
    """What ends a loop: a `threading.Event`, or more than one reason."""

    def is_set(self) -> bool:
        """Whether to end."""

    def wait(self, timeout: float) -> bool:
        """Wait for the end, at most so long; whether it has come."""


class Loader:
    """Reads `readers` from the positions kept in ClickHouse and inserts by identity.

    `run_once` and `run` belong to one thread; `freshness` may be called from any. `rejects` takes the rows that ClickHouse
    refuses. `positions_folder` is where other processes see what has been passed (`None`: in ClickHouse only). `clock_us`
    gives microseconds since 1970 UTC. `batch_bytes` bounds one step, over all streams. `fence` is the token of the lease
    under which a server is loaded; 0 where no other loader can be.
    """

    def __init__(
        self,
        store: Store,
        readers: Sequence[LogReader],
        rejects: RejectSink,
        positions_folder: Path | None,
        clock_us: Callable[[], int],
        reject_retention_days: int,
        batch_bytes: int = MAX_BATCH_BYTES,
        fence: int = 0,
    ) -> None:
        self._store = store
        self._readers = list(readers)
        self._rejects = rejects
        self._positions_folder = positions_folder
        self._clock_us = clock_us
        self._retention_days = reject_retention_days
        self._batch_bytes = batch_bytes
        self._fence = fence
        self._targets = fenced(TARGETS, fence) if fence else TARGETS
        self._settled = False
        self._positions: Positions | None = None
        self._told_us = 0
        self._cleaned_us = 0
        self._freshness = NOT_YET
        self._failing_since_us: int | None = None
        self._metrics = LoaderMetrics(self.freshness)

    def run_once(self) -> LoadStep:
        """Load what is there, up to the bounds of one batch.

        Raises `StoreError` and `LogError` (call again: nothing is lost or doubled) and `LogMismatch` (do not).
        """
        start_us = self._clock_us()
        if not self._settled and not self._store.embedded:
            await_earlier_inserts(self._store.writer())
        self._settled = False
        positions = self._loaded_positions()
        batch, more = self._read(positions)
        step = self._insert_traced(batch)._replace(more=more)
        positions.detected(batch.progress)
        for stream, log_id, offsets in self._log_ids(batch):
            for partition, offset in offsets.items():
                positions.advance(stream, partition, Position(log_id, offset))
        now_us = self._clock_us()
        second_passed = now_us - self._told_us >= SECOND_US
        if batch.total or second_passed:
            positions.save(self._store.writer())
        if second_passed:
            self._tell(positions)
            self._told_us = now_us
        self._note(batch, step, start_us, self._clock_us())
        self._settled = True
        return step

    def run(self, stop: Stop) -> None:
        """Load until `stop` is set.

        A failure is tried again, later each time, for `GIVE_UP_AFTER_S`; then it is raised, as `LogMismatch` is at once.
        Damaged tables are tried for ever: pages that need others still answer, and readiness says so.
        """
        retry_s = FIRST_RETRY_S
        while not stop.is_set():
            try:
                step = self.run_once()
                self._keep_clean()
            except LogMismatch:
                raise
            except (StoreError, LogError) as error:
                self._failed(error)
                stop.wait(retry_s)
                retry_s = min(retry_s * 2, LONGEST_RETRY_S)
            else:
                self._failing_since_us = None
                retry_s = FIRST_RETRY_S
                if not step.more:
                    stop.wait(PAUSE_S if step.loaded else POLL_S)

    def freshness(self) -> Freshness:
        """How far loading has come, as of the last second."""
        since_us = self._failing_since_us
        failing_s = 0.0 if since_us is None else (self._clock_us() - since_us) / SECOND_US
        return self._freshness._replace(failing_s=failing_s)

    def _loaded_positions(self) -> Positions:
        if self._positions is None:
            if self._fence:
                take_staging(self._store.writer(), [each.staging for each in TARGETS.values()], self._fence)
            set_reject_retention(self._store, self._retention_days)
            self._positions = Positions(self._store, self._clock_us)
        return self._positions

    def _read(self, positions: Positions) -> tuple[Batch, bool]:
        """The next records of every stream, each within its share of the bounds, and whether one had more."""
        batch = Batch()
        more = False
        share_bytes = self._batch_bytes // len(self._readers)
        share_items = MAX_BATCH_ITEMS // len(self._readers)
        for reader in self._readers:
            records = reader.read(positions.of(reader.stream), share_bytes)
            size_bytes = sum(len(record.value) for record in records)
            taken = batch.add(reader.stream, records, share_items)
            more = more or not taken or size_bytes > share_bytes // 2
        return batch, more

    def _insert_traced(self, batch: Batch) -> LoadStep:
        """Insert within a span that links to the traces of the records."""
        about = {"messaging.batch.message_count": batch.records, "parcours.size_bytes": batch.size_bytes}
        with process_span("load", batch.traceparents, Parent.NONE, about) as span:
            step = self._insert(batch)
            span.set(
                {
                    "parcours.events": step.events,
                    "parcours.points": step.points,
                    "parcours.late_events": step.late_events,
                    "parcours.rejects": step.rejects,
                    "parcours.refused": step.refused,
                }
            )
            return step

    def _insert(self, batch: Batch) -> LoadStep:
        """Insert, kind by kind; what is refused is kept as rejects before the positions pass it."""
        rows = dict.fromkeys(Kind, 0)
        refused_count = 0
        for kind, values in batch.values.items():
            if not values:
                continue
            inserted = insert_batch(self._store.writer(), self._targets[kind], values, batch.items[kind])
            rows[kind] = inserted.rows
            refused_count += len(inserted.refused)
            if inserted.refused:
                self._refuse(kind, inserted.refused)
        return LoadStep(rows[Kind.EVENTS], rows[Kind.POINTS], rows[Kind.LATE], rows[Kind.REJECTS], refused_count)

    def _refuse(self, kind: Kind, refused: list[Refused]) -> None:
        codes = sorted({row.code or 0 for row in refused})
        logger.warning("ClickHouse refuses rows", extra={"kind": kind.value, "rows": len(refused), "codes": codes})
        if kind is not Kind.REJECTS:  # a reject that cannot be loaded stays in its log, and is not rejected again
            self._rejects.keep(refused, to_text(self._clock_us()))

    def _log_ids(self, batch: Batch) -> list[tuple[str, str, dict[int, int]]]:
        found: list[tuple[str, str, dict[int, int]]] = []
        for reader in self._readers:
            offsets = batch.next_offsets.get(reader.stream)
            log_id = reader.log_id() if offsets else None
            if offsets and log_id is not None:
                found.append((reader.stream, log_id, offsets))
        return found

    def _tell(self, positions: Positions) -> None:
        """Say where the loader stands: to other processes by a file, to this one by `freshness`."""
        streams: dict[str, StreamFreshness] = {}
        for reader in self._readers:
            at = positions.of(reader.stream)
            if not at:
                continue
            log_id = next(iter(at.values())).log_id
            offsets = {partition: position.next_offset for partition, position in at.items()}
            self._tell_others(reader.stream, log_id, offsets)
            streams[reader.stream] = StreamFreshness(log_id, offsets, reader.ends())
        detected = positions.of(DETECTED)
        if detected:
            log_id = next(iter(detected.values())).log_id
            offsets = {partition: position.next_offset for partition, position in detected.items()}
            streams[DETECTED] = StreamFreshness(log_id, offsets, {})
        self._freshness = self._freshness._replace(streams=streams)

    def _tell_others(self, stream: str, log_id: str, offsets: dict[int, int]) -> None:
        if self._positions_folder is None:
            return
        try:
            write_position(self._positions_folder, CONSUMER, stream, log_id, offsets)
        except OSError as error:
            raise StoreError(f"{self._positions_folder} cannot be written: {error.strerror}") from error

    def _note(self, batch: Batch, step: LoadStep, start_us: int, now_us: int) -> None:
        delay_s = 0.0 if batch.oldest_ms is None else max(now_us / SECOND_US - batch.oldest_ms / 1_000, 0.0)
        if batch.total:
            self._metrics.loaded(batch.items, step.refused, (now_us - start_us) / SECOND_US, delay_s)
        self._freshness = self._freshness._replace(loaded_us=now_us, lag_s=delay_s if step.more else 0.0)

    def _keep_clean(self) -> None:
        now_us = self._clock_us()
        if now_us - self._cleaned_us >= HOUR_US:
            delete_old_rejects(self._store, self._retention_days, now_us)
            self._cleaned_us = now_us

    def _failed(self, error: Exception) -> None:
        """Note a failure; raise it when failing has lasted too long, unless starting again cannot help either."""
        now_us = self._clock_us()
        if self._failing_since_us is None:
            self._failing_since_us = now_us
        failing_s = (now_us - self._failing_since_us) / SECOND_US
        self._metrics.failed()
        logger.warning("Loading failed and is tried again", exc_info=error, extra={"failing_s": failing_s})
        if failing_s >= GIVE_UP_AFTER_S and not isinstance(error, StoreDamaged):
            raise error
