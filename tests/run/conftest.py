"""One platform that the tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.run.platform import Platform, running


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A running platform for the tests that leave it running."""
    with running(tmp_path_factory.mktemp("run") / "with a space") as started:
        yield started
