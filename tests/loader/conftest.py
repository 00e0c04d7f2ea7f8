"""Logs for the loader's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.store.client import Store
from tests.loader.samples import Logs


@pytest.fixture(params=["embedded_store", "http_store"])
def store(request: pytest.FixtureRequest) -> Store:
    """ClickHouse inside this process, then over HTTP."""
    store: Store = request.getfixturevalue(request.param)
    return store


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logs]:
    """Empty logs of every stream."""
    logs = Logs(tmp_path / "log")
    yield logs
    logs.close()
