"""Writing to a topic: an idempotent producer that either delivers within a bounded time or is thrown away.

kafka-python's producer has no bound on what it keeps while brokers are away, and goes on trying after its caller has given
up. So whatever fails costs the producer: it is closed by force, with all it holds, and the next append makes another.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from kafka import KafkaProducer

from shared.clock import now_ms
from shared.errors import ConfigurationError, LogError, LogUnavailable
from shared.log.kafka.client import CLIENT_FAILURES, REQUEST_TIMEOUT_MS, client_settings, kafka_failures, make_client
from shared.log.kafka.in_flight import InFlight
from shared.log.kafka.topics import TopicState, topic_states
from shared.log.limits import check_records
from shared.log.port import Record

DELIVERY_TIMEOUT_S: Final = 10.0
"""Within this an append is acknowledged or refused: longer than a leader's election, shorter than a publisher waits."""
METADATA_AGE_MS: Final = 5_000
"""After so long at most a writer notices that its topic has other partitions, and refuses."""
MAX_IN_FLIGHT_ITEMS: Final = 250_000
MAX_IN_FLIGHT_BYTES: Final = 16_000_000
CONTENT_TYPE: Final = b"application/cloudevents-batch+json"

_BATCH_BYTES: Final = 1_000_000
_REQUEST_BYTES: Final = 8_000_000
_SLACK_S: Final = 1.0


class KafkaLogWriter:
    """A writer of one topic; its methods may be called from several threads, and block the calling one.

    Opening connects. Raises `ConfigurationError` when the topic does not exist or has another number of partitions than
    `partitions`, `LogUnavailable` when Kafka does not answer.
    """

    def __init__(
        self,
        brokers: str,
        topic: str,
        partitions: int | None = None,
        *,
        clock_ms: Callable[[], int] = now_ms,
        delivery_timeout_s: float = DELIVERY_TIMEOUT_S,
    ) -> None:
        self._brokers = brokers
        self._topic = topic
        self._clock_ms = clock_ms
        self._delivery_timeout_s = delivery_timeout_s
        self._in_flight = InFlight(MAX_IN_FLIGHT_ITEMS, MAX_IN_FLIGHT_BYTES)
        self._lock = threading.Lock()
        self._closed = False
        self._state = self._described()
        if partitions is not None and partitions != self._state.partitions:
            raise ConfigurationError(
                f"{topic}: the topic has {self._state.partitions} partitions, the settings say {partitions}; set "
                f"PARCOURS_PARTITIONS={self._state.partitions}, or run `parcours reshard`"
            )
        self._producer: Any = self._new_producer()

    @property
    def stream(self) -> str:
        """The name of the topic."""
        return self._topic

    @property
    def partitions(self) -> int:
        """The number of partitions when the writer was opened."""
        return self._state.partitions

    def log_id(self) -> str:
        """The identity of the topic; one that is made again has another."""
        return self._state.topic_id

    def append(self, records: Sequence[Record]) -> list[int]:
        """Give the records to all replicas in sync, and give their offsets.

        Raises `LogUnavailable` when not all of them are acknowledged within the delivery timeout: then some may be kept
        nevertheless, and may even come later than what the next call appends. Raises `LogError` for a record over the
        limits or of a partition that does not exist; nothing is kept then.
        """
        check_records(records, self._topic, self._state.partitions)
        if not records:
            return []
        with self._in_flight.room_for(records, self._delivery_timeout_s):
            producer = self._connected()
            try:
                with kafka_failures(self._brokers, self._topic):
                    return self._deliver(producer, records)
            except BaseException:
                self._discard(producer)
                raise

    def close(self) -> None:
        """Release the topic; everything acknowledged stays."""
        with self._lock:
            self._closed = True
            producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(*CLIENT_FAILURES):
                producer.close(timeout=self._delivery_timeout_s)

    def _deliver(self, producer: Any, records: Sequence[Record]) -> list[int]:
        if len(producer.partitions_for(self._topic)) != self._state.partitions:
            raise self._another_topic()
        deadline = monotonic() + self._delivery_timeout_s + _SLACK_S
        now = self._clock_ms()
        sent = [
            producer.send(
                self._topic,
                record.value,
                partition=record.partition,
                timestamp_ms=now,
                headers=headers_of(record),
            )
            for record in records
        ]
        offsets = [int(future.get(timeout=max(deadline - monotonic(), 0.001)).offset) for future in sent]
        if min(offsets) < 0:  # kept already by an earlier try of the producer's own, which lost the answer
            raise LogUnavailable(f"{self._topic}: Kafka kept the records without saying where")
        return offsets

    def _connected(self) -> Any:
        """The producer, or a new one to the same topic."""
        with self._lock:
            if self._closed:
                raise LogError(f"{self._topic}: the log is closed")
            if self._producer is None:
                self._refuse_another_topic()
                self._producer = self._new_producer()
            return self._producer

    def _refuse_another_topic(self) -> None:
        try:
            state = self._described()
        except ConfigurationError as error:
            raise LogUnavailable(str(error)) from error
        if state != self._state:
            raise self._another_topic()

    def _another_topic(self) -> LogUnavailable:
        return LogUnavailable(
            f"{self._topic}: the topic was made again or has other partitions than when it was opened; restart Parcours"
        )

    def _described(self) -> TopicState:
        state = topic_states(self._brokers, [self._topic]).get(self._topic)
        if state is None:
            raise ConfigurationError(f"{self._topic}: no such topic on {self._brokers}; run `parcours service setup`")
        return state

    def _new_producer(self) -> Any:
        with kafka_failures(self._brokers, self._topic):
            producer = make_client(
                KafkaProducer,
                **client_settings(self._brokers),
                enable_idempotence=True,
                acks="all",
                compression_type="lz4",
                batch_size=_BATCH_BYTES,
                max_request_size=_REQUEST_BYTES,
                delivery_timeout_ms=max(int(self._delivery_timeout_s * 1_000), REQUEST_TIMEOUT_MS),
                max_block_ms=REQUEST_TIMEOUT_MS,
                allow_auto_create_topics=False,
                metadata_max_age_ms=METADATA_AGE_MS,
                metrics_enabled=False,
            )
            try:
                producer.partitions_for(self._topic)  # so that the first append does not wait for it
            except BaseException:
                _end(producer)
                raise
        return producer

    def _discard(self, producer: Any) -> None:
        with self._lock:
            if self._producer is producer:
                self._producer = None
        _end(producer)


def headers_of(record: Record) -> list[tuple[str, bytes]]:
    """What stands beside a record's value on Kafka."""
    headers = [("kind", record.kind.encode()), ("items", b"%d" % record.items), ("content-type", CONTENT_TYPE)]
    return [*headers, ("traceparent", record.traceparent.encode())] if record.traceparent else headers


def _end(producer: Any) -> None:
    """Stop the producer's thread without waiting for what it holds, which it drops."""
    with suppress(*CLIENT_FAILURES):
        producer._sender.force_close()  # noqa: SLF001  # `close` waits for a flush first, and gives up closing when that fails
    with suppress(*CLIENT_FAILURES):
        producer.close(timeout=0)
