"""One topic of a real broker, as the contract of the port asks for it."""

import time
from collections.abc import Sequence

from kafka import TopicPartition

from shared.clock import now_ms
from shared.log.kafka.client import administration
from shared.log.kafka.reader import KafkaLogReader
from shared.log.kafka.topics import Topic, create_topics, topic_states
from shared.log.kafka.writer import KafkaLogWriter
from shared.log.port import LogReader, LogWriter, Position

DELETION_TIMEOUT_S = 20


class KafkaHarness:
    """One topic; made by the first writer."""

    def __init__(self, brokers: str, topic: str) -> None:
        self.clock_ms = now_ms()
        self.brokers = brokers
        self.topic = topic
        self._opened: list[KafkaLogWriter | KafkaLogReader] = []

    def create(self, partitions: int = 1) -> None:
        """Make the topic unless it is there."""
        if self.topic not in topic_states(self.brokers, [self.topic]):
            create_topics(self.brokers, [Topic(self.topic, partitions, {})], 1)

    def writer(self, partitions: int = 1) -> KafkaLogWriter:
        self.create(partitions)
        writer = KafkaLogWriter(self.brokers, self.topic, partitions, clock_ms=lambda: self.clock_ms)
        self._opened.append(writer)
        return writer

    def reader(self) -> KafkaLogReader:
        reader = KafkaLogReader(self.brokers, self.topic)
        self._opened.append(reader)
        return reader

    def prune(self, writer: LogWriter, passed: dict[int, int]) -> None:
        with administration(self.brokers) as admin:
            admin.delete_records({TopicPartition(self.topic, partition): end for partition, end in passed.items()})

    def lag(self, reader: LogReader, after: dict[int, Position]) -> int:
        assert isinstance(reader, KafkaLogReader)
        return reader.lag_records(after)

    def lag_of(self, items: Sequence[int]) -> int:
        return len(items)

    def replace(self) -> None:
        self.close()
        with administration(self.brokers) as admin:
            admin.delete_topics([self.topic])
            deadline = time.monotonic() + DELETION_TIMEOUT_S
            while self.topic in admin.list_topics():
                assert time.monotonic() < deadline, "the topic is still there"
                time.sleep(0.05)

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()
