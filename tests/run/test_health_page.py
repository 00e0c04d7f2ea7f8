"""docs/health.md and docs/observability.md name what the platform exposes."""

import re
from pathlib import Path

import httpx
import pytest

from tests.run.platform import Platform

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "health.md").read_text(encoding="utf-8")
METRICS = (DOCS / "observability.md").read_text(encoding="utf-8")


def exposed(platform: Platform) -> set[str]:
    """The names of our metrics on both ports."""
    texts = (httpx.get(f"{address}/metrics").text for address in (platform.people, platform.systems))
    return {name for text in texts for name in re.findall(r"^# TYPE (parcours_\w+) ", text, re.MULTILINE)}


def test_every_metric_is_documented(platform: Platform) -> None:
    """Each metric that a platform in use exposes has its line."""
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "page.viewed", "time": "2026-01-01T00:00:00Z"}
    platform.post_until_accepted({**event, "data": {"service": "housing"}}, {})
    documented = set(re.findall(r"^\| `(parcours_\w+)` \|", METRICS, re.MULTILINE))
    assert exposed(platform) - documented == set()


@pytest.mark.parametrize("route", ["/healthz", "/readyz", "/metrics"])
def test_routes_of_health_answer_on_both_ports(platform: Platform, route: str) -> None:
    """The routes that the page names are there."""
    assert f"`{route}`" in PAGE
    for address in (platform.people, platform.systems):
        assert httpx.get(f"{address}{route}").status_code in {200, 503}
