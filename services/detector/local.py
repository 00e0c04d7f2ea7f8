"""The detector on one machine: a loop round the pure core, between the local log and a SQLite file of its own.

A log that cannot be read or written for a while (a full disk) is tried again with back-off; then the process stops by name.
"""

import gc
import threading
from collections.abc import Callable
from typing import Final

from services.detector.records import MAX_UNSAID_EVENTS, Unsaved, detect_span, fold_record, output_of
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
        self._saved_positions = dict(self._positions)
        self._output_offsets = state_file.output_offsets()
        self._partitions: dict[int, Partition] = {}
        self._unsaved: dict[int, Unsaved] = {}
        for number in self._positions:
            self._partition(number)
        self._checkpoints = 0
        self._checkpoint_took_ms = 0.0
        self._written_at_ms = now_ms()
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
            if after_checkpoint is not None and not self._unsaid():
                after_checkpoint()
            if not folded:
                stop.wait(POLL_S)
        self.checkpoint(whole=True)

    def step(self) -> int:
        """Read once, fold what there is, and write a checkpoint when it is time. Gives the number of records folded."""
        records = self._reader.read(self._positions, READ_LIMIT_BYTES)
        for record in records:
            self._fold(record)
        waited_ms = self._now_ms() - self._written_at_ms
        limit_ms = self._checkpoint_ms if records else self._quiet_ms
        if waited_ms >= limit_ms or self._unsaid_events() >= MAX_UNSAID_EVENTS:
            self.checkpoint(whole=not records)
        return len(records)

    def checkpoint(self, *, whole: bool = False) -> None:
        """Write the output since the last one, and the journeys of partitions where that is due; `whole`: all journeys.

        Raises `LogUnavailable`, after which it can be tried again.
        """
        started_ms = self._now_ms()
        unsaid, unsaved = self._unsaid(), self._due(started_ms, whole)
        if not unsaid and not unsaved:
            return
        spoken = [self._partitions[number] for number in unsaid]
        with detect_span(self._origins, spoken, self._unsaid_events()) as span:
            checkpoint = Checkpoint(
                {number: self._partitions[number].changes() for number in unsaved},
                {number: self._positions[number] for number in unsaved},
                [
                    record
                    for partition in spoken
                    for record in output_of(partition, self._positions[partition.number], span.traceparent)
                ],
                {number: self._positions[number].next_offset for number in unsaid},
            )
            self._file.write(checkpoint, started_ms)
        self._output_offsets.update(checkpoint.output_offsets)
        for number in unsaid:
            self._partitions[number].said()
            self._unsaved[number].said()
        self._saved_positions.update(checkpoint.positions)
        for number in unsaved:
            self._partitions[number].saved()
            self._unsaved[number].saved(started_ms / _MS)
        self._checkpoints += 1
        self._written_at_ms = self._now_ms()
        self._checkpoint_took_ms = float(self._written_at_ms - started_ms)

    def status(self) -> DetectorStatus:
        """What it did, and how far its journeys are saved."""
        held = [(self._partitions[number], position) for number, position in self._saved_positions.items()]
        return status_of(held, self._checkpoints, self._checkpoint_took_ms, self._written_at_ms)

    def _unsaid(self) -> list[int]:
        """The partitions that have output, or progress to tell."""
        return sorted(number for number, unsaved in self._unsaved.items() if unsaved.unsaid)

    def _unsaid_events(self) -> int:
        return sum(unsaved.unsaid_events for unsaved in self._unsaved.values())

    def _due(self, now_ms: int, whole: bool) -> list[int]:
        """The partitions whose journeys are to be written."""
        return sorted(
            number
            for number, unsaved in self._unsaved.items()
            if unsaved.changed and (whole or unsaved.are_journeys_due(self._partitions[number], now_ms / _MS))
        )

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
            self._unsaved[number] = Unsaved()
        return partition

    def _fold(self, record: StoredRecord) -> None:
        partition = self._partition(record.partition)
        events = fold_record(partition, record.offset, record.kind, record.value)
        unsaid = record.offset >= self._output_offsets.get(record.partition, 0)
        if unsaid:
            self._origins.add(record.traceparent)
        else:  # said before a restart
            partition.said()
        self._unsaved[record.partition].folded(events, unsaid=unsaid)
        log_id = self._log_id(record.partition)
        self._positions[record.partition] = Position(log_id, record.offset + 1)

    def _log_id(self, number: int) -> str:
        position = self._positions.get(number)
        if position is not None:
            return position.log_id
        log_id = self._reader.log_id()
        if log_id is None:
            raise LogError(f"{self._reader.stream}: the log disappeared while it was read")
        return log_id
