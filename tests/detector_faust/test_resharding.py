"""More partitions in the middle of a stream: no journey is torn apart, and the points are those of the definitions."""

import asyncio
from binascii import crc32
from collections.abc import Callable, Sequence

import pytest

from services.detector.kafka_checkpoint import read_partition
from services.detector.owned_partition import OwnedPartition
from services.detector.resharding import Moved, PartitionContent, Resharding
from shared.errors import LogUnavailable, ReshardRefused
from shared.journey.event import SHARDS, partition_of
from shared.log.kafka.reader import KafkaLogReader
from shared.log.kafka.topics import add_partitions
from shared.log.kafka.writer import KafkaLogWriter
from shared.log.port import Record
from tests.detection.comparison import assert_as_defined
from tests.detection.driver import points_in_force
from tests.detector_faust.site import HOT_JOURNEYS, Site, events_record, points_of, record_of
from tests.strategies import arrivals
from tests.strategies.documents import random_document
from tests.strategies.events import random_stream

SEED = 11
EVENTS = 900


def shard_of(subject: str) -> int:
    """A shard for a subject, as the routing key would give one."""
    return crc32(subject.encode()) % SHARDS


def records_of(items: Sequence[arrivals.Item], partitions: int) -> list[Record]:
    """What gateways append: events to the partition of their subject, control events to all."""
    records: list[Record] = []
    for item in items:
        if not isinstance(item, arrivals.Record):
            records += [record_of(number, item) for number in range(partitions)]
            continue
        for number in range(partitions):
            mine = [event for event in item.events if place(event.get("subject"), partitions) == number]
            if mine:
                records.append(events_record(number, mine))
    return records


def place(subject: str | None, partitions: int) -> int:
    """The partition of a subject's journeys."""
    return 0 if subject is None else partition_of(shard_of(subject), partitions)


async def detect(site: Site, partitions: int) -> None:
    """Fold all there is, partition by partition, with a checkpoint every few records."""
    log_id = site.log_id()
    reader = KafkaLogReader(site.brokers, site.topics.events)
    try:
        records = reader.read({}, 1 << 40)
    finally:
        reader.close()
    for number in range(partitions):
        owned = await OwnedPartition.load(site.brokers, site.topics, number, log_id, HOT_JOURNEYS)
        mine = [record for record in records if record.partition == number]
        for count, record in enumerate(mine):
            if count == 0:
                owned.begin_at(record.offset)
            owned.fold(record.offset, record.kind, record.value, 0.0)
            if count % 20 == 0:
                await owned.checkpoint(0.0)
        await owned.checkpoint(0.0, whole=True)
        await owned.close()


def reshard(site: Site, partitions: int, shards: Callable[[str], int | None] = shard_of) -> Moved:
    """As `parcours reshard` does it: the state's partitions, the journeys, then those of the log."""
    add_partitions(site.brokers, site.topics.state, partitions)
    moved = asyncio.run(Resharding(site.brokers, site.topics, partitions, site.ends(), shards).run())
    add_partitions(site.brokers, site.topics.frictions, partitions)
    add_partitions(site.brokers, site.topics.events, partitions)
    return moved


def journeys(site: Site, partitions: int) -> dict[str, int]:
    """The partition of every stored journey."""

    async def load() -> dict[str, int]:
        found: dict[str, int] = {}
        for number in range(partitions):
            content = PartitionContent()
            await read_partition(site.brokers, site.topics.state, number, content.add)
            found |= {key.decode(): number for key in content.journeys()}
        return found

    return asyncio.run(load())


def test_points_are_the_same_over_more_partitions(make_site: Callable[[int], Site]) -> None:
    """Half a stream through two partitions, the rest through five, with a run cut short and one repeated between."""
    site = make_site(2)
    document = random_document(SEED, lateness=False)
    events = random_stream(SEED, EVENTS, document)
    delivery = arrivals.random_delivery(SEED, events, documents=[document], record_max=30)
    half = len(delivery.items) // 2
    site.append(records_of(delivery.items[:half], 2))
    asyncio.run(detect(site, 2))
    before = journeys(site, 2)

    def fails_late(subject: str) -> int:
        if place(subject, 2) == 1:
            raise LogUnavailable("cut short")
        return shard_of(subject)

    with pytest.raises(LogUnavailable):
        reshard(site, 5, fails_late)
    assert journeys(site, 5) == before, "nothing has moved"
    moved = reshard(site, 5)
    after = journeys(site, 5)
    assert after.keys() == before.keys()
    assert all(number == place(key.partition("\x1f")[0], 5) for key, number in after.items())
    assert moved == Moved(sum(after[key] != before[key] for key in after), 0)
    assert moved.journeys > 10
    assert reshard(site, 5) == Moved(0, 0)

    writer = KafkaLogWriter(site.brokers, site.topics.events, 5)
    writer.append(records_of(delivery.items[half:], 5))
    writer.close()
    asyncio.run(detect(site, 5))
    rows = sorted(site.frictions(), key=lambda row: row.appended_ms)
    points = [point for row in rows for point in points_of([row], row.partition)]
    versions = {"version_of": delivery.version_of, "documents": delivery.documents}
    assert assert_as_defined(points_in_force(points), events, delivery.now_us, document, **versions) > 50


def test_reshard_waits_for_what_is_not_folded(make_site: Callable[[int], Site]) -> None:
    """Events that no detector has folded yet would be torn from their journeys: refused by name."""
    site = make_site(2)
    site.append([record_of(number, arrivals.Tick(1_700_000_000_000_000)) for number in range(2)])
    with pytest.raises(ReshardRefused, match=r"partition 0.*0 of 1"):
        reshard(site, 3)
    asyncio.run(detect(site, 2))
    assert reshard(site, 3) == Moved(0, 0)


def test_journeys_of_unknown_shard_stay(make_site: Callable[[int], Site]) -> None:
    """A journey whose events were deleted from the store stays where it is, and is counted."""
    site = make_site(1)
    document = random_document(SEED, lateness=False)
    delivery = arrivals.random_delivery(SEED, random_stream(SEED, 60, document), documents=[document])
    site.append(records_of(delivery.items, 1))
    asyncio.run(detect(site, 1))
    before = journeys(site, 1)
    moved = reshard(site, 4, lambda _subject: None)
    assert moved == Moved(0, len(before))
    assert journeys(site, 4) == before


def test_writer_of_the_old_partitions_refuses(
    make_site: Callable[[int], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that was left running notices that the log has other partitions, and writes nothing into the old ones."""
    monkeypatch.setattr("shared.log.kafka.writer.METADATA_AGE_MS", 200)
    site = make_site(1)
    writer = KafkaLogWriter(site.brokers, site.topics.events, 1)
    tick = record_of(0, arrivals.Tick(1_700_000_000_000_000))
    writer.append([tick])
    add_partitions(site.brokers, site.topics.events, 2)

    async def refused() -> None:
        for _ in range(50):
            writer.append([tick])
            await asyncio.sleep(0.1)

    with pytest.raises(LogUnavailable, match="other partitions"):
        asyncio.run(refused())
    with pytest.raises(LogUnavailable, match="other partitions"):
        writer.append([tick])
    writer.close()
