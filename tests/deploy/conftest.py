"""What the tests of the deployment need of the machine."""

import pytest

from tests.conftest import MACHINE_PARTS

MACHINE_PARTS["promtool"] = "Prometheus' promtool"


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker means."""
    config.addinivalue_line("markers", "promtool: needs Debian's package prometheus")
