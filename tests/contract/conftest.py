"""A local log for every test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.local_harness import LocalHarness


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[LocalHarness]:
    """A local log in a temporary folder."""
    local = LocalHarness(tmp_path)
    yield local
    local.close()
