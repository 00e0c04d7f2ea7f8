"""What the tests of notifications need of the machine."""

import pytest

from tests.conftest import MACHINE_PARTS

MACHINE_PARTS["alertmanager"] = "Prometheus' Alertmanager"


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker means."""
    config.addinivalue_line("markers", "alertmanager: needs Debian's package prometheus-alertmanager")
