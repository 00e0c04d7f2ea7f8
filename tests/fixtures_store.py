"""The store for tests: one chDB folder per test process (chDB allows no more), emptied between tests."""

from collections.abc import Iterator

import pytest

from shared.store.client import Store
from shared.store.migrate import migrate

MEMORY_MB = 1_024
QUERY_LIMIT_S = 20
TABLES = ("events", "points", "late_events", "rejects", "positions")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A migrated store, shared by the whole test process; what earlier tests left is still in it."""
    store = Store(f"chdb://{tmp_path_factory.mktemp('store') / 'clickhouse'}", MEMORY_MB, QUERY_LIMIT_S)
    migrate(store)
    yield store
    store.close()


@pytest.fixture
def empty_store(store: Store) -> Store:
    """The store without rows."""
    for table in TABLES:
        store.writer().command(f"TRUNCATE TABLE {table}")
    return store
