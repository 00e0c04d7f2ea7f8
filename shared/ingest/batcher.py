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
from typing import Final

from shared.errors import LogError, LogOverloaded, LogUnavailable
from shared.ingest.records import Part, pack
from shared.log.port import LogWriter

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


class _Submission:
    __slots__ = ("done", "items", "parts", "size_bytes")

    def __init__(self, parts: Sequence[Part], done: "asyncio.Future[Ends]") -> None:
        self.parts = parts
        self.done = done
        self.items = sum(len(part.items) for part in parts)
        self.size_bytes = sum(len(item) for part in parts for item in part.items)


class Batcher:
    """The only way into one stream. Everything but the append itself runs on one event loop."""

    def __init__(
        self,
        writer: LogWriter,
        *,
        linger_ms: int,
        max_pending_bytes: int,
        max_pending_items: int = DEFAULT_MAX_PENDING_ITEMS,
        observe_commit: Callable[[int, float], None] = lambda _items, _seconds: None,
    ) -> None:
        self._writer = writer
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
        self.failure: str | None = None
        """The type of the last commit's error, `None` after a commit that worked."""

    @property
    def pending_bytes(self) -> int:
        """What was submitted and is not durable yet."""
        return self._pending_bytes

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
        try:
            ends = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._append, [submission.parts for submission in group]
            )
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
            self._observe_commit(sum(submission.items for submission in group), monotonic() - started)
            for submission, reached in zip(group, ends, strict=True):
                if not submission.done.done():
                    submission.done.set_result(reached)
        finally:
            self._pending_bytes -= sum(submission.size_bytes for submission in group)
            self._pending_items -= sum(submission.items for submission in group)

    def _append(self, submissions: list[Sequence[Part]]) -> list[Ends]:
        """In the append thread: pack, append, and tell each submission where it ends."""
        records, placed = pack(submissions)
        offsets = self._writer.append(records)
        return [{partition: offsets[index] + 1 for partition, index in places.items()} for places in placed]

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
