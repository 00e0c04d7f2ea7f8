"""Fixtures of the broker: one for the session, shared by tests with topics of their own names, and one to be killed.

A test that takes either is marked `kafka`: where the machine lacks Java or the jars it skips, with one loud line; in CI a
skip is a failure (tests/conftest.py).
"""

from collections.abc import Callable, Iterator
from itertools import count
from os import getpid

import pytest

from tests.kafka_broker.broker import Broker
from tests.kafka_broker.jars import BrokerNotAvailable

_FIXTURES = frozenset({"broker", "own_broker"})
_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a broker."""
    for item in items:
        if _FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("kafka")


def _started(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    try:
        return Broker(tmp_path_factory.mktemp("kafka")).start()
    except BrokerNotAvailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running broker, shared by the whole test process: never kill it, and name your topics with `topic_name`."""
    broker = _started(tmp_path_factory)
    yield broker
    broker.kill()


@pytest.fixture
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running broker of the test's own, to be killed and started again."""
    broker = _started(tmp_path_factory)
    yield broker
    broker.kill()


@pytest.fixture
def topic_name() -> Callable[[str], str]:
    """Gives a name that no other test of this broker uses: `topic_name("journey-events")`."""
    number = next(_numbers)
    return lambda base: f"{base}.t{getpid()}-{number}"
