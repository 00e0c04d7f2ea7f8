"""A detector of a cluster: Faust brings it the records of the partitions that its consumer group assigns to it."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import asdict

from services.detector.cluster import ClusterSettings
from services.detector.faust_worker import Membership, run_worker
from services.detector.kafka_checkpoint import Topics
from services.detector.status import DetectorStatus
from services.wiring.cluster.heart import Heart
from services.wiring.cluster.parts import instance_name
from services.wiring.detector_metrics import expose_status
from services.wiring.registry import open_registry
from services.wiring.version import program_version
from shared.clock import now_us
from shared.errors import ConfigurationError
from shared.log.kafka.topics import DETECTOR_STATE, TopicState, topic_states
from shared.log.port import FRICTIONS, JOURNEY_EVENTS
from shared.settings import Settings

SERVICE: Final = "detector"
GROUP: Final = "parcours-detector"
TAKEN_SLACK_S: Final = 5.0
"""A partition that another worker has taken may stay assigned for the session's time and so much longer."""
_MS: Final = 1_000
_NS_PER_US: Final = 1_000


def run_detector(settings: Settings, stop: threading.Event) -> None:
    """Detect until `stop` is set, then write a last checkpoint. Raises `ParcoursError` when that cannot begin or go on."""
    topics = Topics(JOURNEY_EVENTS, FRICTIONS, DETECTOR_STATE, GROUP)
    check_topics(settings.brokers, topics)
    worker = ClusterSettings(
        brokers=settings.brokers,
        topics=topics,
        checkpoint_ms=settings.checkpoint_ms,
        checkpoint_quiet_ms=settings.checkpoint_quiet_ms,
        hot_journeys=settings.hot_journeys,
        log_id=log_id_of(settings.brokers, topics.events),
        left_limit_s=settings.group_session_ms / _MS + TAKEN_SLACK_S,
    )
    instance = instance_name(settings)
    signs = Signs()
    expose_status(lambda: signs.status, now_us, lambda: time.monotonic_ns() // _NS_PER_US)
    with open_registry(settings) as registry, Heart(registry.heartbeats, SERVICE, instance, signs):
        run_worker(worker, Membership(instance, settings.group_session_ms), time.monotonic, stop, signs.take)


def check_topics(brokers: str, topics: Topics) -> None:
    """Raise `ConfigurationError` unless the topics are there, with the same number of partitions each."""
    names = (topics.events, topics.frictions, topics.state)
    found = topic_states(brokers, names)
    missing = [name for name in names if name not in found]
    if missing:
        raise ConfigurationError(f"Kafka has no topic {', '.join(missing)}; run `parcours service setup` first")
    if len({state.partitions for state in found.values()}) > 1:
        counts = ", ".join(f"{name} has {found[name].partitions}" for name in names)
        raise ConfigurationError(f"the topics must have the same number of partitions, but {counts}")


def log_id_of(brokers: str, topic: str) -> Callable[[], str]:
    """Asks for the identity of the log. What it gives raises `LogUnavailable`, or `ConfigurationError` without the topic."""

    def ask() -> str:
        state: TopicState | None = topic_states(brokers, [topic]).get(topic)
        if state is None:
            raise ConfigurationError(f"Kafka has no topic {topic} any more")
        return state.topic_id

    return ask


class Signs:
    """What the detector says of itself once a second: which partitions it has, and what it counted."""

    def __init__(self) -> None:
        self.status: DetectorStatus | None = None

    def take(self, status: DetectorStatus) -> None:
        """The latest status."""
        self.status = status

    def __call__(self) -> Mapping[str, Any]:
        """JSON values."""
        signs: dict[str, Any] = {"version": program_version(), "pid": os.getpid(), "state": "starting"}
        status = self.status
        if status is None:
            return signs
        counters = asdict(status.counts)
        counters |= {"checkpoints": status.checkpoints, "checkpoint_ms": status.checkpoint_ms}
        return signs | {
            "state": "detecting" if status.next_offsets else "standby",
            "rules_version": status.version,
            "log_id": status.log_id,
            "next_offsets": {str(partition): offset for partition, offset in status.next_offsets.items()},
            "counters": counters,
        }
