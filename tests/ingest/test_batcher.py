"""Coalescing micro-batches: order, bounds, failure, stopping."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import LogError, LogOverloaded, LogUnavailable
from shared.ingest import batcher as batcher_module
from shared.ingest.batcher import Batcher
from shared.ingest.records import Part, pack
from shared.log.port import MAX_RECORD_BYTES, MAX_RECORD_EVENTS, Kind, Record


class MemoryLog:
    """A writer of the port that keeps records in memory, and can be held up or made to fail."""

    def __init__(self) -> None:
        self.commits: list[list[Record]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.failure: Exception | None = None
        self.closed = False

    def append(self, records: Sequence[Record]) -> list[int]:
        self.go_on.wait(10)
        if self.failure is not None:
            raise self.failure
        first = 1 + sum(len(commit) for commit in self.commits)
        self.commits.append(list(records))
        return list(range(first, first + len(records)))

    def close(self) -> None:
        self.closed = True

    def items(self, partition: int = 0) -> list[object]:
        """All items of a partition, in order."""
        records = [record for commit in self.commits for record in commit if record.partition == partition]
        return [item for record in records for item in msgspec.json.decode(record.value)]


def events(*items: bytes, partition: int = 0) -> list[Part]:
    """Event items for one partition."""
    return [Part(partition, Kind.EVENTS, list(items))]


def control(item: bytes, partition: int = 0) -> list[Part]:
    """One control item for one partition."""
    return [Part(partition, Kind.CONTROL, [item])]


def run(work: Callable[[Batcher, MemoryLog], Awaitable[None]], **bounds: int) -> MemoryLog:
    """Run a scenario with a started batcher, then stop it."""
    log = MemoryLog()

    async def scenario() -> None:
        batcher = Batcher(log, **{"linger_ms": 0, "max_pending_bytes": 1_000_000} | bounds)
        batcher.start()
        try:
            await work(batcher, log)
        finally:
            log.go_on.set()
            await batcher.stop(5)

    asyncio.run(scenario())
    return log


async def settle() -> None:
    """Let every task go as far as it can without the append thread."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_what_comes_during_a_commit_is_committed_together() -> None:
    """While one commit is under way requests gather, and the next commit takes them all, in one record."""

    async def work(batcher: Batcher, log: MemoryLog) -> None:
        log.go_on.clear()
        first = asyncio.create_task(batcher.submit(events(b"0")))
        await asyncio.sleep(0.02)
        rest = [asyncio.create_task(batcher.submit(events(b"%d" % number))) for number in range(1, 50)]
        await settle()
        log.go_on.set()
        assert await first == {0: 2}
        assert await asyncio.gather(*rest) == [{0: 3}] * 49

    log = run(work)
    assert [[record.items for record in commit] for commit in log.commits] == [[1], [49]]
    assert log.items() == list(range(50))
    assert log.closed


def test_a_quiet_batcher_waits_for_company() -> None:
    """Two requests within the linger share a commit."""

    async def work(batcher: Batcher, log: MemoryLog) -> None:
        first = asyncio.create_task(batcher.submit(events(b"1")))
        await asyncio.sleep(0.01)
        await asyncio.gather(first, batcher.submit(events(b"2")))

    assert len(run(work, linger_ms=200).commits) == 1


def test_a_full_batcher_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """With enough pending the linger is left out."""
    monkeypatch.setattr(batcher_module, "FULL_BYTES", 10)

    async def work(batcher: Batcher, log: MemoryLog) -> None:
        async with asyncio.timeout(5):
            await batcher.submit(events(b"1" * 20))

    run(work, linger_ms=60_000)


def test_control_events_stand_between_what_came_before_and_after() -> None:
    """A control event has a record of its own, in order, and its submission is told where it ends."""

    async def work(batcher: Batcher, log: MemoryLog) -> None:
        log.go_on.clear()
        waiting = [asyncio.create_task(batcher.submit(events(b"0")))]
        await asyncio.sleep(0.02)
        for parts in (events(b"1"), control(b'"a"'), control(b'"b"'), events(b"2")):
            waiting.append(asyncio.create_task(batcher.submit(parts)))
            await settle()
        log.go_on.set()
        assert await asyncio.gather(*waiting) == [{0: 2}, {0: 3}, {0: 4}, {0: 5}, {0: 6}]

    assert run(work).items() == [0, 1, "a", "b", 2]


@pytest.mark.parametrize("bounds", [{"max_pending_bytes": 10}, {"max_pending_items": 2}])
def test_beyond_the_bound_is_overload(bounds: dict[str, int]) -> None:
    """A full queue refuses with `LogOverloaded`, takes urgent control events all the same, and recovers by itself."""

    async def work(batcher: Batcher, log: MemoryLog) -> None:
        log.go_on.clear()
        waiting = [asyncio.create_task(batcher.submit(events(b"12345"))) for _ in range(2)]
        await settle()
        assert batcher.fill == 1.0
        with pytest.raises(LogOverloaded):
            await batcher.submit(events(b"6"))
        waiting.append(asyncio.create_task(batcher.submit(control(b"7"), urgent=True)))
        await settle()
        log.go_on.set()
        await asyncio.gather(*waiting)
        assert (batcher.fill, batcher.pending_bytes) == (0.0, 0)
        await batcher.submit(events(b"8"))

    assert run(work, **bounds).items() == [12345, 12345, 7, 8]


