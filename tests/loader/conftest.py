"""Logs for the loader's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loader.samples import Logs


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logs]:
    """Empty logs of every stream."""
    logs = Logs(tmp_path / "log")
    yield logs
    logs.close()
