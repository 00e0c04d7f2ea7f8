"""The detector on one machine: a loop round the pure core, between the local log and a SQLite file of its own.

A log that cannot be read or written for a while (a full disk) is tried again with back-off; then the process stops by name.
"""

import gc
import threading
from collections.abc import Callable
from typing import Final

from services.detector.records import MAX_UNSAVED_EVENTS, detect_span, fold_record, output_of
from services.detector.state_file import Checkpoint, StateFile
from services.detector.status import DetectorStatus, status_of
from shared.detection.partition import Partition
from shared.errors import LogError, LogMismatch
from shared.log.port import LogReader, Position, StoredRecord
from shared.telemetry.tracing import Origins

READ_LIMIT_BYTES: Final = 8_000_000
POLL_S: Final = 0.02
RETRIES: Final = 8
FIRST_BACK_OFF_S: Final = 0.2
_MS: Final = 1_000


class LocalDetector:
    """Folds everything `reader` has into `state_file`. Times are milliseconds of `now_ms`."""

    def __init__(
        self,
        reader: LogReader,
        state_file: StateFile,
        now_ms: Callable[[], int],
        *,
        checkpoint_ms: int,
        checkpoint_quiet_ms: int,
        hot_journeys: int,
        young_journeys: int,
    ) -> None:
        self._reader, self._file, self._now_ms = reader, state_file, now_ms
        self._checkpoint_ms, self._quiet_ms = checkpoint_ms, checkpoint_quiet_ms
        self._sizes = (hot_journeys, young_journeys)
        self._positions = state_file.positions()
        self._partitions: dict[int, Partition] = {}
        for number in self._positions:
            self._partition(number)
        self._unsaved_events = 0
        self._unsaved: set[int] = set()
        self._checkpoints = 0
        self._checkpoint_took_ms = 0.0
        self._saved_at_ms = now_ms()
        self._origins = Origins()

    def run(self, stop: threading.Event, after_checkpoint: Callable[[], None] | None = None) -> None:
        """Fold until `stop` is set; then write a last checkpoint.

        Raises `LogMismatch` at once, `LogError` when the log fails `RETRIES` times in a row, `DetectionError`.
        """
        # The fold makes no reference cycles, and scanning a million journeys for them takes seconds.
        gc.freeze()
        gc.disable()
        failures = 0
        while not stop.is_set():
            try:
                folded = self.step()
                failures = 0
            except LogMismatch:
                raise
            except LogError:
                failures += 1
                if failures > RETRIES:
                    raise
                stop.wait(FIRST_BACK_OFF_S * 2 ** (failures - 1))
                continue
            if after_checkpoint is not None and not self._unsaved:
                after_checkpoint()
            if not folded:
                stop.wait(POLL_S)
        self.checkpoint()

    def step(self) -> int:
        """Read once, fold what there is, and write a checkpoint when it is time. Gives the number of records folded."""
        records = self._reader.read(self._positions, READ_LIMIT_BYTES)
        for record in records:
            self._fold(record)
        waited_ms = self._now_ms() - self._saved_at_ms
        limit_ms = self._checkpoint_ms if records else self._quiet_ms
        if self._unsaved and (waited_ms >= limit_ms or self._unsaved_events >= MAX_UNSAVED_EVENTS):
            self.checkpoint()
        return len(records)

    def checkpoint(self) -> None:
        """Write what was folded since the last one. Raises `LogUnavailable`, after which it can be tried again."""
        if not self._unsaved:
            return
        started_ms = self._now_ms()
        numbers = sorted(self._unsaved)
        folded = [self._partitions[number] for number in numbers]
        with detect_span(self._origins, folded, self._unsaved_events) as span:
            checkpoint = Checkpoint(
                {partition.number: partition.changes() for partition in folded},
                {number: self._positions[number] for number in numbers},
                [
                    record
                    for partition in folded
                    for record in output_of(partition, self._positions[partition.number], span.traceparent)
                ],
            )
            self._file.write(checkpoint, started_ms)
        for partition in folded:
            partition.saved()
        self._unsaved.clear()
        self._unsaved_events = 0
        self._checkpoints += 1
        self._saved_at_ms = self._now_ms()
        self._checkpoint_took_ms = float(self._saved_at_ms - started_ms)

    def status(self) -> DetectorStatus:
        """What it did and where it stands."""
        held = [(self._partitions[number], position) for number, position in self._positions.items()]
        return status_of(held, self._checkpoints, self._checkpoint_took_ms, self._saved_at_ms)

    def _partition(self, number: int) -> Partition:
        partition = self._partitions.get(number)
        if partition is None:
            hot, young = self._sizes
            journeys = self._file.journeys(number)
            partition = Partition(number, journeys, hot_journeys=hot, young_journeys=young)
            state = self._file.state(number)
            if state is not None:
                partition.restore(state, self._file.timers(number))
            self._partitions[number] = partition
        return partition

    def _fold(self, record: StoredRecord) -> None:
        partition = self._partition(record.partition)
        self._unsaved_events += fold_record(partition, record.offset, record.kind, record.value)
        self._origins.add(record.traceparent)
        log_id = self._log_id(record.partition)
        self._positions[record.partition] = Position(log_id, record.offset + 1)
        self._unsaved.add(record.partition)

    def _log_id(self, number: int) -> str:
        position = self._positions.get(number)
        if position is not None:
            return position.log_id
        log_id = self._reader.log_id()
        if log_id is None:
            raise LogError(f"{self._reader.stream}: the log disappeared while it was read")
        return log_id
