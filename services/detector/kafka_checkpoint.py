"""What a partition keeps in Kafka: one transaction a checkpoint, and reading it all back.

The transactional id names the partition: whoever opens a `CheckpointWriter` for it ends the former owner's open transaction
and fences its later ones. So the state read afterwards is the last there is, and nobody else adds to it.

Nothing is compressed here but the journeys, one by one: aiokafka compresses with the slowest level of lz4, which would take a
sixth of the worker's time. The broker does it for the topic `frictions` (`compression.type`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError, ProducerFenced
from aiokafka.structs import OffsetAndMetadata

from services.detector.stored_state import Entry, JourneyRecords
from shared.errors import LogUnavailable
from shared.log.kafka.writer import headers_of
from shared.log.port import Record

TRANSACTION_TIMEOUT_MS: Final = 180_000
"""The broker ends the open transaction of a worker that is gone for good, unless its successor does."""
BATCH_BYTES: Final = 262_144
MAX_REQUEST_BYTES: Final = 1_048_576
FETCH_BYTES: Final = 8_388_608
POLL_MS: Final = 500
LOAD_IDLE_LIMIT_S: Final = 60.0
"""So long a load waits for the next record before it gives up."""
CLOSE_LIMIT_S: Final = 0.5
SETTLE_LIMIT_S: Final = 1.0


Add = Callable[[bytes, bytes | None], None]
"""Takes a key and its value, `None` where the key was deleted."""


class Fenced(Exception):
    """Another worker has taken the partition: nothing of this checkpoint was or will be written."""


class Topics(NamedTuple):
    """The names of the topics and of the consumer group a detector works with."""

    events: str
    frictions: str
    state: str
    group: str


class Checkpoint(NamedTuple):
    """What one transaction writes for one partition."""

    entries: Sequence[Entry]
    output: Sequence[Record]
    next_offset: int


class CheckpointWriter:
    """The transactional producer of one partition. Not to be used concurrently with itself."""

    def __init__(self, brokers: str, topics: Topics, partition: int) -> None:
        self._topics, self._partition = topics, partition
        self._producer = AIOKafkaProducer(
            bootstrap_servers=brokers,
            transactional_id=f"{topics.group}-{partition}",
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            max_batch_size=BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
        )

    async def open(self) -> None:
        """Take the partition from whoever had it. Raises `LogUnavailable`."""
        try:
            await self._producer.start()
        except (KafkaError, OSError) as error:
            raise LogUnavailable(f"the detector cannot open its transactions ({type(error).__name__})") from error

    async def write(self, checkpoint: Checkpoint) -> None:
        """All of a checkpoint or nothing; retries by itself what a broker that is away makes fail.

        Raises `Fenced`, or `LogUnavailable` when it is not known what became of it: then only a load tells.
        """
        sent: list[asyncio.Future[Any]] = []
        try:
            await self._transact(checkpoint, sent)
        except ProducerFenced as error:
            raise Fenced from error
        except (
            KafkaError,
            IllegalOperation,
            OSError,
            AssertionError,
        ) as error:  # aiokafka asserts a transaction's states
            # what is sent after the fence fails for another reason: the transaction is over by then
            if await _any_fenced(sent):
                raise Fenced from error
            raise LogUnavailable(
                f"partition {self._partition}: the detector's checkpoint failed ({type(error).__name__})"
            ) from error

    async def _transact(self, checkpoint: Checkpoint, sent: "list[asyncio.Future[Any]]") -> None:
        producer = self._producer
        await producer.begin_transaction()
        await _send_batches(producer, self._topics.state, self._partition, checkpoint.entries, sent)
        for record in checkpoint.output:
            sent.append(await self._send_record(record))
        await _all_of(sent)
        where = TopicPartition(self._topics.events, self._partition)
        offset = OffsetAndMetadata(checkpoint.next_offset, "")
        await producer.send_offsets_to_transaction({where: offset}, self._topics.group)
        await producer.commit_transaction()

    async def close(self) -> None:
        """Let go; an open transaction is ended by the next owner. Never raises, and never takes long."""
        with suppress(Exception):
            await asyncio.wait_for(self._producer.stop(), CLOSE_LIMIT_S)

    async def _send_record(self, record: Record) -> "asyncio.Future[Any]":
        sent: asyncio.Future[Any] = await self._producer.send(
            self._topics.frictions, record.value, partition=record.partition, headers=headers_of(record)
        )
        return sent


async def send_entries(producer: AIOKafkaProducer, topic: str, partition: int, entries: Sequence[Entry]) -> None:
    """Send the entries within the open transaction, and wait until the broker has them. Raises `KafkaError`."""
    sent: list[asyncio.Future[Any]] = []
    await _send_batches(producer, topic, partition, entries, sent)
    await _all_of(sent)


async def _send_batches(
    producer: AIOKafkaProducer,
    topic: str,
    partition: int,
    entries: Sequence[Entry],
    sent: "list[asyncio.Future[Any]]",
) -> None:
    """Send them in batches made here: a future for every record would cost more than the record."""
    batch = producer.create_batch()
    for key, value in entries:
        if batch.append(key=key, value=value, timestamp=None) is None:
            sent.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None)
    sent.append(await producer.send_batch(batch, topic, partition=partition))


async def _any_fenced(sent: "Sequence[asyncio.Future[Any]]") -> bool:
    if not sent:
        return False
    done, _ = await asyncio.wait(sent, timeout=SETTLE_LIMIT_S)
    return any(not each.cancelled() and isinstance(each.exception(), ProducerFenced) for each in done)


async def _all_of(sent: "Sequence[asyncio.Future[Any]]") -> None:
    for each in sent:
        each.add_done_callback(_retrieve)
    await asyncio.gather(*sent)


def _retrieve(sent: "asyncio.Future[Any]") -> None:
    """The first failure says what is wrong; asyncio need not speak of the others."""
    if not sent.cancelled():
        sent.exception()


class Loaded(NamedTuple):
    """What a partition left: its journeys (and, among them, its state), and the first offset of the log there still is."""

    records: JourneyRecords
    first_offset: int


async def load_partition(brokers: str, topics: Topics, partition: int) -> Loaded:
    """Read the partition's state to its end. Raises `LogUnavailable`."""
    async with _consumer(brokers, partition) as consumer:
        events, state = TopicPartition(topics.events, partition), TopicPartition(topics.state, partition)
        # asked before anything is fetched: a broker answers a connection's requests in their order
        first = await consumer.beginning_offsets([events])
        records = JourneyRecords()
        await _read_to_end(consumer, state, records.add)
        return Loaded(records, first[events])


