"""Coalescing micro-batches: many requests wait for one commit.

A single task takes everything that is pending, packs it into records and appends them in a thread of its own; what comes
meanwhile makes the next group. So a quiet gateway commits each request almost at once, and a busy one hundreds together.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Final, NamedTuple

from opentelemetry.trace import SpanKind

from shared.errors import LogError, LogOverloaded, LogUnavailable
from shared.ingest.records import Part, pack
from shared.log.port import LogWriter, Record
from shared.telemetry.tracing import Origins, Parent, current_traceparent

_log = logging.getLogger(__name__)

DEFAULT_MAX_PENDING_ITEMS: Final = 250_000
COMMIT_BYTES: Final = 4_000_000
"""About what one commit takes at most; the first submission always fits."""
FULL_BYTES: Final = 250_000
"""With this much pending a commit does not wait for company."""
SUBMIT_TIMEOUT_S: Final = 30.0
"""How long a submission waits for its commit before it is refused as overloaded."""

Ends = dict[int, int]
"""Partition -> the offset after the submission's last record there."""


class LogState(NamedTuple):
    """What waits for one log."""

    pending_bytes: int
    pending_items: int
    commits_in_flight: int


class _Appended(NamedTuple):
    """What became of one commit: the end of each submission, and the items of each record."""

    ends: list[Ends]
    record_items: list[int]


class _Submission:
    __slots__ = ("done", "items", "parts", "size_bytes", "traceparent")

    def __init__(self, parts: Sequence[Part], done: "asyncio.Future[Ends]") -> None:
        self.parts = parts
        self.done = done
        self.items = sum(len(part.items) for part in parts)
        self.size_bytes = sum(len(item) for part in parts for item in part.items)
        self.traceparent = current_traceparent()


