"""Every test of a store runs on both kinds."""

import pytest

from shared.store.client import Store


@pytest.fixture(params=["embedded_store", "http_store"])
def store(request: pytest.FixtureRequest) -> Store:
    """ClickHouse inside this process, then over HTTP."""
    store: Store = request.getfixturevalue(request.param)
    return store
