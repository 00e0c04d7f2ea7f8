"""A site for each test, in an empty ClickHouse."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.store.client import Store
from tests.alerts_engine.site import Site


@pytest.fixture
def site(tmp_path: Path, empty_store: Store) -> Iterator[Site]:
    """A service that has been known for ten weeks, in which nothing went wrong."""
    made = Site(tmp_path, empty_store)
    made.known_for(10)
    yield made
    made.close()