def test_one_submission_beyond_the_bound_is_taken_when_nothing_waits() -> None:
    """Else it could never be sent."""

    async def work(batcher: Batcher, log: MemoryLog) -> None:
        await batcher.submit(events(b"1" * 50))

    run(work, max_pending_bytes=10)


@pytest.mark.parametrize("failure", [LogUnavailable("full"), LogError("too large"), RuntimeError("defect")])
def test_a_log_that_fails_refuses_its_group_and_recovers(failure: Exception) -> None:
    """Everyone in a failed commit gets `LogUnavailable`; the next commit is tried afresh."""

    async def work(batcher: Batcher, log: MemoryLog) -> None:
        log.failure = failure
        for outcome in await asyncio.gather(*(batcher.submit(events(b"1")) for _ in range(3)), return_exceptions=True):
            assert isinstance(outcome, LogUnavailable)
        assert batcher.failure == type(failure).__name__
        log.failure = None
        await batcher.submit(events(b"2"))
        assert batcher.failure is None

    assert run(work).items() == [2]


def test_a_log_that_does_not_answer_is_overload(monkeypatch: pytest.MonkeyPatch) -> None:
    """A submission waits for a bounded time."""
    monkeypatch.setattr(batcher_module, "SUBMIT_TIMEOUT_S", 0.05)

    async def work(batcher: Batcher, log: MemoryLog) -> None:
        log.go_on.clear()
        with pytest.raises(LogOverloaded):
            await batcher.submit(events(b"1"))

    run(work)


def test_a_client_that_leaves_disturbs_nobody() -> None:
    """A cancelled submission does not keep its group from being answered."""

    async def work(batcher: Batcher, log: MemoryLog) -> None:
        log.go_on.clear()
        leaving = asyncio.create_task(batcher.submit(events(b"1")))
        staying = asyncio.create_task(batcher.submit(events(b"2")))
        await asyncio.sleep(0.02)
        leaving.cancel()
        await settle()
        log.go_on.set()
        assert await staying

    assert run(work).items() == [1, 2]


def test_stopping_finishes_what_is_pending() -> None:
    """What was handed over before the stop is acknowledged, what comes after is refused."""

    async def work(batcher: Batcher, log: MemoryLog) -> None:
        log.go_on.clear()
        waiting = [asyncio.create_task(batcher.submit(events(b"%d" % number))) for number in range(3)]
        await settle()
        stopping = asyncio.create_task(batcher.stop(5))
        await settle()
        with pytest.raises(LogUnavailable):
            await batcher.submit(events(b"9"))
        log.go_on.set()
        await stopping
        assert await asyncio.gather(*waiting)

    assert run(work).items() == [0, 1, 2]


def test_stopping_is_bounded() -> None:
    """A log that hangs does not keep the process: what waits is refused."""

    async def work(batcher: Batcher, log: MemoryLog) -> None:
        log.go_on.clear()
        waiting = [asyncio.create_task(batcher.submit(events(b"1")))]
        await asyncio.sleep(0.02)
        waiting.append(asyncio.create_task(batcher.submit(events(b"2"))))
        await settle()
        await batcher.stop(0.05)
        for task in waiting:
            with pytest.raises(LogUnavailable):
                await task

    run(work)


ITEMS = st.lists(
    st.sampled_from([b"1", b'"%s"' % (b"x" * 300_000), b'"%s"' % (b"y" * 600_000)]), min_size=1, max_size=4
)
PARTS = st.builds(Part, st.integers(0, 2), st.sampled_from([Kind.EVENTS, Kind.CONTROL]), ITEMS)


@given(st.lists(st.lists(PARTS, min_size=1, max_size=3), max_size=5))
def test_packing_keeps_limits_and_order(submissions: list[list[Part]]) -> None:
    """Every record is within the port's limits, a partition's items keep their order, and a place is the last record."""
    records, placed = pack(submissions)
    for record in records:
        assert len(record.value) <= MAX_RECORD_BYTES
        assert len(msgspec.json.decode(record.value)) == record.items
        assert record.kind is not Kind.CONTROL or record.items == 1
    for partition in range(3):
        expected = [
            (part.kind, msgspec.json.decode(item))
            for parts in submissions
            for part in parts
            if part.partition == partition
            for item in part.items
        ]
        packed = [(r.kind, item) for r in records if r.partition == partition for item in msgspec.json.decode(r.value)]
        assert packed == expected
    for parts, places in zip(submissions, placed, strict=True):
        assert set(places) == {part.partition for part in parts}
        for partition, index in places.items():
            assert records[index].partition == partition


def test_packing_fills_records_to_the_limit() -> None:
    """2,500 small items are three records."""
    records, _ = pack([events(b"1")] * 2_500)
    assert [record.items for record in records] == [MAX_RECORD_EVENTS, MAX_RECORD_EVENTS, 500]
