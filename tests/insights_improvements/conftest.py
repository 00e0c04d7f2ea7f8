"""A site over the town of `town.py`."""

from collections.abc import Iterator

import httpx
import pytest

from shared.registry.records import Records
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import new_records, served
from tests.insights_improvements.town import DOCUMENT, town


@pytest.fixture(scope="module")
def town_store(store: Store) -> Store:
    """ClickHouse with the events of the town and their points."""
    for table in ("events", "points", "journeys"):
        store.writer().command(f"TRUNCATE TABLE {table}")
    seed.fill(store.writer(), town(), DOCUMENT)
    return store


@pytest.fixture
def records() -> Iterator[Records]:
    """The records of an empty registry."""
    with new_records() as found:
        yield found


@pytest.fixture
def site(town_store: Store, records: Records) -> Iterator[httpx.Client]:
    """The site, where an hour of work costs 40 euros."""
    with served(town_store, records=records, hour_cost_cents=4_000) as client:
        yield client
