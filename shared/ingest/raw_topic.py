"""A channel's raw topic: one CloudEvent a record, as a channel system writes it straight to Kafka.

It is judged as over HTTP, and the group's offset is committed only once accepted and refused are durable. A crash between
the two gives the same records again: events and rejects keep their identity, so nothing counts twice.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Final, Protocol

from kafka import KafkaConsumer
from kafka.errors import CommitFailedError

from shared.errors import LogError, LogUnavailable
from shared.ingest.records import RawRecord
from shared.log.kafka.client import client_settings, close_quietly, kafka_failures, make_client

_log = logging.getLogger(__name__)

GIVE_UP_S: Final = 300.0
"""So long the log may be away; then the gateway stops by name, for whoever watches it to see."""
KEEP_TIMEOUT_S: Final = 60.0
FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 5.0

_POLL_MS: Final = 500
_POLL_RECORDS: Final = 500
_FETCH_BYTES: Final = 4_000_000


class RecordTaker(Protocol):
    """`shared.ingest.gateway.Gateway`"""

    def take_records(self, records: Sequence[RawRecord], gateway: str, channel: str | None, timeout_s: float) -> None:
        """Judge and keep. Raises `LogError`."""


class RawTopic:
    """Reads the raw topic of one channel, in a thread, as a member of the group `parcours-<topic>`.

    When nothing that was read could be kept for `give_up_s`, it calls `on_failure` and ends; `failure` then says why.
    """

    def __init__(
        self,
        brokers: str,
        topic: str,
        channel: str,
        taker: RecordTaker,
        on_failure: Callable[[], None],
        *,
        instance: str = "",
        session_ms: int = 10_000,
        give_up_s: float = GIVE_UP_S,
    ) -> None:
        self._brokers = brokers
        self._topic = topic
        self._channel = channel
        self._taker = taker
        self._on_failure = on_failure
        self._instance = f"{topic}-{instance}" if instance else None
        self._session_ms = session_ms
        self._give_up_s = give_up_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"raw-{topic}", daemon=True)
        self._well_s = monotonic()
        self.failure: LogUnavailable | None = None

    @property
    def gateway(self) -> str:
        """What rejects and metrics call this way in."""
        return f"topic {self._topic}"

    def start(self) -> None:
        """Begin to read."""
        self._well_s = monotonic()
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Stop reading; what was not kept is read again by the next member."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self._stopped.is_set():
            began_s = monotonic()
            try:
                self._consume()
            except LogError as error:
                if self._well_s > began_s:
                    wait_s = FIRST_WAIT_S
                if monotonic() - self._well_s > self._give_up_s:
                    self._give_up(error)
                    return
                _log.warning("%s: reading pauses (%s)", self.gateway, error)
                self._stopped.wait(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            except Exception as error:  # a defect must not leave a gateway that looks well and reads nothing
                _log.exception("%s: reading ends on a defect", self.gateway)
                self._give_up(error)
                return

    def _give_up(self, error: Exception) -> None:
        self.failure = LogUnavailable(f"{self.gateway}: nothing could be kept for long ({error})")
        self._on_failure()

    def _consume(self) -> None:
        """Read and keep until stopped. Raises `LogError`; then the group's offset stands where all before is kept."""
        with kafka_failures(self._brokers, self._topic):
            consumer = self._connected()
            try:
                while not self._stopped.is_set():
                    polled = consumer.poll(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
                    records = [record for batch in polled.values() for record in batch]
                    if records:
                        self._keep(records)
                        self._commit(consumer)
                    self._well_s = monotonic()
            finally:
                close_quietly(consumer)

    def _keep(self, records: Sequence[Any]) -> None:
        raw = [RawRecord(f"{each.partition}/{each.offset}", each.offset, each.value or b"") for each in records]
        self._taker.take_records(raw, self.gateway, self._channel, KEEP_TIMEOUT_S)

    def _commit(self, consumer: Any) -> None:
        try:
            consumer.commit()
        except CommitFailedError:  # the partition has gone to another member, which reads the same again
            _log.info("%s: the group was rearranged", self.gateway)

    def _connected(self) -> Any:
        consumer = make_client(
            KafkaConsumer,
            **client_settings(self._brokers),
            group_id=f"parcours-{self._topic}",
            group_instance_id=self._instance,
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=max(self._session_ms // 4, 100),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_bytes=_FETCH_BYTES,
            fetch_max_wait_ms=_POLL_MS,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        consumer.subscribe([self._topic])
        return consumer
