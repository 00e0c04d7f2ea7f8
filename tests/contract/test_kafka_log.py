"""The log on Kafka: the contract of the port, on a real broker, and what holds for Kafka only."""

from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaProducer, TopicPartition

from shared.errors import ConfigurationError, LogError, LogMismatch
from shared.log.kafka.client import administration
from shared.log.kafka.topics import Topic, create_topics, declared_topics, topic_states
from shared.log.kafka.writer import KafkaLogWriter
from shared.log.port import MAX_RECORD_BYTES, Kind, Position, Record
from tests.contract.kafka_harness import KafkaHarness
from tests.contract.log_contract import NO_LIMIT, LogContract, advance, read_all, record, texts
from tests.kafka_broker.broker import Broker


@pytest.fixture
def harness(broker: Broker, topic_name: Callable[[str], str]) -> Iterator[KafkaHarness]:
    """A topic of the test's own on the broker that all share."""
    kafka = KafkaHarness(broker.brokers, topic_name("journey-events"))
    yield kafka
    kafka.close()


class TestKafkaLog(LogContract):
    """The contract, on topics."""


def transactional_producer(harness: KafkaHarness) -> KafkaProducer:
    """A producer of transactions, as the detector is one."""
    producer = KafkaProducer(bootstrap_servers=harness.brokers, transactional_id=f"writes-{harness.topic}")
    producer.init_transactions()
    return producer


HEADERS = [("kind", b"points"), ("items", b"1")]


def test_only_committed_transactions_are_read(harness: KafkaHarness) -> None:
    """What a transaction wrote is read once it is committed, never when it is aborted, and its marks do not count as a lag."""
    harness.create()
    reader = harness.reader()
    producer = transactional_producer(harness)
    for text, end in (("kept", producer.commit_transaction), ("dropped", producer.abort_transaction)):
        producer.begin_transaction()
        producer.send(harness.topic, text.encode(), partition=0, headers=HEADERS).get(timeout=20)
        assert "dropped" not in texts(reader.read({}, NO_LIMIT))
        end()
    producer.close()
    found = reader.read({}, NO_LIMIT)
    assert texts(found) == ["kept"]
    after = advance({}, reader.log_id(), found)
    assert reader.read(after, NO_LIMIT) == []
    assert reader.ends() == {0: after[0].next_offset}
    assert reader.lag_records(after) == 0
    fresh = harness.reader()
    assert fresh.lag_records(after) == 0
    assert fresh.ends() == {0: after[0].next_offset}
    assert fresh.read(after, NO_LIMIT) == []


def test_many_records_are_counted_by_their_offsets(harness: KafkaHarness) -> None:
    """A long lag is told without reading it, and a short one counted; either way it ends at 0."""
    writer, reader = harness.writer(partitions=2), harness.reader()
    writer.append([record(str(number), number % 2) for number in range(200)])
    assert reader.lag_records({}) == 200
    found = reader.read({}, NO_LIMIT)
    some = [stored for stored in found if stored.offset < 90]
    assert reader.lag_records(advance({}, reader.log_id(), some)) == 20
    assert reader.lag_records(advance({}, reader.log_id(), found)) == 0


def test_record_of_another_program_stops_by_name(harness: KafkaHarness) -> None:
    """A record without the headers of the platform is refused, naming topic, partition and offset, not its content."""
    harness.create()
    producer = KafkaProducer(bootstrap_servers=harness.brokers)
    producer.send(harness.topic, b"+33601020304", partition=0).get(timeout=20)
    producer.close()
    with pytest.raises(LogError, match=r"offset 0 of journey-events.*\[0\]") as refusal:
        harness.reader().read({}, NO_LIMIT)
    assert "336" not in str(refusal.value)


def test_records_carry_their_headers_and_no_key(harness: KafkaHarness) -> None:
    """A record has kind, items, content type and the trace they belong to, no key, and is compressed with lz4."""
    harness.create()
    writer = KafkaLogWriter(harness.brokers, harness.topic)
    writer.append([Record(0, Kind.EVENTS, b"[1]", 1, "00-1-2-01")])
    writer.close()
    reader = harness.reader()
    assert texts(reader.read({}, NO_LIMIT)) == ["[1]"]
    reader._consumer.seek(TopicPartition(harness.topic, 0), 0)
    (stored,) = next(iter(reader._consumer.poll(5_000).values()))
    assert stored.key is None
    assert dict(stored.headers) == {
        "kind": b"events",
        "items": b"1",
        "content-type": b"application/cloudevents-batch+json",
        "traceparent": b"00-1-2-01",
    }


