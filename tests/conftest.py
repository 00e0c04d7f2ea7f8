"""What holds for every test: hypothesis profiles, and what a skipped test means."""

import importlib.util
import os
from collections import Counter
from collections.abc import Generator

import pytest
from hypothesis import settings

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
MACHINE_PARTS = {
    "browser": "Chromium",
    "mount": "the right to mount a tmpfs",
    "postgresql": "PostgreSQL",
    "kafka": "Java and Kafka's jars",
}

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if IN_CI else "dev")

_SHARED_FIXTURES = ("tests.fixtures_store", "tests.kafka_broker.fixtures", "tests.insights.chromium")
pytest_plugins = [name for name in _SHARED_FIXTURES if importlib.util.find_spec(name) is not None]

_not_run: Counter[str] = Counter()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count the tests that skip for want of a part of the machine; in CI they fail."""
    report = yield
    part = next((part for marker, part in MACHINE_PARTS.items() if item.get_closest_marker(marker)), None)
    if part is None or not report.skipped or hasattr(report, "wasxfail"):
        return report
    _not_run[part] += 1
    if IN_CI:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: in CI this test may not skip; it needs {part}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One loud line for what was not tried on this machine."""
    for part, count in sorted(_not_run.items()):
        terminalreporter.write_line(
            f"NOT TRIED: {count} tests need {part}, which this machine lacks", red=True, bold=True
        )