async def read_partition(brokers: str, topic: str, partition: int, add: Add) -> None:
    """Give `add` every committed record of a partition, in order. Raises `LogUnavailable`."""
    async with _consumer(brokers, partition) as consumer:
        await _read_to_end(consumer, TopicPartition(topic, partition), add)


@asynccontextmanager
async def _consumer(brokers: str, partition: int) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers,
        isolation_level="read_committed",
        enable_auto_commit=False,
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_bytes=FETCH_BYTES,
        fetch_max_wait_ms=POLL_MS,
    )
    try:
        await consumer.start()
        yield consumer
    except (KafkaError, OSError) as error:
        raise LogUnavailable(
            f"partition {partition}: the detector's state cannot be read ({type(error).__name__})"
        ) from error
    finally:
        with suppress(Exception):
            await consumer.stop()


async def _read_to_end(consumer: AIOKafkaConsumer, where: TopicPartition, add: Add) -> None:
    first = (await consumer.beginning_offsets([where]))[where]
    end = (await consumer.end_offsets([where]))[where]
    if first >= end:
        return
    consumer.assign([where])
    await consumer.seek_to_beginning(where)
    waited_s = 0.0
    while await consumer.position(where) < end:
        found = (await consumer.getmany(where, timeout_ms=POLL_MS)).get(where, ())
        for record in found:
            add(record.key, record.value)
        waited_s = 0.0 if found else waited_s + POLL_MS / 1_000
        if waited_s > LOAD_IDLE_LIMIT_S:
            raise LogUnavailable(f"partition {where.partition}: the detector's state stops before its end")
        await asyncio.sleep(0)
