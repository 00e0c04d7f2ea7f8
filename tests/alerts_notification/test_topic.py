"""The topic `alerts`: CloudEvents in a log, on one machine and on Kafka alike."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from services.alerts.notification.message import encode
from services.alerts.notification.telling import trial_message
from services.alerts.notification.topic import TopicChannel
from shared.errors import LogUnavailable, NotDelivered
from shared.log.kafka.reader import KafkaLogReader
from shared.log.kafka.topics import create_topics, declared_topics
from shared.log.kafka.writer import KafkaLogWriter
from shared.log.local import LocalLogReader, LocalLogWriter
from shared.log.port import ALERTS, Kind, Record, StoredRecord
from tests.alerts_notification.samples import NOW_US, message, settings, transition
from tests.kafka_broker.broker import Broker


def records(path: Path) -> list[StoredRecord]:
    """All that the topic holds."""
    reader = LocalLogReader(path, ALERTS)
    try:
        return reader.read({}, 1_000_000)
    finally:
        reader.close()


def test_each_message_is_one_event_of_the_topic(tmp_path: Path) -> None:
    """Type, identity, alert and the whole message stand in a CloudEvent, durable when `send` returns, in order."""
    path = tmp_path / "alerts.sqlite"
    writer = LocalLogWriter(path, ALERTS)
    channel = TopicChannel(writer)
    channel.send(message(), NOW_US)
    channel.send(message(what=transition("spread", 2)), NOW_US)
    channel.send(trial_message(settings(), NOW_US, 10), NOW_US)
    found = records(path)
    assert {record.kind for record in found} == {Kind.ALERTS}
    events = [event for record in found for event in json.loads(record.value)]
    assert [event["type"] for event in events] == [
        "parcours.alert.fired",
        "parcours.alert.spread",
        "parcours.alert.test",
    ]
    first = events[0]
    assert first.pop("data") == json.loads(encode(message()))
    assert first == {
        "specversion": "1.0",
        "id": "a1-1",
        "source": "/parcours/alerts",
        "type": "parcours.alert.fired",
        "subject": "a1",
        "time": "2026-11-23T09:00:00.000000Z",
        "datacontenttype": "application/json",
    }
    channel.close()
    writer.append([Record(0, Kind.ALERTS, b"[]", 1)])  # the writer is still its owner's
    writer.close()


def test_a_log_that_is_not_there_is_tried_again() -> None:
    """A full disk or a broker that is away is not the end of the message."""

    class Away:
        def append(self, records: Sequence[Record]) -> list[int]:
            raise LogUnavailable("alerts: no broker answers")

        def close(self) -> None: ...

    with pytest.raises(NotDelivered, match="the topic alerts: alerts: no broker answers") as caught:
        TopicChannel(Away()).send(message(), NOW_US)
    assert not caught.value.permanent


def test_on_kafka_it_is_the_same(broker: Broker, topic_name: Callable[[str], str]) -> None:
    """The topic has one partition, so what happened to an alert stays in order, and the records are those of one machine."""
    (declared,) = [topic for topic in declared_topics(3, 1, 7, 14) if topic.name == ALERTS]
    assert declared.partitions == 1
    topic = declared._replace(name=topic_name(ALERTS))
    create_topics(broker.brokers, [topic], 1)
    writer, reader = KafkaLogWriter(broker.brokers, topic.name), KafkaLogReader(broker.brokers, topic.name)
    channel = TopicChannel(writer)
    channel.send(message(), NOW_US)
    channel.send(message(what=transition("resolved", 2)), NOW_US)
    found = reader.read({}, 1_000_000)
    writer.close()
    reader.close()
    assert {record.kind for record in found} == {Kind.ALERTS}
    events = [event for record in found for event in json.loads(record.value)]
    assert [event["id"] for event in events] == ["a1-1", "a1-2"]
