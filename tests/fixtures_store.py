"""Stores for tests: one chDB folder per test process (chDB allows no more), and one over HTTP; emptied between tests."""

from collections.abc import Iterator

import pytest

from shared.store.client import Store
from shared.store.migrate import migrate
from tests.clickhouse_http.process import ClickHouseOverHttp

MEMORY_MB = 1_024
QUERY_LIMIT_S = 20
TABLES = (
    "events",
    "points",
    "late_events",
    "rejects",
    "positions",
    "journeys",
    "judged_contacts",
    "placed_points",
    "touched_journeys",
)


@pytest.fixture(scope="session")
def clickhouse_over_http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseOverHttp]:
    """A running HTTP front of ClickHouse, shared by the whole test process."""
    front = ClickHouseOverHttp(tmp_path_factory.mktemp("store-over-http") / "clickhouse")
    front.start()
    yield front
    front.kill()


@pytest.fixture(scope="session")
def http_store(clickhouse_over_http: ClickHouseOverHttp) -> Iterator[Store]:
    """A migrated store behind the HTTP front, shared by the whole test process."""
    store = Store(clickhouse_over_http.dsn, MEMORY_MB, QUERY_LIMIT_S)
    migrate(store)
    yield store
    store.close()


@pytest.fixture(scope="session")
def embedded_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A migrated store inside this process, shared by the whole test process."""
    store = Store(f"chdb://{tmp_path_factory.mktemp('store') / 'clickhouse'}", MEMORY_MB, QUERY_LIMIT_S)
    migrate(store)
    yield store
    store.close()


@pytest.fixture(scope="session")
def store(embedded_store: Store) -> Store:
    """The store of a test; what earlier tests left is still in it. Folders that test both kinds override it."""
    return embedded_store


@pytest.fixture
def empty_store(store: Store) -> Store:
    """The store without rows."""
    for table in TABLES:
        store.writer().command(f"TRUNCATE TABLE {table}")
    return store
