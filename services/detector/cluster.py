"""The detector on a cluster: folds the records that a consumer group assigns to it, partition by partition.

It knows nothing of the consumer: a host (`services.detector.faust_worker`) says which partitions come and go, and brings
records. Each partition is loaded before its first record is folded, and written in transactions of its own.

A rebalance takes all partitions away and gives most of them back. Those are kept meanwhile, and used again only after an
empty checkpoint has shown that nobody else took them: a transaction that succeeds proves it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeVar

from services.detector.kafka_checkpoint import Fenced, Topics
from services.detector.owned_partition import OwnedPartition
from services.detector.records import MAX_UNSAID_EVENTS
from services.detector.status import DetectorStatus, add_counts, status_of
from shared.detection.partition_state import Counts
from shared.errors import DetectionError, LogError, LogMismatch, LogUnavailable, ParcoursError
from shared.log.port import Kind
from shared.telemetry import tracing

YIELD_EVENTS: Final = 200
"""After so many events the worker's other tasks have their turn."""
TICK_S: Final = 0.02
QUIET_S: Final = 0.05
"""A partition that got nothing for so long is quiet."""
LOADS_AT_A_TIME: Final = 4
RETRIES: Final = 8
FIRST_BACK_OFF_S: Final = 0.2
WRITE_LIMIT_S: Final = 150.0
"""So long a checkpoint may take, the broker's absence included; then the worker stops by name."""
HAND_OVER_LIMIT_S: Final = 2.5
"""So long the last checkpoint of a partition may take that is taken away."""

_MS: Final = 1_000
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Incoming(NamedTuple):
    """A record of `journey-events`."""

    offset: int
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class ClusterSettings(NamedTuple):
    """How a worker works. `log_id` asks for the identity of the log (it may block)."""

    brokers: str
    topics: Topics
    checkpoint_ms: int
    checkpoint_quiet_ms: int
    hot_journeys: int
    log_id: Callable[[], str]
    left_limit_s: float
    """So long a partition may stay assigned that another worker has taken."""


