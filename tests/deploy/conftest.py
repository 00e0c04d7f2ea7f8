"""What the tests of the deployment need of the machine."""

import shutil

import pytest

from tests.conftest import MACHINE_PARTS

MACHINE_PARTS["promtool"] = "Prometheus' promtool"


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker means."""
    config.addinivalue_line("markers", "promtool: needs Debian's package prometheus")


@pytest.fixture
def promtool() -> str:
    """The program."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("no promtool")
    return found
