"""Our detector: the Faust worker as a cluster runs it, with the settings' defaults."""

import cProfile
import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from services.detector import faust_worker
from services.detector.cluster import ClusterDetector, ClusterSettings, Incoming
from services.detector.faust_worker import Membership
from services.detector.kafka_checkpoint import Topics
from services.wiring.process import run_service
from shared.log.kafka.topics import topic_states
from shared.settings import Settings
from tests.benchmarks.cluster.engines.marks import Marks


def main(argument: str) -> int:
    """Run until SIGTERM."""
    config = json.loads(argument)
    brokers, topics = config["brokers"], Topics(config["input"], config["output"], config["state"], config["group"])
    defaults = Settings()
    settings = ClusterSettings(
        brokers=brokers,
        topics=topics,
        checkpoint_ms=defaults.checkpoint_ms,
        checkpoint_quiet_ms=defaults.checkpoint_quiet_ms,
        hot_journeys=defaults.hot_journeys,
        log_id=lambda: topic_states(brokers, [topics.events])[topics.events].topic_id,
        left_limit_s=defaults.group_session_ms / 1_000 + 5,
    )
    _count_records(Marks(config["records"]))
    membership = Membership("benchmark", defaults.group_session_ms)

    def body(stop: threading.Event) -> None:
        with profiled(config["profile"]):
            faust_worker.run_worker(settings, membership, time.monotonic, stop, lambda _: None)

    return run_service("detector", body)


@contextmanager
def profiled(path: str) -> Iterator[None]:
    """Keep what each function took, if a file for it is named; that doubles the time."""
    if not path:
        yield
        return
    with cProfile.Profile() as profile:
        yield
    profile.dump_stats(path)


def _count_records(marks: Marks) -> None:
    """Mark what the worker hands over; once for each fetch."""
    fold = ClusterDetector.fold

    async def counted(self: ClusterDetector, number: int, records: Sequence[Incoming]) -> None:
        marks.read(len(records))
        await fold(self, number, records)

    ClusterDetector.fold = counted  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
