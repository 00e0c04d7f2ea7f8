"""Many open alerts on many open pages at once, while alerts change: how long a list takes, and news to reach every page.

A change is one that shows in the list: an alert is given to somebody, through the API.
"""

import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx
from msgspec import Struct

from services.insights.pages.alerts_list import SHOWN
from shared.clock import now_us
from tests.benchmarks.alert_latency import await_engine, lost_call, threshold_file
from tests.benchmarks.alert_page import Page, await_on_pages, opened
from tests.benchmarks.processes import processor_s
from tests.benchmarks.report import Figure, figure
from tests.benchmarks.sizes import Sizes
from tests.run.platform import Platform, running, wait_until

EVERY_S: Final = 1.0
"""Between two changes."""
NAMES: Final = re.compile(rb"desk-\d{4}")
_LIMIT_S: Final = 60.0
_POSTED_AT_ONCE: Final = 100


class Change(Struct, frozen=True):
    """What stands in the list since this change, and when it was asked for (s, of `time.monotonic`)."""

    name: bytes
    sent_s: float


def measure(sizes: Sizes, folder: Path) -> list[Figure]:
    """With the first hundred alerts shown, as pages do at first, and with all."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        at = Path(place).resolve()
        settings = threshold_file(at, sizes.alerts_open, 1)
        with running(at / "data", alerts=str(settings)) as platform:
            await_engine(platform)
            _open(platform, sizes.alerts_open)
            found = _measure(sizes, platform, f"{sizes.alert_pages} pages", "", 0)
            return found + _measure(sizes, platform, f"{sizes.alert_pages} pages, all shown", "?all=yes", 1)


def _open(platform: Platform, number: int) -> None:
    """One alert a line."""
    events = [lost_call(each, 0, now_us()) for each in range(number)]
    for start in range(0, number, _POSTED_AT_ONCE):
        platform.post(*events[start : start + _POSTED_AT_ONCE]).raise_for_status()
    wait_until(lambda: len(_listed(platform)) == number, _LIMIT_S)


def _listed(platform: Platform) -> list[dict[str, Any]]:
    answer = httpx.get(f"{platform.people}/api/v1/alerts", timeout=_LIMIT_S)
    return list(answer.raise_for_status().json()["alerts"])


def _measure(sizes: Sizes, platform: Platform, name: str, query: str, series: int) -> list[Figure]:
    pages = [Page(int(platform.settings["port"]), NAMES, query) for _ in range(sizes.alert_pages)]
    pid = platform.children()["analytics"]
    with opened(pages) as check:
        await_on_pages(lambda: all(page.lists and page.news_s for page in pages), check, _LIMIT_S)
        used_s, start_s = processor_s(pid), time.monotonic()
        changes = _change(platform, pages, sizes.alert_changes, series)
        share = 100 * (processor_s(pid) - used_s) / (time.monotonic() - start_s)
        last = changes[-1].name
        await_on_pages(lambda: all(last in page.seen_s for page in pages), check, _LIMIT_S)
    told = [max(_first_after(page.news_s, each.sent_s) for page in pages) - each.sent_s for each in changes]
    shown = [max(page.seen_s[each.name] for page in pages) - each.sent_s for each in changes]
    lists_ms = [
        (each.answered_s - each.sent_s) * 1_000 for page in pages for each in page.lists if each.sent_s >= start_s
    ]
    return [
        *_percentiles(f"alerts, {name}: a request for the list", lists_ms, "ms", (50, 95), "95th below 300"),
        *_percentiles(f"alerts, {name}: change until told to all pages", told, "s", (50, 99), "99th below 2"),
        *_percentiles(f"alerts, {name}: change until on all pages", shown, "s", (50, 99), "99th below 2"),
        figure(f"alerts, {name}: processor time of analytics", [share], "%"),
    ]


def _change(platform: Platform, pages: Sequence[Page], number: int, series: int) -> list[Change]:
    """One alert after the other, of those that every page shows, is given to another desk."""
    shown = _listed(platform)[:SHOWN]
    changes: list[Change] = []
    with httpx.Client(base_url=platform.people, timeout=_LIMIT_S) as client:
        start_s = time.monotonic()
        for each in range(number):
            alert = shown[each % len(shown)]
            name = f"desk-{series * number + each:04}"
            time.sleep(max(start_s + each * EVERY_S - time.monotonic(), 0))
            given = {"version": alert["version"], "by": "benchmark", "to": name}
            changes.append(Change(name.encode(), time.monotonic()))
            answer = client.post(f"/api/v1/alerts/{alert['id']}/assign", json=given)
            shown[each % len(shown)] = answer.raise_for_status().json()
    return changes


def _first_after(instants_s: Sequence[float], start_s: float) -> float:
    return next(each for each in instants_s if each >= start_s)


def _percentiles(name: str, values: Sequence[float], unit: str, wanted: tuple[int, int], aim: str) -> list[Figure]:
    percentiles = statistics.quantiles(values, n=100, method="inclusive")
    low, high = wanted
    return [
        figure(f"{name}, {low}th percentile", [percentiles[low - 1]], unit),
        figure(f"{name}, {high}th percentile", [percentiles[high - 1]], unit, aim),
    ]
