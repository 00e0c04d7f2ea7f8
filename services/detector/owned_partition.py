"""One partition of a cluster's worker: what it remembers, where it stands, and its transactions."""

import asyncio
from sys import maxsize
from typing import Self

from services.detector.kafka_checkpoint import Checkpoint, CheckpointWriter, Fenced, Topics, load_partition
from services.detector.records import Unsaved, detect_span, fold_record, output_of
from services.detector.stored_state import Entry, StateEncoder, StoredState
from shared.detection.partition import Partition
from shared.errors import DetectionError, LogMismatch
from shared.log.port import Kind, Position, Record
from shared.telemetry.tracing import Origins


class OwnedPartition:
    """Folding is synchronous, and so is taking what a checkpoint writes: the two never interleave within a record."""

    def __init__(self, topics: Topics, number: int, log_id: str, writer: CheckpointWriter) -> None:
        self.number = number
        self.unsaved = Unsaved()
        self.doubtful = False
        self.folded_at_s = 0.0
        self.written_at_s = 0.0
        self.origins = Origins()
        self.loaded_journeys = 0
        self.partition: Partition
        self._topics, self._log_id = topics, log_id
        self._writer = writer
        self._encoder = StateEncoder()
        self._next_offset: int | None = None
        self._journeys_offset = self._output_offset = self._first_offset = 0
        self._lock = asyncio.Lock()
        self._write: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def load(cls, brokers: str, topics: Topics, number: int, log_id: str, hot_journeys: int) -> Self:
        """Take the partition from whoever had it, and read what it left.

        Raises `LogUnavailable`, or `LogMismatch` for the state of another log or version.
        """
        writer = CheckpointWriter(brokers, topics, number)
        owned = cls(topics, number, log_id, writer)
        try:
            await writer.open()
            await owned._restore(brokers, hot_journeys)
        except BaseException:
            await writer.close()
            raise
        return owned

    @property
    def position(self) -> Position:
        """All before it is folded."""
        return Position(self._log_id, self._next_offset or 0)

    @property
    def writing(self) -> bool:
        """Whether a transaction is under way."""
        return self._lock.locked()

    def begin_at(self, offset: int) -> None:
        """The first record after loading. Raises `LogMismatch` where nothing was kept and the log's beginning is skipped."""
        if self._next_offset is None and offset <= self._first_offset:
            self._next_offset = offset
        elif self._next_offset is None:
            self._next_offset = self._first_offset

    def fold(self, offset: int, kind: Kind, value: bytes, now_s: float) -> int:
        """Fold a record unless it was already; gives the number of its events.

        Raises `LogMismatch` when records before it are missing, `DetectionError` for one that cannot be read.
        """
        expected = self._next_offset
        if expected is None or offset > expected:
            raise LogMismatch(
                f"{self._topics.events}, partition {self.number}: the detector expects offset {expected} "
                f"and was given {offset}; records between them are gone, or the group's offsets were changed"
            )
        if offset < expected:
            return 0
        try:
            events = fold_record(self.partition, offset, kind, value)
        except DetectionError as error:
            raise DetectionError(f"{self._topics.events}, partition {self.number}, offset {offset}: {error}") from error
        self._next_offset = offset + 1
        if offset < self._output_offset:
            self.partition.said()
        self.unsaved.folded(events, unsaid=offset >= self._output_offset)
        self.folded_at_s = now_s
        return events

    async def checkpoint(self, now_s: float, *, whole: bool = False) -> None:
        """Write the output since the last checkpoint, and the journeys if that is due; `whole`: those in any case.

        What is folded while the transaction is under way belongs to the next. Raises `Fenced` or `LogUnavailable`, after
        which the partition must be loaded again.
        """
        async with self._lock:
            whole = whole or self.unsaved.are_journeys_due(self.partition, now_s)
            if self._next_offset is None or not (self.unsaved.unsaid or whole):
                return
            self.written_at_s = now_s
            with detect_span(self.origins, [self.partition], self.unsaved.unsaid_events) as span:
                output = self._take_output(span.traceparent)
                entries = self._take_state(now_s) if whole else self._encoder.encode_output_offset(self._output_offset)
                await self._written(Checkpoint(entries, output, self._journeys_offset))

    async def settled(self) -> None:
        """Wait for the transaction that is under way."""
        async with self._lock:
            return

    async def close(self) -> None:
        """Let go of the partition, and of the transaction that is under way. Never raises."""
        self._closed = True
        if self._write is not None:
            self._write.cancel()
        await self._writer.close()

    async def _written(self, checkpoint: Checkpoint) -> None:
        """In a task of its own, so that `close` ends it and nothing else."""
        self._write = asyncio.get_running_loop().create_task(self._writer.write(checkpoint))
        try:
            await self._write
        except asyncio.CancelledError:
            if self._closed:
                raise Fenced from None
            raise

    def _take_output(self, traceparent: str) -> list[Record]:
        if not self.unsaved.unsaid:
            return []
        output = list(output_of(self.partition, self.position, traceparent))
        self._output_offset = self.position.next_offset
        self.partition.said()
        self.unsaved.said()
        return output

    def _take_state(self, now_s: float) -> list[Entry]:
        state, changed = self.partition.changes()
        self._journeys_offset = self.position.next_offset
        stored = StoredState(self._log_id, self._journeys_offset, state, self._output_offset)
        entries = self._encoder.encode(stored, changed)
        self.partition.saved()
        self.unsaved.saved(now_s)
        return entries

    async def _restore(self, brokers: str, hot_journeys: int) -> None:
        loaded = await load_partition(brokers, self._topics, self.number)
        records = loaded.records
        self._encoder.held_in_chunks(records.chunk_counts())
        stored = records.take_state()
        self.loaded_journeys = len(records)
        self._first_offset = loaded.first_offset
        # what is taken out of `records` stays in the partition's own memory, so that holds any number
        self.partition = Partition(self.number, records, hot_journeys=hot_journeys, young_journeys=maxsize)
        if stored is None:
            return
        if stored.log_id != self._log_id:
            raise LogMismatch(
                f"{self._topics.state}, partition {self.number}: the detector's state belongs to log {stored.log_id}, "
                f"and {self._topics.events} is now log {self._log_id}"
            )
        self.partition.restore(stored.state, records.timers())
        self._next_offset = stored.next_offset
        self._output_offset = max(stored.output_offset, stored.next_offset)