class ClusterDetector:
    """The partitions of one worker. All methods belong to one event loop; times are seconds of `clock_s`."""

    def __init__(self, settings: ClusterSettings, clock_s: Callable[[], float]) -> None:
        self._settings, self._clock_s = settings, clock_s
        self._owned: dict[int, OwnedPartition] = {}
        self._loading: dict[int, asyncio.Task[OwnedPartition]] = {}
        self._loads = asyncio.Semaphore(LOADS_AT_A_TIME)
        self._left: dict[int, float] = {}
        self._generation = 0
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._past = Counts()
        self._checkpoints = 0
        self._checkpoint_took_s = 0.0
        self._saved_at_s = clock_s()

    async def fold(self, number: int, records: Sequence[Incoming]) -> None:
        """Fold records of one partition, in order. What a rebalance cuts short is delivered again.

        Raises `DetectionError` and `LogMismatch` (which starting again cannot help), or `LogError`.
        """
        generation = self._generation
        owned = await self._ready(number, records[0].offset)
        events, now_s, traced = 0, self._clock_s(), tracing.enabled()
        for record in records:
            if owned is None or self._generation != generation or self._owned.get(number) is not owned:
                return
            events += owned.fold(record.offset, kind_of(record, number), record.value, now_s)
            if traced:
                owned.origins.add(traceparent_of(record))
            if owned.unsaved.unsaid_events >= MAX_UNSAID_EVENTS:
                await owned.settled()
                self._begin(self._checkpoint(owned))
            elif events < YIELD_EVENTS:
                continue
            await asyncio.sleep(0)
            events, now_s = 0, self._clock_s()

    async def keep_checkpoints(self) -> None:
        """Write checkpoints when it is time, for ever. Raises `LogError`."""
        while self._failure is None:
            now_s = self._clock_s()
            for owned in self._owned.values():
                quiet = now_s - owned.folded_at_s > QUIET_S
                if self._is_due(owned, now_s, quiet):
                    self._begin(self._checkpoint(owned, whole=quiet))
            for number, since_s in self._left.items():
                if now_s - since_s > self._settings.left_limit_s:
                    raise LogUnavailable(f"partition {number} is assigned here, but another worker has taken it")
            await asyncio.sleep(TICK_S)
        raise self._failure

    async def hand_over(self) -> None:
        """A rebalance begins: write all there is, within `HAND_OVER_LIMIT_S`; what cannot be written is dropped."""
        self._generation += 1
        self._left.clear()
        self._abandon_loads()
        await asyncio.gather(*(self._last_checkpoint(owned) for owned in list(self._owned.values())))

    def assigned(self, numbers: Iterable[int]) -> None:
        """A rebalance ends: drop the partitions that are no longer here, doubt the others, and begin to load the new."""
        assigned = set(numbers)
        for number, owned in list(self._owned.items()):
            if number in assigned:
                owned.doubtful = True
            else:
                self._drop(owned)
        for number in sorted(assigned - self._owned.keys()):
            self._begin_load(number)

    async def close(self) -> None:
        """Write all there is, within `HAND_OVER_LIMIT_S`, and let go; what comes afterwards is left alone."""
        self._closed = True
        await self.hand_over()
        for owned in list(self._owned.values()):
            self._drop(owned)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def status(self) -> DetectorStatus:
        """What the worker did and where its partitions stand."""
        held = [(owned.partition, owned.position) for owned in self._owned.values()]
        saved_at_ms = int(self._saved_at_s * _MS)
        status = status_of(held, self._checkpoints, self._checkpoint_took_s * _MS, saved_at_ms)
        status.counts = add_counts([status.counts, self._past])
        return status

    async def _ready(self, number: int, first_offset: int) -> OwnedPartition | None:
        """The partition, loaded and surely ours; `None` when it is not, and its records are to be left alone."""
        if self._closed or number in self._left:
            return None
        owned = self._owned.get(number)
        if owned is not None and owned.doubtful:
            await self._checkpoint(owned, whole=True)
            owned.doubtful = False
            self._left.pop(number, None)
            owned = self._owned.get(number)
        if owned is not None:
            return owned
        generation = self._generation
        loading = self._begin_load(number)
        await asyncio.wait([loading])
        if self._generation != generation or loading.cancelled():
            return None
        owned = loading.result()
        owned.begin_at(first_offset)
        self._owned[number] = owned
        self._loading.pop(number, None)
        return owned

    def _begin_load(self, number: int) -> "asyncio.Task[OwnedPartition]":
        """Load in a task of its own, which `hand_over` ends: partitions load side by side."""
        loading = self._loading.get(number)
        if loading is None:
            work = self._with_retries(lambda: self._load(number))
            loading = self._loading[number] = asyncio.get_running_loop().create_task(work)
        return loading

    async def _load(self, number: int) -> OwnedPartition:
        async with self._loads:
            settings = self._settings
            log_id = await asyncio.to_thread(settings.log_id)
            started_s = self._clock_s()
            owned = await OwnedPartition.load(settings.brokers, settings.topics, number, log_id, settings.hot_journeys)
        fields = {"partition": number, "journeys": owned.loaded_journeys, "took_s": self._clock_s() - started_s}
        _log.info("partition loaded", extra=fields)
        return owned

    async def _with_retries(self, attempt: Callable[[], Awaitable[_T]]) -> _T:
        for failures in range(RETRIES):
            try:
                return await attempt()
            except LogMismatch:
                raise
            except LogError as error:
                _log.warning("the log fails, trying again", exc_info=error)
                await asyncio.sleep(FIRST_BACK_OFF_S * 2**failures)
        return await attempt()

    def _is_due(self, owned: OwnedPartition, now_s: float, quiet: bool) -> bool:
        if not owned.unsaved.changed or owned.writing:
            return False
        limit_ms = self._settings.checkpoint_quiet_ms if quiet else self._settings.checkpoint_ms
        return now_s - owned.written_at_s >= limit_ms / 1_000

    async def _checkpoint(self, owned: OwnedPartition, *, whole: bool = False) -> None:
        """Write a checkpoint; a partition that another worker has taken is dropped, and left alone from then on."""
        started_s = self._clock_s()
        try:
            async with asyncio.timeout(WRITE_LIMIT_S):
                await owned.checkpoint(started_s, whole=whole)
        except Fenced:
            if self._owned.get(owned.number) is owned:
                _log.warning("another worker has taken the partition", extra={"partition": owned.number})
                self._left[owned.number] = self._clock_s()
                self._drop(owned)
            return
        except TimeoutError as error:
            raise LogUnavailable(f"partition {owned.number}: no checkpoint for {WRITE_LIMIT_S:.0f} s") from error
        self._saved_at_s = self._clock_s()
        self._checkpoint_took_s = self._saved_at_s - started_s
        self._checkpoints += 1

    async def _last_checkpoint(self, owned: OwnedPartition) -> None:
        try:
            async with asyncio.timeout(HAND_OVER_LIMIT_S):
                await self._checkpoint(owned, whole=owned.unsaved.changed)
        except (LogError, TimeoutError) as error:
            _log.warning("a last checkpoint failed", extra={"partition": owned.number}, exc_info=error)
            self._drop(owned)
        self._left.pop(owned.number, None)

    def _abandon_loads(self) -> None:
        loading, self._loading = self._loading, {}
        for number, task in loading.items():
            if number not in self._owned:
                self._begin(_abandon(task))

    def _drop(self, owned: OwnedPartition) -> None:
        if self._owned.get(owned.number) is owned:
            del self._owned[owned.number]
            self._past = add_counts([self._past, owned.partition.counts])
        self._begin(owned.close())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let it run by itself; `keep_checkpoints` raises what it raises."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and self._failure is None:
            self._failure = error


async def _abandon(loading: "asyncio.Task[OwnedPartition]") -> None:
    loading.cancel()
    with suppress(asyncio.CancelledError, ParcoursError):
        await (await loading).close()


def kind_of(record: Incoming, partition: int) -> Kind:
    """What a record holds. Raises `DetectionError` for what ingest never writes."""
    for name, value in record.headers:
        if name == "kind" and value in _KINDS:
            return _KINDS[value]
    raise DetectionError(f"journey-events, partition {partition}, offset {record.offset}: a record of no known kind")


def traceparent_of(record: Incoming) -> str:
    """The trace that a record belongs to; empty for none."""
    return next((value.decode(errors="replace") for name, value in record.headers if name == "traceparent"), "")


_KINDS: Final[dict[Any, Kind]] = {kind.value.encode(): kind for kind in (Kind.EVENTS, Kind.CONTROL)}
