"""A detector worker as a process, configured by JSON in its only argument."""

import json
import sys
import threading
import time

from services.detector.cluster import ClusterSettings
from services.detector.faust_worker import Membership, run_worker
from services.detector.kafka_checkpoint import Topics
from services.wiring.process import run_service
from shared.log.kafka.topics import topic_states
from tests.detector_faust.site import CHECKPOINT_MS, CHECKPOINT_QUIET_MS, HOT_JOURNEYS


def main(argument: str) -> int:
    """Run until SIGTERM."""
    config = json.loads(argument)
    topics = Topics(*config["topics"])
    brokers = config["brokers"]
    settings = ClusterSettings(
        brokers=brokers,
        topics=topics,
        checkpoint_ms=CHECKPOINT_MS,
        checkpoint_quiet_ms=CHECKPOINT_QUIET_MS,
        hot_journeys=HOT_JOURNEYS,
        log_id=lambda: topic_states(brokers, [topics.events])[topics.events].topic_id,
        left_limit_s=config["session_ms"] / 1_000 + 5,
    )
    membership = Membership(config["instance"], config["session_ms"])

    def run(stop: threading.Event) -> None:
        run_worker(settings, membership, time.monotonic, stop, lambda _status: None)

    return run_service("detector", run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
