"""Reading a topic by position: no consumer group, the caller's own store says where it stands.

Between two calls nothing is fetched. A reader keeps what a fetch brought beyond a call's limit for the next call.
"""

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import OffsetOutOfRangeError

from shared.errors import LogError, LogMismatch, LogUnavailable
from shared.log.kafka.client import CLIENT_FAILURES, client_settings, kafka_failures, make_client
from shared.log.kafka.topics import TopicState, states_by
from shared.log.port import MAX_RECORD_BYTES, Kind, Position, StoredRecord

READ_TIMEOUT_S: Final = 10.0
"""How long a read waits for records that the topic is known to hold."""
IDENTITY_AGE_S: Final = 1.0
"""How old the knowledge of the topic's identity may be."""
COUNTED_RECORDS: Final = 64

_FETCH_BYTES: Final = 8_000_000
_POLL_MS: Final = 1_000
_MAX_POLL_RECORDS: Final = 500
_OFFSETS_TIMEOUT_MS: Final = 5_000


class _Reached:
    """What stands ready of one partition: all records of the offsets from `start` on, before `position` of the consumer."""

    __slots__ = ("position", "records", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.position = start
        self.records: deque[StoredRecord] = deque()

    def serves(self, start: int) -> bool:
        """Whether reading may go on from `start` without fetching anything again."""
        return self.start <= start <= (self.records[0].offset if self.records else self.position)


class KafkaLogReader:
    """Reads one topic, also before it is made; its methods may be called from several threads, one at a time gets through.

    Of transactions only what was committed is read. All methods raise `LogUnavailable` when Kafka does not answer, within
    bounded time.
    """

    def __init__(self, brokers: str, topic: str) -> None:
        self._brokers = brokers
        self._topic = topic
        self._lock = threading.Lock()
        self._admin: Any = None
        self._consumer: Any = None
        self._state: TopicState | None = None
        self._state_known_s = float("-inf")
        self._reached: dict[int, _Reached] = {}
        self._record_bytes = MAX_RECORD_BYTES

    @property
    def stream(self) -> str:
        """The name of the topic."""
        return self._topic

    def read(self, after: dict[int, Position], limit_bytes: int) -> list[StoredRecord]:
        """Records from the positions on, in offset order per partition, at most `limit_bytes` (but at least one record).

        A partition not named is read from the first record that the topic still holds; a position with offset 0 insists on
        the very first. Raises `LogMismatch` as the port says.
        """
        with self._lock, self._connection():
            if not self._attach():
                return []
            self._check(after)
            ends = self._ends()
            self._align(after, ends)
            return self._take(ends, limit_bytes)

    def log_id(self) -> str | None:
        """The identity of the topic, made when it was made; `None` while it does not exist."""
        with self._lock, self._connection():
            self._attach()
            return None if self._state is None else self._state.topic_id

    def ends(self) -> dict[int, int]:
        """The offset after the last committed record, per partition; empty while the topic does not exist.

        Where this reader has found that only the marks of transactions follow what it gave, they are left out: a consumer
        that has handled everything stands exactly at the end.
        """
        with self._lock, self._connection():
            if not self._attach():
                return {}
            return {partition: self._end_for_consumers(partition, end) for partition, end in self._ends().items()}

    def lag_records(self, after: dict[int, Position]) -> int:
        """How many records (of 1 to 1,000 items) stand from the positions on, over all partitions.

        Kafka knows offsets, not items: many are counted by their offsets, the marks of transactions included; few, at most
        `COUNTED_RECORDS`, are read and counted exactly. Raises `LogMismatch` as `read` does.
        """
        with self._lock, self._connection():
            if not self._attach():
                return 0
            self._check(after)
            ends = self._ends()
            firsts = self._firsts(list(ends))
            starts = firsts | {partition: position.next_offset for partition, position in after.items()}
            for partition, start in starts.items():
                self._refuse_outside(partition, start, firsts[partition], ends[partition])
            lag = sum(ends[partition] - start for partition, start in starts.items())
            return lag if lag > COUNTED_RECORDS else self._count(after, ends)

    def close(self) -> None:
        """Release the topic; a later call opens it again."""
        with self._lock:
            self._disconnect()

    @contextmanager
    def _connection(self) -> Iterator[None]:
        """The clients stay open from call to call, and are made afresh after any failure."""
        try:
            with kafka_failures(self._brokers, self._topic):
                yield
        except BaseException:
            self._disconnect()
            raise

    def _attach(self) -> bool:
        """Know the topic and stand ready to read it; false while it does not exist."""
        if self._admin is None:
            self._admin = make_client(KafkaAdminClient, **client_settings(self._brokers))
        if monotonic() - self._state_known_s > IDENTITY_AGE_S or self._state is None:
            self._learn(states_by(self._admin, [self._topic]).get(self._topic))
        if self._state is None:
            return False
        if self._consumer is None:
            self._consumer = self._new_consumer()
            self._consumer.assign([self._at(partition) for partition in range(self._state.partitions)])
        return True

    def _learn(self, state: TopicState | None) -> None:
        if self._state is not None and state != self._state:
            self._close_consumer()
        self._state = state
        self._state_known_s = monotonic()

    def _new_consumer(self) -> Any:
        return make_client(
            KafkaConsumer,
            **client_settings(self._brokers),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_bytes=_FETCH_BYTES,
            fetch_max_wait_ms=100,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )

    def _check(self, after: Mapping[int, Position]) -> None:
        assert self._state is not None
        for partition, position in after.items():
            if position.log_id != self._state.topic_id:
                raise self._mismatch(
                    f"expected log {position.log_id}, found log {self._state.topic_id}; put back the topic that this "
                    f"consumer has read, or remove what the consumer keeps, to start over with this one"
                )
            if not 0 <= partition < self._state.partitions:
                raise self._mismatch(
                    f"expected a partition {partition}, found {self._state.partitions} partitions; restore log and "
                    f"consumer together"
                )

    def _align(self, after: Mapping[int, Position], ends: Mapping[int, int]) -> None:
        """Let the consumer stand where the caller does, and refuse what the topic cannot give."""
        moved: list[int] = []
        for partition in ends:
            reached = self._reached.get(partition)
            wanted = after[partition].next_offset if partition in after else None
            if reached is None or wanted is None or not reached.serves(wanted):
                moved.append(partition)
            else:
                _drop_before(reached, wanted)
        firsts = self._firsts(moved)
        for partition in moved:
            start = after[partition].next_offset if partition in after else firsts[partition]
            self._refuse_outside(partition, start, firsts[partition], ends[partition])
            self._reached[partition] = _Reached(start)
            self._consumer.seek(self._at(partition), start)

    def _refuse_outside(self, partition: int, start: int, first: int, end: int) -> None:
        if start > end:
            raise self._mismatch(
                f"expected offset {start} of partition {partition}, found a log that ends before {end}: it is older than "
                f"its consumer; restore both from the same backup"
            )
        if start < first:
            raise self._mismatch(
                f"the log no longer holds offset {start} of partition {partition}, it begins at {first}; restore a later "
                f"state of this consumer, or remove what it keeps, to start from what is left"
            )

    def _take(self, ends: Mapping[int, int], limit_bytes: int) -> list[StoredRecord]:
        taken: list[StoredRecord] = []
        size_bytes = 0
        deadline = monotonic() + READ_TIMEOUT_S
        while True:
            for reached in self._reached.values():
                while reached.records:
                    size_bytes += len(reached.records[0].value)
                    if taken and size_bytes > limit_bytes:
                        return taken
                    record = reached.records.popleft()
                    reached.start = record.offset + 1
                    taken.append(record)
            if size_bytes >= limit_bytes or not self._behind(ends):
                return taken
            if not self._fetch(limit_bytes - size_bytes) and monotonic() > deadline:
                if taken:
                    return taken
                raise LogUnavailable(f"{self._topic}: {self._brokers} does not give the records it has")

    def _count(self, after: Mapping[int, Position], ends: Mapping[int, int]) -> int:
        """The records there are before the ends; they stay ready for a read."""
        self._align(after, ends)
        deadline = monotonic() + READ_TIMEOUT_S
        while self._behind(ends):
            if not self._fetch(_FETCH_BYTES) and monotonic() > deadline:
                raise LogUnavailable(f"{self._topic}: {self._brokers} does not give the records it has")
        return sum(len(reached.records) for reached in self._reached.values())

    def _behind(self, ends: Mapping[int, int]) -> bool:
        return any(self._reached[partition].position < end for partition, end in ends.items())

    def _fetch(self, wanted_bytes: int) -> bool:
        """Take in what the brokers send within a moment; whether anything moved."""
        limit = min(max(wanted_bytes // self._record_bytes, 1), _MAX_POLL_RECORDS)
        try:
            polled = self._consumer.poll(timeout_ms=_POLL_MS, max_records=limit)
        except OffsetOutOfRangeError as error:
            raise self._mismatch(f"the log no longer holds what follows ({error}); its records were deleted") from error
        for place, records in polled.items():
            stored = [_stored(place.partition, record) for record in records]
            self._reached[place.partition].records.extend(stored)
            self._record_bytes = max(sum(len(record.value) for record in stored) // len(stored), 1)
        moved = bool(polled)
        for partition, reached in self._reached.items():
            position = self._consumer.position(self._at(partition), timeout_ms=_POLL_MS)
            moved = moved or position != reached.position
            reached.position = position
        return moved

    def _end_for_consumers(self, partition: int, end: int) -> int:
        reached = self._reached.get(partition)
        if reached is None or reached.records or reached.position < end:
            return end
        return reached.start

    def _ends(self) -> dict[int, int]:
        places = [self._at(partition) for partition in range(self._state.partitions if self._state else 0)]
        ends = self._consumer.end_offsets(places, timeout_ms=_OFFSETS_TIMEOUT_MS)
        return {place.partition: ends[place] for place in places}

    def _firsts(self, partitions: list[int]) -> dict[int, int]:
        if not partitions:
            return {}
        places = [self._at(partition) for partition in partitions]
        firsts = self._consumer.beginning_offsets(places, timeout_ms=_OFFSETS_TIMEOUT_MS)
        return {place.partition: firsts[place] for place in places}

    def _at(self, partition: int) -> Any:
        return TopicPartition(self._topic, partition)

    def _mismatch(self, problem: str) -> LogMismatch:
        return LogMismatch(f"{self._topic}: {problem} ({self._brokers})")

    def _close_consumer(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._reached = {}
        if consumer is not None:
            with suppress(*CLIENT_FAILURES):
                consumer.close(autocommit=False, timeout_ms=0)

    def _disconnect(self) -> None:
        self._close_consumer()
        self._state = None
        admin, self._admin = self._admin, None
        if admin is not None:
            with suppress(*CLIENT_FAILURES):
                admin.close()


def _drop_before(reached: _Reached, start: int) -> None:
    while reached.records and reached.records[0].offset < start:
        reached.records.popleft()
    reached.start = max(reached.start, min(start, reached.position))


def _stored(partition: int, record: Any) -> StoredRecord:
    headers = dict(record.headers)
    try:
        kind, items = Kind(headers["kind"].decode()), int(headers["items"])
    except (KeyError, ValueError, AttributeError):
        raise LogError(
            f"the record at offset {record.offset} of {record.topic} [{partition}] is of no kind that this version knows"
        ) from None
    traceparent = (headers.get("traceparent") or b"").decode(errors="replace")
    return StoredRecord(partition, record.offset, kind, record.value or b"", items, record.timestamp, traceparent)
