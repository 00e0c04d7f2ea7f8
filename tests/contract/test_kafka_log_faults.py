"""Kafka's own faults: a broker killed, stopped and started again while the log is written and read."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import LogUnavailable
from shared.log.kafka.reader import KafkaLogReader
from shared.log.kafka.writer import KafkaLogWriter
from shared.log.port import Record
from tests.contract.kafka_harness import KafkaHarness
from tests.contract.log_contract import NO_LIMIT, advance, record, texts
from tests.kafka_broker.broker import Broker

DELIVERY_TIMEOUT_S = 6.0
BOUND_S = 25.0
"""The longest that any call may take while the broker is away: to make a client, to deliver, and this busy machine."""
MIB = 1 << 20


@pytest.fixture
def harness(own_broker: Broker) -> Iterator[KafkaHarness]:
    """A topic on a broker of the test's own."""
    kafka = KafkaHarness(own_broker.brokers, "journey-events")
    yield kafka
    kafka.close()


class Appending(threading.Thread):
    """Appends numbered records until told to stop, each again until it is acknowledged."""

    def __init__(self, writer: KafkaLogWriter) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[str] = []
        self.refused = 0
        self.longest_s = 0.0
        self._writer = writer
        self._stopped = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._stopped.is_set():
            group = [record(f"{number}-{place}", place % 2) for place in range(4)]
            began = time.monotonic()
            try:
                self._writer.append(group)
                self.acknowledged += texts_of(group)
                number += 1
            except LogUnavailable:
                self.refused += 1
            self.longest_s = max(self.longest_s, time.monotonic() - began)

    def stop(self) -> None:
        self._stopped.set()
        self.join(timeout=60)
        assert not self.is_alive()

    def wait_for(self, count: int, timeout_s: float = 60) -> None:
        deadline = time.monotonic() + timeout_s
        while len(self.acknowledged) < count:
            assert time.monotonic() < deadline, f"only {len(self.acknowledged)} acknowledged"
            time.sleep(0.02)


def texts_of(records: list[Record]) -> list[str]:
    """The texts of records made by `record`."""
    return [each.value.decode() for each in records]


def writer_of(harness: KafkaHarness) -> KafkaLogWriter:
    """A writer that gives up sooner than in production, so that tests are short."""
    harness.create(partitions=2)
    return KafkaLogWriter(harness.brokers, harness.topic, 2, delivery_timeout_s=DELIVERY_TIMEOUT_S)


def test_nothing_acknowledged_is_lost_over_kills(own_broker: Broker, harness: KafkaHarness) -> None:
    """Killed at once and for longer than the delivery timeout, the broker loses nothing that was acknowledged."""
    writer = writer_of(harness)
    appending = Appending(writer)
    appending.start()
    for away_s in (0.0, DELIVERY_TIMEOUT_S + 2):
        appending.wait_for(len(appending.acknowledged) + 200)
        own_broker.kill()
        time.sleep(away_s)
        own_broker.start()
    appending.wait_for(len(appending.acknowledged) + 200)
    appending.stop()
    writer.close()
    assert appending.refused >= 1
    assert appending.longest_s < BOUND_S
    found = texts(harness.reader().read({}, NO_LIMIT))
    assert set(appending.acknowledged) <= set(found)
    assert len(found) - len(set(found)) <= 8 * appending.refused


def resident_bytes() -> int:
    """The memory that is resident of the test process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def test_broker_away_is_typed_bounded_and_keeps_no_memory(own_broker: Broker, harness: KafkaHarness) -> None:
    """While the broker is away every call ends by type and in time, and neither threads nor memory grow with the tries."""
    writer, reader = writer_of(harness), harness.reader()
    writer.append([record("before")])
    after = advance({}, reader.log_id(), reader.read({}, NO_LIMIT))
    own_broker.kill()
    heavy = [
        Record(number % 2, each.kind, b"%d" % number * 900_000, 1) for number, each in enumerate([record("")] * 10)
    ]
    calls = [lambda: writer.append(heavy), lambda: reader.read(after, NO_LIMIT), reader.ends, reader.log_id]
    for call in calls:  # the first tries make what later ones reuse
        refused_in_time(call)
    threads, memory = threading.active_count(), resident_bytes()
    for call in calls[:2] * 2:
        refused_in_time(call)
    assert threading.active_count() <= threads
    assert resident_bytes() - memory < 30 * MIB
    own_broker.start()
    writer.append([record("after")])
    assert texts(reader.read(after, NO_LIMIT)) == ["after"]
    writer.close()


def refused_in_time(call: object) -> None:
    """The call raises `LogUnavailable`, one line, within the bound."""
    assert callable(call)
    began = time.monotonic()
    with pytest.raises(LogUnavailable) as refusal:
        call()
    assert time.monotonic() - began < BOUND_S
    assert "\n" not in str(refusal.value)


def test_paused_broker_is_typed_and_bounded(own_broker: Broker, harness: KafkaHarness) -> None:
    """A broker that accepts connections and answers nothing is away like one that is dead."""
    writer, reader = writer_of(harness), harness.reader()
    writer.append([record("before")])
    own_broker.pause()
    refused_in_time(lambda: writer.append([record("paused")]))
    refused_in_time(lambda: reader.read({}, NO_LIMIT))
    refused_in_time(lambda: KafkaLogReader(harness.brokers, harness.topic).ends())
    threads = threading.active_count()
    refused_in_time(lambda: KafkaLogReader(harness.brokers, harness.topic).ends())
    refused_in_time(lambda: KafkaLogWriter(harness.brokers, harness.topic))
    assert threading.active_count() <= threads
    own_broker.resume()
    own_broker.wait_ready()
    writer.append([record("after")])
    assert {"before", "after"} <= set(texts(reader.read({}, NO_LIMIT))) <= {"before", "paused", "after"}
    writer.close()
