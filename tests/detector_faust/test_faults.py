"""Workers that are killed, added, removed and stopped in the middle: no row of `frictions` is missing or stands twice."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from shared.errors import LogError
from shared.log.port import Record
from tests.detector_faust.site import Feed, Site
from tests.detector_faust.workers import SESSION_MS, STOP_LIMIT_S, ProcessWorker
from tests.kafka_broker.broker import Broker

MakeSite = Callable[[int], Site]
PARTITIONS = 4
STEP_S = 0.02


@contextmanager
def feeding(site: Site, feed: Feed, step_s: float = STEP_S) -> Iterator[threading.Thread]:
    """Append the feed step by step in the background."""

    def run() -> None:
        for step in feed.steps():
            site.append(step)
            time.sleep(step_s)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield thread
    thread.join(60)


def test_kills_at_random_moments(make_site: MakeSite, tmp_path: Path) -> None:
    """A worker killed with -9 four times goes on each time exactly where its last transaction ended."""
    site, feed, random = make_site(PARTITIONS), Feed(PARTITIONS, events=500, seed=100), Random(5)
    with feeding(site, feed):
        for _ in range(4):
            with ProcessWorker(site, "a", tmp_path) as worker:
                time.sleep(2.2 + random.random())
                worker.alive()
    with ProcessWorker(site, "a", tmp_path) as worker:
        rows = site.await_detected(30, worker.alive)
    assert feed.assert_detected(rows) > 50


def test_a_worker_comes_and_one_goes(make_site: MakeSite, tmp_path: Path) -> None:
    """A second worker takes over partitions, then the first is stopped and the second takes over the rest."""
    site, feed = make_site(PARTITIONS), Feed(PARTITIONS, events=600, seed=200)
    with feeding(site, feed) as fed, ProcessWorker(site, "a", tmp_path) as first:
        time.sleep(3)
        with ProcessWorker(site, "b", tmp_path) as second:
            second.await_line("partition loaded", 15, count=PARTITIONS // 2)
            time.sleep(1)
            status, took_s = first.stop()
            assert status == 0
            assert took_s < 5
            second.await_line("partition loaded", 15, count=PARTITIONS)
            fed.join(30)
            rows = site.await_detected(30, second.alive)
    assert feed.assert_detected(rows) > 50


def test_a_stopped_worker_is_fenced_when_it_goes_on(make_site: MakeSite, tmp_path: Path) -> None:
    """A worker that stands still past its session has lost its partitions: what it still writes counts for nothing."""
    site, feed = make_site(PARTITIONS), Feed(PARTITIONS, events=600, seed=300)
    with (
        feeding(site, feed) as fed,
        ProcessWorker(site, "a", tmp_path) as first,
        ProcessWorker(site, "b", tmp_path) as second,
    ):
        second.await_line("partition loaded", 15, count=PARTITIONS // 2)
        time.sleep(1)
        first.send(signal.SIGSTOP)
        time.sleep(SESSION_MS / 1_000 + 3)
        first.send(signal.SIGCONT)
        time.sleep(2)

        def alive() -> None:
            first.alive()
            second.alive()

        fed.join(30)
        rows = site.await_detected(30, alive)
    assert feed.assert_detected(rows) > 50


def test_a_broker_that_is_away(own_broker: Broker, topic_name: Callable[[str], str], tmp_path: Path) -> None:
    """A worker waits for a killed broker and goes on, neither ending nor writing anything twice.

    Asked to stop meanwhile it does not wait; what it could not write, its successor does.
    """
    site, feed = Site(own_broker.brokers, topic_name, 2), Feed(2, events=400, seed=400)
    steps = feed.steps()
    third = len(steps) // 3
    with ProcessWorker(site, "a", tmp_path) as worker:
        for step in steps[:third]:
            site.append(step)
            time.sleep(STEP_S)
        own_broker.kill()
        time.sleep(3)
        worker.alive()
        own_broker.start()
        append_when_possible(site, steps[third : 2 * third])
        site.await_detected(40, worker.alive)
        append_when_possible(site, steps[2 * third :])
        own_broker.kill()
        _, took_s = worker.stop()
        assert took_s < STOP_LIMIT_S
    own_broker.start()
    with ProcessWorker(site, "a", tmp_path) as worker:
        rows = site.await_detected(40, worker.alive)
    site.close()
    assert feed.assert_detected(rows) > 20


def append_when_possible(site: Site, steps: list[list[Record]]) -> None:
    """What a broker that is only starting refuses comes again, record by record: nothing of it was kept then."""
    for record in [record for step in steps for record in step]:
        while True:
            try:
                site.append([record])
            except LogError:
                time.sleep(0.2)
            else:
                break