def test_large_appends_and_small_reads_lose_nothing(harness: KafkaHarness) -> None:
    """Many of the largest records in one append come back whole through reads of any limit."""
    writer, reader = harness.writer(partitions=2), harness.reader()
    writer.append([Record(number % 2, Kind.EVENTS, b"%d" % number * MAX_RECORD_BYTES, 7) for number in range(8)])
    for limit_bytes in (1, 2_000_000, NO_LIMIT):
        assert len(read_all(reader, {}, limit_bytes)) == 8


def test_reader_may_go_back_and_forth(harness: KafkaHarness) -> None:
    """Any position may be read after any other: what was fetched ahead is never given in the wrong place."""
    writer, reader = harness.writer(), harness.reader()
    offsets = writer.append([record(str(number)) for number in range(50)])
    log_id = reader.log_id() or ""
    for start in (10, 3, 3, 40, 0, 11, 12, 49, 13):
        found = texts(reader.read({0: Position(log_id, offsets[start])}, 4))
        assert found == [str(number) for number in range(start, start + len(found))]
        assert found


def test_topic_made_again_is_noticed_by_an_open_reader(harness: KafkaHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that was reading refuses its position once the topic has been deleted and made again."""
    monkeypatch.setattr("shared.log.kafka.reader.IDENTITY_AGE_S", 0.0)
    harness.writer().append([record("old")])
    reader = harness.reader()
    after = advance({}, reader.log_id(), reader.read({}, NO_LIMIT))
    harness._opened.remove(reader)
    harness.replace()
    assert reader.read({}, NO_LIMIT) == []
    harness.writer().append([record("new"), record("newer")])
    with pytest.raises(LogMismatch, match="put back"):
        reader.read(after, NO_LIMIT)
    assert texts(reader.read({}, NO_LIMIT)) == ["new", "newer"]
    reader.close()


def test_missing_topic_says_what_to_do(harness: KafkaHarness) -> None:
    """A writer of a topic that nobody made is refused before it starts."""
    with pytest.raises(ConfigurationError, match="parcours service setup"):
        KafkaLogWriter(harness.brokers, harness.topic)


def test_topics_are_made_once_as_declared(broker: Broker, topic_name: Callable[[str], str]) -> None:
    """Topics get partitions, retention and compaction; a second time nothing happens; another number is refused."""
    declared = [topic._replace(name=topic_name(topic.name)) for topic in declared_topics(3, 1, 7, 14)]
    names = [topic.name for topic in declared]
    assert create_topics(broker.brokers, declared, 1) == names
    assert create_topics(broker.brokers, declared, 1) == []
    states = topic_states(broker.brokers, names)
    assert [states[name].partitions for name in names] == [3, 3, 1, 3, 3, 3, 3, 1]
    assert len({states[name].topic_id for name in names}) == 8
    days_ms = 24 * 3_600_000
    assert [configs(broker, name)["retention.ms"] for name in (names[0], names[1], names[2], names[4])] == [
        str(7 * days_ms),
        str(7 * days_ms),
        str(14 * days_ms),
        str(days_ms),
    ]
    assert configs(broker, names[3])["cleanup.policy"] == "compact"
    with pytest.raises(ConfigurationError, match=r"(?s)3 partitions.*reshard"):
        create_topics(broker.brokers, [declared[0]._replace(partitions=4)], 1)


def test_more_copies_than_brokers_are_refused(broker: Broker, topic_name: Callable[[str], str]) -> None:
    """A replication that the cluster cannot give is a wrong setting, and makes nothing."""
    topics = [Topic(topic_name("wide"), 1, {})]
    with pytest.raises(ConfigurationError, match="PARCOURS_REPLICATION=3"):
        create_topics(broker.brokers, topics, 3)
    assert topic_states(broker.brokers, [topics[0].name]) == {}
    assert declared_topics(1, 3, 7, 14)[0].configs["min.insync.replicas"] == "2"


def configs(broker: Broker, topic: str) -> dict[str, str]:
    """What the broker says of a topic's settings that were set."""
    with administration(broker.brokers) as admin:
        described = admin.describe_configs([_topic_resource(topic)], config_filter="modified")
    return {name: entry["value"] for name, entry in described["topic"][topic].items()}


def _topic_resource(topic: str) -> object:
    from kafka.admin import ConfigResource, ConfigResourceType

    return ConfigResource(ConfigResourceType.TOPIC, topic)
