"""One worker on a real broker: what it finds, and how it ends when something is wrong."""

from collections.abc import Callable

from tests.detector_faust.site import Feed, Site
from tests.detector_faust.workers import ThreadWorker

MakeSite = Callable[[int], Site]


def test_points_are_those_of_the_definitions(make_site: MakeSite) -> None:
    """Random streams in random order, on three partitions: through the worker comes what the definitions give."""
    site, feed = make_site(3), Feed(3, events=400, seed=11)
    with ThreadWorker(site) as worker:
        for step in feed.steps():
            site.append(step)
        rows = site.await_detected(30, worker.raise_error)
    assert feed.assert_detected(rows) > 50
