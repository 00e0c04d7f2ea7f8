"""The broker of the tests does what tests rely on."""

from collections.abc import Callable

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from tests.kafka_broker.broker import Broker
from tests.kafka_broker.jars import BrokerNotAvailable, kafka_jars


def test_killed_broker_keeps_what_it_acknowledged(own_broker: Broker, topic_name: Callable[[str], str]) -> None:
    """After SIGKILL and a new start on the same folder and port, acknowledged records are there."""
    topic = topic_name("kept")
    admin = KafkaAdminClient(bootstrap_servers=own_broker.brokers)
    admin.create_topics([NewTopic(name=topic, num_partitions=1, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=own_broker.brokers, acks="all")
    producer.send(topic, b"acknowledged").get(timeout=20)
    producer.close()
    own_broker.kill()
    own_broker.start()
    consumer = KafkaConsumer(bootstrap_servers=own_broker.brokers, consumer_timeout_ms=10_000)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    assert next(consumer).value == b"acknowledged"
    consumer.close()


def test_machine_without_java_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Java the broker is not available, by type: the fixtures skip with that reason."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BrokerNotAvailable, match="java"):
        kafka_jars()
