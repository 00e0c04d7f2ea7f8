"""A site of each test's own on the shared broker."""

import gc
from collections.abc import Callable, Iterator

import pytest

from tests.detector_faust.site import Site
from tests.kafka_broker.broker import Broker


@pytest.fixture
def make_site(broker: Broker, topic_name: Callable[[str], str]) -> Iterator[Callable[[int], Site]]:
    """Makes the site, with a number of partitions."""
    made: list[Site] = []

    def make(partitions: int) -> Site:
        made.append(Site(broker.brokers, topic_name, partitions))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture(autouse=True)
def _nothing_left_over() -> Iterator[None]:
    """A task of aiokafka whose failure nobody asked for says so when it is collected: here, not within a later test."""
    yield
    gc.enable()
    gc.collect()
