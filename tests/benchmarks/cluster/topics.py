"""Topics of the benchmark: made, filled, read to their end, and how far a group has committed."""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka import KafkaAdminClient
from kafka import TopicPartition as Partition
from kafka.errors import KafkaError

from shared.log.kafka.topics import Topic, create_topics
from tests.benchmarks.cluster.events import Row

BATCH_BYTES: Final = 262_144
_COMPACT: Final = {"cleanup.policy": "compact"}
_LZ4: Final = {"compression.type": "lz4"}
_numbers = count(1)


class Topics:
    """What a benchmark does with its broker besides running engines."""

    def __init__(self, brokers: str) -> None:
        self.brokers = brokers
        self._admin = KafkaAdminClient(bootstrap_servers=brokers)
        self._filled: dict[str, tuple[str, int]] = {}

    def name(self, base: str) -> str:
        """A name that is not used yet."""
        return f"{base}.b{next(_numbers)}"

    def make(self, base: str, *, compacted: bool = False) -> str:
        """A new topic of one partition."""
        name = self.name(base)
        create_topics(self.brokers, [Topic(name, 1, _COMPACT if compacted else _LZ4)], 1)
        return name

    def filled(self, label: str, rows: Iterable[Row]) -> tuple[str, int]:
        """A topic with these records, kept under a label, and their number. They are compressed by the broker (lz4)."""
        if label not in self._filled:
            topic = self.make(label)
            self._filled[label] = topic, self.fill(topic, rows)
        return self._filled[label]

    def fill(self, topic: str, rows: Iterable[Row]) -> int:
        """Append records; their number."""
        return asyncio.run(_produce(self.brokers, topic, rows))

    def delete(self, names: Iterable[str]) -> None:
        """They are not needed any more."""
        self._admin.delete_topics(list(names))

    def committed(self, group: str, topic: str) -> int:
        """The next offset that the group will read; 0 before its first commit."""
        try:
            at = self._admin.list_group_offsets({group: None})[group].get(Partition(topic, 0))
        except KafkaError:  # nobody has asked for such a group before
            return 0
        return 0 if at is None else max(at.offset, 0)

    def read(self, topic: str) -> list[Any]:
        """All committed records."""
        return asyncio.run(_read(self.brokers, topic))

    def close(self) -> None:
        """Release the connection."""
        self._admin.close()


def _headers(row: Row) -> list[tuple[str, bytes]]:
    if row.kind is None:
        return []
    return [("kind", row.kind.encode()), ("items", b"%d" % row.items)]


async def _produce(brokers: str, topic: str, rows: Iterable[Row]) -> int:
    producer = AIOKafkaProducer(bootstrap_servers=brokers, max_batch_size=BATCH_BYTES, max_request_size=2_000_000)
    await producer.start()
    sent, records = [], 0
    try:
        for batch in _batches(producer, rows):
            sent.append(await producer.send_batch(batch, topic, partition=0))
            records += batch.record_count()
        await asyncio.gather(*sent)
        return records
    finally:
        await producer.stop()


def _batches(producer: AIOKafkaProducer, rows: Iterable[Row]) -> Iterator[Any]:
    batch = producer.create_batch()
    for row in rows:
        fields = {"key": row.key, "value": row.value, "timestamp": None, "headers": _headers(row)}
        if batch.append(**fields) is None:
            yield batch
            batch = producer.create_batch()
            assert batch.append(**fields) is not None, "a record is larger than a batch"
    if batch.record_count():
        yield batch


async def _read(brokers: str, topic: str) -> list[Any]:
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, isolation_level="read_committed")
    await consumer.start()
    try:
        where = TopicPartition(topic, 0)
        end = (await consumer.end_offsets([where]))[where]
        consumer.assign([where])
        await consumer.seek_to_beginning(where)
        found: list[Any] = []
        while await consumer.position(where) < end:
            found += (await consumer.getmany(where, timeout_ms=200)).get(where, ())
        return found
    finally:
        await consumer.stop()
