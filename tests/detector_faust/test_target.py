"""The detector as `parcours service detector` runs it on a cluster."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from services.wiring.cluster.detector import check_topics, log_id_of, run_detector
from services.wiring.registry import open_registry
from shared.errors import ConfigurationError
from shared.log.kafka.topics import Topic, create_topics
from shared.settings import Settings
from tests.detector_faust.site import Feed, Site
from tests.detector_faust.workers import wait_until
from tests.kafka_broker.broker import Broker

MakeSite = Callable[[int], Site]


def test_the_target_detects_and_says_so_in_the_registry(own_broker: Broker, tmp_path: Path) -> None:
    """With nothing but settings: points in `frictions`, and every second a heartbeat with what was counted."""
    site, feed = Site(own_broker.brokers, lambda base: base, 2), Feed(2, events=60, seed=600)
    settings = Settings(
        data=tmp_path, brokers=own_broker.brokers, instance="one", group_session_ms=2_000, checkpoint_ms=200
    )
    stop = threading.Event()
    with open_registry(settings) as registry:
        registry.upgrade()
        worker = threading.Thread(target=run_detector, args=(settings, stop), daemon=True)
        worker.start()
        for step in feed.steps():
            site.append(step)
        rows = site.await_detected(30)
        wait_until(lambda: _is_said(registry.heartbeats.latest("detector"), site.ends()), 10)
        [heartbeat] = registry.heartbeats.latest("detector")
        stop.set()
        worker.join(10)
        assert not worker.is_alive()
    site.close()
    assert feed.assert_detected(rows) > 0
    assert heartbeat.instance == "one"
    assert heartbeat.document["log_id"] == site.log_id()
    assert heartbeat.document["counters"]["points"] > 0


def _is_said(heartbeats: list[object], ends: dict[int, int]) -> bool:
    """Whether the only heartbeat says that everything is folded."""
    said = [each.document.get("next_offsets") for each in heartbeats]
    return said == [{str(partition): offset for partition, offset in ends.items()}]


def test_topics_that_do_not_fit_are_named_before_anything_starts(make_site: MakeSite, broker: Broker) -> None:
    """A missing topic, or one with another number of partitions, is a matter of settings, said at once."""
    site = make_site(2)
    check_topics(broker.brokers, site.topics)
    missing = site.topics._replace(state=f"{site.topics.state}-missing")
    with pytest.raises(ConfigurationError, match=f"no topic {missing.state}"):
        check_topics(broker.brokers, missing)
    other = site.topics._replace(state=f"{site.topics.state}-other")
    create_topics(broker.brokers, [Topic(other.state, 3, {})], 1)
    with pytest.raises(ConfigurationError, match="same number of partitions"):
        check_topics(broker.brokers, other)
    with pytest.raises(ConfigurationError, match="any more"):
        log_id_of(broker.brokers, missing.state)()
    assert log_id_of(broker.brokers, site.topics.events)() == site.log_id()
