"""The site over an empty store."""

from collections.abc import Iterator

import httpx
import pytest

from shared.store.client import Store
from tests.insights.conftest import served


@pytest.fixture
def client(empty_store: Store) -> Iterator[httpx.Client]:
    """A client of the site."""
    with served(empty_store) as made:
        yield made
