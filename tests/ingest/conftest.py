"""One gateway process for the tests that only look at its answers."""

from collections.abc import Iterator

import pytest

from tests.ingest.parts import Served, serve


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway process that runs for the whole session, with two partitions."""
    with serve(tmp_path_factory.mktemp("ingest"), partitions=2) as served:
        yield served