class Batcher:
    """The only way into one stream. Everything but the append itself runs on one event loop.

    `topic` names the span of each commit that a request waits for; `observe_commit` takes the items of each record of a
    commit, and its seconds.
    """

    def __init__(
        self,
        writer: LogWriter,
        *,
        topic: str = "",
        linger_ms: int,
        max_pending_bytes: int,
        max_pending_items: int = DEFAULT_MAX_PENDING_ITEMS,
        observe_commit: Callable[[Sequence[int], float], None] = lambda _items, _seconds: None,
    ) -> None:
        self._writer = writer
        self._topic = topic
        self._linger_s = linger_ms / 1_000
        self._max_pending_bytes = max_pending_bytes
        self._max_pending_items = max_pending_items
        self._observe_commit = observe_commit
        self._waiting: deque[_Submission] = deque()
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="log-append")
        self._task: asyncio.Task[None] | None = None
        self._accepting = False
        self._stopped = False
        self._pending_items = 0
        self._pending_bytes = 0
        self._commits_in_flight = 0
        self.failure: str | None = None
        """The type of the last commit's error, `None` after a commit that worked."""

    @property
    def pending_bytes(self) -> int:
        """What was submitted and is not durable yet."""
        return self._pending_bytes

    @property
    def state(self) -> LogState:
        """What waits, as numbers to watch."""
        return LogState(self._pending_bytes, self._pending_items, self._commits_in_flight)

    @property
    def fill(self) -> float:
        """How full the bounded queue is, 0 to 1 and, with one submission larger than the bound, beyond."""
        return max(self._pending_bytes / self._max_pending_bytes, self._pending_items / self._max_pending_items)

    def start(self) -> None:
        """Begin to commit; call on the event loop."""
        self._accepting = True
        self._task = asyncio.create_task(self._run(), name="log-batcher")

    async def submit(self, parts: Sequence[Part], *, urgent: bool = False) -> Ends:
        """Make the items durable, all or none.

        Raises `LogOverloaded` when too much is pending (unless `urgent`, for the platform's own control events) or the
        commit takes longer than `SUBMIT_TIMEOUT_S`, and `LogUnavailable` when the log cannot be written. What is
        refused may still have become durable after a timeout; it was not acknowledged.
        """
        if not self._accepting:
            raise LogUnavailable("the gateway is stopping")
        submission = _Submission(parts, asyncio.get_running_loop().create_future())
        self._reserve(submission, urgent=urgent)
        self._waiting.append(submission)
        self._wake.set()
        try:
            async with asyncio.timeout(SUBMIT_TIMEOUT_S):
                return await submission.done
        except TimeoutError:
            raise LogOverloaded("the log did not answer in time") from None

    async def stop(self, timeout_s: float) -> None:
        """Accept no more, finish what is pending, and close the writer: each within `timeout_s`. Harmless when repeated."""
        if self._stopped:
            return
        self._stopped = True
        self._accepting = False
        self._wake.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=timeout_s)
            self._task.cancel()
            self._fail(list(self._waiting), LogUnavailable("the gateway has stopped"))
            self._waiting.clear()
        closing = asyncio.wrap_future(self._thread.submit(self._writer.close))
        self._thread.shutdown(wait=False)
        await asyncio.wait({closing}, timeout=timeout_s)

    def _reserve(self, submission: _Submission, *, urgent: bool) -> None:
        too_full = (
            self._pending_bytes + submission.size_bytes > self._max_pending_bytes
            or self._pending_items + submission.items > self._max_pending_items
        )
        if too_full and self._pending_bytes and not urgent:
            raise LogOverloaded("too much is waiting for the log")
        self._pending_bytes += submission.size_bytes
        self._pending_items += submission.items

    async def _run(self) -> None:
        while True:
            if not self._waiting:
                if not self._accepting:
                    return
                self._wake.clear()
                await self._wake.wait()
                if self._pending_bytes < FULL_BYTES and self._accepting:
                    await asyncio.sleep(self._linger_s)
                continue
            await self._commit(self._take())

    def _take(self) -> list[_Submission]:
        group: list[_Submission] = []
        size_bytes = 0
        while self._waiting and (not group or size_bytes + self._waiting[0].size_bytes <= COMMIT_BYTES):
            submission = self._waiting.popleft()
            size_bytes += submission.size_bytes
            group.append(submission)
        return group

    async def _commit(self, group: list[_Submission]) -> None:
        started = monotonic()
        self._commits_in_flight += 1
        try:
            appended = await self._appended(group)
        except LogError as error:
            self._note_failure(error)
            self._fail(group, error if isinstance(error, LogUnavailable) else LogUnavailable(str(error)))
        except Exception as error:  # a defect of an adapter must not end the only task that commits
            self._note_failure(error)
            self._fail(group, LogUnavailable("the log failed unexpectedly"))
        except asyncio.CancelledError:
            self._fail(group, LogUnavailable("the gateway has stopped"))
            raise
        else:
            self.failure = None
            self._observe_commit(appended.record_items, monotonic() - started)
            for submission, reached in zip(group, appended.ends, strict=True):
                if not submission.done.done():
                    submission.done.set_result(reached)
        finally:
            self._commits_in_flight -= 1
            self._pending_bytes -= sum(submission.size_bytes for submission in group)
            self._pending_items -= sum(submission.items for submission in group)

    async def _appended(self, group: list[_Submission]) -> _Appended:
        """Append in the append thread, within a span: the child of the first request's, with links to the others'."""
        origins = Origins()
        for submission in group:
            origins.add(submission.traceparent)
        name, about = f"append {self._topic}", {"messaging.destination.name": self._topic}
        with origins.span(name, SpanKind.PRODUCER, Parent.FIRST, about) as span:
            parts = [submission.parts for submission in group]
            records, appended = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._append, parts, span.traceparent
            )
            if span.traceparent:
                span.set(describe_records(records))
            return appended

    def _append(self, submissions: list[Sequence[Part]], traceparent: str) -> tuple[list[Record], _Appended]:
        """In the append thread: pack, append, and tell each submission where it ends."""
        records, placed = pack(submissions)
        if traceparent:
            records = [record._replace(traceparent=traceparent) for record in records]
        offsets = self._writer.append(records)
        ends = [{partition: offsets[index] + 1 for partition, index in places.items()} for places in placed]
        return records, _Appended(ends, [record.items for record in records])

    def _note_failure(self, error: Exception) -> None:
        name = type(error).__name__
        if self.failure != name:
            _log.error("the log cannot be written", exc_info=error)
        self.failure = name

    @staticmethod
    def _fail(group: list[_Submission], error: LogError) -> None:
        for submission in group:
            if not submission.done.done():
                submission.done.set_exception(error)


def describe_records(records: Sequence[Record]) -> dict[str, str | int]:
    """What a span says of records written: how many, of how many items and bytes; the partition if it is one."""
    partitions = {record.partition for record in records}
    about: dict[str, str | int] = {
        "messaging.batch.message_count": len(records),
        "parcours.items": sum(record.items for record in records),
        "parcours.size_bytes": sum(len(record.value) for record in records),
    }
    if len(partitions) == 1:
        about["messaging.destination.partition.id"] = str(partitions.pop())
    return about
