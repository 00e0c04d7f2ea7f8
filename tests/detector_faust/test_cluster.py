"""Partitions that come and go, without Faust: who is fenced, what is loaded, kept and dropped."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from random import Random

import pytest
from aiokafka.errors import ProducerFenced

from services.detector.cluster import ClusterDetector, Incoming
from services.detector.kafka_checkpoint import Checkpoint, CheckpointWriter, Fenced, load_partition
from services.detector.owned_partition import OwnedPartition
from services.detector.stored_state import STATE_KEY
from shared.detection.settings import DEFAULTS
from shared.errors import LogMismatch, LogUnavailable
from shared.journey.control import RulesPublished
from shared.journey.instants import to_text
from shared.log.port import Kind, Record
from tests.detector_faust.site import Feed, Site, control_record, events_record, progress

MakeSite = Callable[[int], Site]
START_US = 1_750_000_000_000_000
CHECK_S = 0.3


def incoming(site: Site, records: Sequence[Record]) -> list[Incoming]:
    """The records as a consumer gets them, appended to the log."""
    offsets = site.append(records)
    return [
        Incoming(offset, record.value, [("kind", record.kind.value.encode())])
        for offset, record in zip(offsets, records, strict=True)
    ]


async def settled(detector: ClusterDetector) -> None:
    """Let the detector write its checkpoints for a while."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(detector.keep_checkpoints(), CHECK_S)


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine."""
    asyncio.run(asyncio.wait_for(_awaited(test), 60))


async def _awaited(test: Callable[[], Awaitable[None]]) -> None:
    await test()


def test_a_second_producer_of_a_partition_fences_the_first(make_site: MakeSite) -> None:
    """What the first had in an open transaction is never seen, and what it begins later is refused."""
    site = make_site(1)
    left = Checkpoint([(b"a", b"1")], [Record(0, Kind.POINTS, b"[1]", 1)], 1)
    large = Checkpoint([(b"%d" % number, bytes(100_000)) for number in range(100)], [], 3)

    async def test() -> None:
        first, second = (CheckpointWriter(site.brokers, site.topics, 0) for _ in range(2))
        await first.open()
        await first.write(left)
        open_one = first._producer
        await open_one.begin_transaction()
        await open_one.send_and_wait(site.topics.frictions, b"[2]", partition=0, headers=[("kind", b"points")])
        await second.open()
        await second.write(Checkpoint([(STATE_KEY, b"3")], [Record(0, Kind.POINTS, b"[3]", 1)], 2))
        with pytest.raises(ProducerFenced):
            await open_one.commit_transaction()
        third = CheckpointWriter(site.brokers, site.topics, 0)
        await third.open()
        with pytest.raises(Fenced):
            await second.write(large)
        loaded = await load_partition(site.brokers, site.topics, 0)
        assert len(loaded.records) == 2
        for writer in (first, second, third):
            await writer.close()

    run(test)
    assert [row.value for row in site.frictions()] == [b"[1]", b"[3]"]


def test_a_partition_taken_by_another_is_dropped_and_left_alone(make_site: MakeSite) -> None:
    """A worker that is fenced writes nothing, ignores further records, and loads anew after the next rebalance."""
    site, feed = make_site(1), Feed(1, events=80, seed=21)
    steps = [record for step in feed.steps() for record in step]
    third = len(steps) // 3

    async def test() -> None:
        first, second = (ClusterDetector(site.settings(), time.monotonic) for _ in range(2))
        records = incoming(site, steps)
        await first.fold(0, records[:third])
        await settled(first)
        await first.fold(0, records[third : third + 5])
        await second.fold(0, records[third : 2 * third])
        await settled(second)
        await settled(first)
        assert first.status().next_offsets == {}
        await first.fold(0, records[third + 5 :])
        assert first.status().next_offsets == {}
        await second.hand_over()
        second.assigned([])
        await first.hand_over()
        first.assigned([0])
        await first.fold(0, records[2 * third - 2 :])
        await settled(first)
        await first.close()
        await second.close()

    run(test)
    rows = site.await_detected(1)
    assert feed.assert_detected(rows) > 3


def test_a_partition_that_comes_back_is_kept_in_memory_only_if_nobody_had_it(make_site: MakeSite) -> None:
    """After a rebalance a worker goes on with what it has, unless a transaction shows that another took the partition."""
    site, feed = make_site(1), Feed(1, events=80, seed=22)
    steps = [record for step in feed.steps() for record in step]
    third = len(steps) // 3

    async def test() -> None:
        first, second = (ClusterDetector(site.settings(), time.monotonic) for _ in range(2))
        records = incoming(site, steps)
        await first.fold(0, records[:third])
        held = first._owned[0]
        await first.hand_over()
        first.assigned([0])
        await first.fold(0, records[third : third + 2])
        assert first._owned[0] is held
        await first.hand_over()
        await second.fold(0, records[third + 2 : 2 * third])
        await second.hand_over()
        first.assigned([0])
        await first.fold(0, records[2 * third :])
        assert first._owned[0] is not held
        await first.close()
        await second.close()

    run(test)
    assert feed.assert_detected(site.await_detected(1)) > 3


def test_journeys_are_written_less_often_than_the_output(make_site: MakeSite) -> None:
    """Killed between the two: records are folded again from where the journeys are, and nothing is said twice or missing."""
    site, feed, random = make_site(1), Feed(1, events=200, seed=26), Random(26)
    records = [record for step in feed.steps() for record in step]
    again = 0

    async def test() -> None:
        nonlocal again
        offsets, log_id, start, reached = site.append(records), site.log_id(), 0, 0
        while start < len(records):
            owned = await OwnedPartition.load(site.brokers, site.topics, 0, log_id, 3)
            owned.begin_at(offsets[0])
            start = owned.position.next_offset
            again += reached - start
            reached = min(start + random.randint(20, 60), len(records))
            for offset in range(start, reached):
                owned.fold(offset, records[offset].kind, records[offset].value, 0.0)
                if random.random() < 0.3:
                    await owned.checkpoint(0.0, whole=random.random() < 0.2)
            await owned.close()
            start = reached
        owned = await OwnedPartition.load(site.brokers, site.topics, 0, log_id, 3)
        for offset in range(owned.position.next_offset, len(records)):
            owned.fold(offset, records[offset].kind, records[offset].value, 0.0)
        await owned.checkpoint(0.0, whole=True)
        await owned.close()

    run(test)
    assert again > 20, "records were folded again"
    assert feed.assert_detected(site.await_detected(1)) > 3


def test_records_of_a_fetch_are_left_when_a_rebalance_comes_between(make_site: MakeSite) -> None:
    """A rebalance while a partition loads: what was fetched before is not folded, since it will be delivered again."""
    site, feed = make_site(1), Feed(1, events=20, seed=23)
    steps = [record for step in feed.steps() for record in step]

    async def test() -> None:
        detector = ClusterDetector(site.settings(), time.monotonic)
        records = incoming(site, steps)
        folding = asyncio.create_task(detector.fold(0, records))
        for _ in range(3):  # the load begins, and waits for the broker
            await asyncio.sleep(0)
        assert detector._loading
        await detector.hand_over()
        await folding
        assert detector.status().next_offsets == {}
        detector.assigned([0])
        await detector.fold(0, records)
        await detector.close()

    run(test)
    assert feed.assert_detected(site.await_detected(1)) >= 0
    assert progress(site.frictions())[0] == [len(steps)]


def test_a_partition_that_stays_taken_stops_the_worker(make_site: MakeSite) -> None:
    """Assigned here and taken elsewhere is no state to stay in: after a while the worker ends by name."""
    site, feed = make_site(1), Feed(1, events=20, seed=24)
    steps = [record for step in feed.steps() for record in step]

    async def test() -> None:
        detector = ClusterDetector(site.settings()._replace(left_limit_s=0.2), time.monotonic)
        await detector.fold(0, incoming(site, steps))
        other = CheckpointWriter(site.brokers, site.topics, 0)
        await other.open()
        with pytest.raises(LogUnavailable, match="partition 0 is assigned here"):
            await asyncio.wait_for(detector.keep_checkpoints(), 10)
        await detector.close()
        await other.close()

    run(test)
    assert site.frictions() == []


def test_a_robots_journey_of_25_000_events_is_written_and_loaded(make_site: MakeSite) -> None:
    """A journey that packs to megabytes goes into chunks within Kafka's limits, and is whole after a restart."""
    site = make_site(1)
    subject = "p1-robot"

    def page(number: int) -> dict[str, object]:
        instant = to_text(START_US + number * 1_000_000)
        data = {"service": "housing", "channel": "web", "step": f"step-{number * 7919}"}
        identity = {"id": f"{number * 2654435761 % 2**64:032x}", "source": "/portal", "type": "page.viewed"}
        return {**identity, "time": instant, "subject": subject, "data": data}

    def batch(start: int) -> Record:
        return events_record(0, [page(number) for number in range(start, start + 1_000)])

    async def test() -> None:
        first = ClusterDetector(site.settings(), time.monotonic)
        rules = control_record(0, RulesPublished(1, DEFAULTS))
        await first.fold(0, incoming(site, [rules, *(batch(start) for start in range(0, 25_000, 1_000))]))
        await first.close()
        assert max((await load_partition(site.brokers, site.topics, 0)).records.chunk_counts().values()) > 1
        second = ClusterDetector(site.settings(), time.monotonic)
        await second.fold(0, incoming(site, [batch(24_500), batch(25_500)]))
        assert second.status().counts.duplicates == 500
        await second.close()

    run(test)
    assert progress(site.await_detected(1))[0][-1] == 28


def test_the_first_offset_of_a_pruned_log_is_where_a_new_detector_begins(make_site: MakeSite) -> None:
    """Without a state, the beginning of what the log still has is right, and anything after it is not."""
    site, feed = make_site(1), Feed(1, events=20, seed=25)
    steps = [record for step in feed.steps() for record in step]

    async def test() -> None:
        detector = ClusterDetector(site.settings(), time.monotonic)
        records = incoming(site, steps)
        with pytest.raises(LogMismatch, match="expects offset 0 and was given 1"):
            await detector.fold(0, records[1:])
        await detector.close()

    run(test)
