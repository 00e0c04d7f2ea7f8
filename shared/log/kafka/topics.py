"""The topics: which there are, how they are made, and what identifies one."""

import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Any, Final, NamedTuple

from kafka.errors import TopicAlreadyExistsError

from shared.errors import ConfigurationError, LogUnavailable
from shared.log.kafka.client import administration
from shared.log.port import ALERTS, FRICTIONS, JOURNEY_EVENTS, REJECTED_EVENTS

DETECTOR_STATE: Final = "detector-state"
RAW_TOPICS: Final = ("channel-web", "channel-phone", "channel-counter")
"""One CloudEvent a record, as channel systems write it: identifiers stand in clear, for `RAW_RETENTION_HOURS`."""
RAW_RETENTION_HOURS: Final = 24

_HOUR_MS: Final = 3_600_000
_SAFE_REPLICATION: Final = 3
_NO_SUCH_TOPIC: Final = 3
_APPEARS_S: Final = 20.0
_POLL_S: Final = 0.1
_COMPACTION: Final = {"cleanup.policy": "compact", "segment.ms": str(6 * _HOUR_MS), "min.cleanable.dirty.ratio": "0.3"}


class Topic(NamedTuple):
    """A topic as it is to be."""

    name: str
    partitions: int
    configs: Mapping[str, str]


class TopicState(NamedTuple):
    """A topic as it is: its identity (a topic made again has another) and its number of partitions."""

    topic_id: str
    partitions: int


def declared_topics(
    partitions: int, replication: int, retention_days: int, rejected_retention_days: int
) -> list[Topic]:
    """All topics of the platform. Raises `ConfigurationError` for numbers that make no topic."""
    if partitions < 1 or replication < 1:
        raise ConfigurationError("PARCOURS_PARTITIONS and PARCOURS_REPLICATION are at least 1")
    common = {"min.insync.replicas": "2" if replication >= _SAFE_REPLICATION else "1"}
    kept = common | _retention(24 * retention_days)
    return [
        Topic(JOURNEY_EVENTS, partitions, kept),
        Topic(
            FRICTIONS, partitions, kept | {"compression.type": "lz4"}
        ),  # its writers send it as it is, to spare their time
        Topic(REJECTED_EVENTS, 1, common | _retention(24 * rejected_retention_days)),
        Topic(DETECTOR_STATE, partitions, common | _COMPACTION),
        *(Topic(name, partitions, common | _retention(RAW_RETENTION_HOURS)) for name in RAW_TOPICS),
        Topic(ALERTS, 1, kept),
    ]


def create_topics(brokers: str, topics: Sequence[Topic], replication: int) -> list[str]:
    """Make the topics that are missing; their names. Those there keep their settings.

    Raises `ConfigurationError` when one is there with another number of partitions (only `parcours reshard` changes it) or
    the cluster has too few brokers, and `LogUnavailable` when Kafka does not answer.
    """
    found = topic_states(brokers, [topic.name for topic in topics])
    for topic in topics:
        if topic.name in found and found[topic.name].partitions != topic.partitions:
            raise ConfigurationError(
                f"{topic.name}: the topic has {found[topic.name].partitions} partitions, the settings say "
                f"{topic.partitions}; set PARCOURS_PARTITIONS={found[topic.name].partitions}, or run `parcours reshard`"
            )
    missing = [topic for topic in topics if topic.name not in found]
    if missing:
        with administration(brokers) as admin:
            _refuse_too_few_brokers(admin, replication)
            for topic in missing:
                _create(admin, topic, replication)
    return [topic.name for topic in missing]


def add_partitions(brokers: str, topic: str, partitions: int) -> None:
    """Give the topic so many partitions, unless it has them. Raises `ConfigurationError` for fewer, `LogUnavailable`."""
    with administration(brokers) as admin:
        found = states_by(admin, [topic]).get(topic)
        if found is None or found.partitions > partitions:
            has = (
                "is missing"
                if found is None
                else f"has {found.partitions} partitions, and partitions never become fewer"
            )
            raise ConfigurationError(f"{topic} {has}")
        if found.partitions < partitions:
            admin.create_partitions({topic: partitions})
            _await_partitions(admin, topic, partitions)


def group_members(brokers: str, group: str) -> int:
    """How many consumers are members of the group now. Raises `LogUnavailable`."""
    with administration(brokers) as admin:
        return len(admin.describe_groups([group])[group]["members"])


def _await_partitions(admin: Any, topic: str, partitions: int) -> None:
    deadline = monotonic() + _APPEARS_S
    while states_by(admin, [topic])[topic].partitions < partitions:
        if monotonic() > deadline:
            raise LogUnavailable(f"{topic}: the new partitions do not appear")
        sleep(_POLL_S)


def topic_states(brokers: str, names: Sequence[str]) -> dict[str, TopicState]:
    """What is known of the topics that exist. Raises `LogUnavailable` when Kafka does not answer."""
    with administration(brokers) as admin:
        return states_by(admin, names)


def states_by(admin: Any, names: Sequence[str]) -> dict[str, TopicState]:
    """The same through a client that is open; raises what it raises, `LogUnavailable` for a topic that is only being made."""
    states: dict[str, TopicState] = {}
    for found in admin.describe_topics(list(names)):
        if found["error_code"] == _NO_SUCH_TOPIC:
            continue
        if found["error_code"] or not found["topic_id"]:
            raise LogUnavailable(f"{found['name']}: Kafka does not describe the topic now (code {found['error_code']})")
        states[found["name"]] = TopicState(topic_id_text(found["topic_id"]), len(found["partitions"]))
    return states


def topic_id_text(topic_id: uuid.UUID | str) -> str:
    """A topic's id as Kafka's own tools write it (22 characters): the `log_id` of a log on Kafka."""
    return urlsafe_b64encode(uuid.UUID(str(topic_id)).bytes).decode().rstrip("=")


def _create(admin: Any, topic: Topic, replication: int) -> None:
    wanted = {
        "num_partitions": topic.partitions,
        "replication_factor": replication,
        "configs": dict(topic.configs),
    }
    with suppress(TopicAlreadyExistsError):  # another process was quicker
        admin.create_topics({topic.name: wanted}, wait_for_metadata=True)


def _refuse_too_few_brokers(admin: Any, replication: int) -> None:
    there = len(admin.describe_cluster()["brokers"])
    if there < replication:
        raise ConfigurationError(f"PARCOURS_REPLICATION={replication}, but Kafka has {there} brokers")


def _retention(hours: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(hours * _HOUR_MS)}
