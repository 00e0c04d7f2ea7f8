"""Workers that are killed, added, removed and stopped in the middle: no row of `frictions` is missing or stands twice."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.detector_faust.site import Feed, Site
from tests.detector_faust.workers import SESSION_MS, ProcessWorker

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
