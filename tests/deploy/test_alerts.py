"""The alert rules, run by Prometheus' own tool on series made for them."""

import subprocess

import pytest

from tests.deploy.files import OBSERVABILITY, ROOT
from tests.deploy.test_observability import alerts

SERIES = ROOT / "tests/deploy/alerts_test.yml"
NOT_TRIED = {"CommitSlow", "RegistryFails", "InsightsDown"}
"""Rules of the same form as others that are."""


@pytest.mark.promtool
def test_alerts_fire_when_they_should_and_are_quiet_otherwise(promtool: str) -> None:
    """A healthy platform fires none; each trouble fires its own, after its time, and no other."""
    done = subprocess.run([promtool, "test", "rules", str(SERIES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.promtool
def test_prometheus_takes_its_configuration(promtool: str) -> None:
    """Scrape jobs and rules are valid to Prometheus itself."""
    config = OBSERVABILITY / "prometheus/prometheus.yml"
    done = subprocess.run([promtool, "check", "config", str(config)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried() -> None:
    """The series bring each rule to fire, but for those that have the form of another one."""
    tried = SERIES.read_text(encoding="utf-8")
    assert {rule["alert"] for rule in alerts() if f'alertname="{rule["alert"]}"' not in tried} == NOT_TRIED
