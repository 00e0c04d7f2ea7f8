"""From the POST of the event that tips a threshold to the alert on a page, while the platform takes a steady load.

Each alert is of a service of its own: some people give up waiting at its telephone while the load begins, one more later.
"""

import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

import httpx
from msgspec import Struct

from shared.clock import now_us
from shared.journey.instants import SECOND_US, to_text
from tests.benchmarks.alert_page import Page, await_on_pages, opened
from tests.benchmarks.gateway import BATCH_CONNECTIONS
from tests.benchmarks.http_load import batch_request, post_at_rate
from tests.benchmarks.processes import processor_s
from tests.benchmarks.report import Figure, figure
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.workload import EventMaker, cloud_event
from tests.run.platform import Platform, running, wait_until

BATCH_EVENTS: Final = 100
AT_LEAST: Final = 5
NAMES: Final = re.compile(rb"line-\d{4}")
_PREPARED_A_S: Final = 8_000
"""So many events a second are made beforehand, at the least: their time is that of their POST."""
_START_S: Final = 5
_WARM_SHARE: Final = 0.25
"""Of the load, before the first alert: in it people begin to give up, and the platform settles."""
_LIMIT_S: Final = 60.0
_PEOPLE: Final = 20_000
"""So many are about at a time; they come and go, with `_EVENTS_EACH` events in the mean."""
_EVENTS_EACH: Final = 10


class Plan(Struct, frozen=True):
    """Requests, one each `BATCH_EVENTS / rate` seconds from `start_us` on, and which of them holds each line's last event."""

    requests: Sequence[bytes]
    tipping: Sequence[int]
    start_us: int


def line(number: int) -> str:
    """The service of one alert."""
    return f"line-{number:04}"


def threshold_file(folder: Path, lines: int, at_least: int = AT_LEAST) -> Path:
    """Alert settings with a threshold for each line; nobody is told outside of the pages."""
    file = folder / "alerts.toml"
    tables = (
        f'[[threshold]]\nname = "{line(number)}"\nrule = "queue_abandoned"\nservice = "{line(number)}"\nat_least = {at_least}\n'
        for number in range(lines)
    )
    file.write_text("".join(tables), encoding="utf-8")
    return file


def lost_call(number: int, person: int, time_us: int) -> dict[str, object]:
    """Somebody gives up waiting."""
    return {
        "specversion": "1.0",
        "id": f"lost-{number}-{person}",
        "source": "/phone/lines",
        "type": "call.abandoned",
        "time": to_text(time_us),
        "subject": f"caller-{number}-{person}",
        "data": {"service": line(number), "channel": "phone", "contact": f"call-{number}-{person}", "wait_s": 900},
    }


def measure(sizes: Sizes, folder: Path) -> list[Figure]:
    """The delay of each alert, half way and at the 99th percentile, under the load."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        at = Path(place).resolve()
        settings = threshold_file(at, sizes.alert_latencies)
        with running(at / "data", alerts=str(settings)) as platform:
            await_engine(platform)
            return _measure(sizes, platform)


def await_engine(platform: Platform) -> None:
    """Wait until somebody looks."""
    wait_until(lambda: httpx.get(f"{platform.people}/readyz").json().get("checks", {}).get("alerts") == "ok", _LIMIT_S)
    wait_until(lambda: "parcours_alerts_rounds_total" in httpx.get(f"{platform.people}/metrics").text, _LIMIT_S)


def _measure(sizes: Sizes, platform: Platform) -> list[Figure]:
    page = Page(int(platform.settings["port"]), NAMES)
    planned = _plan(sizes)
    dues: list[float] = []
    services = platform.children()
    with opened([page]) as check:
        time.sleep(max(planned.start_us - now_us(), 0) / SECOND_US)
        used_s, start_s = {name: processor_s(pid) for name, pid in services.items()}, time.monotonic()
        ingest_port, a_second = int(platform.settings["ingest_port"]), sizes.alert_rate / BATCH_EVENTS
        post_at_rate(ingest_port, planned.requests, BATCH_CONNECTIONS, a_second, dues.append)
        passed_s = time.monotonic() - start_s
        shares = {name: 100 * (processor_s(pid) - used_s[name]) / passed_s for name, pid in services.items()}
        names = [line(number).encode() for number in range(sizes.alert_latencies)]
        await_on_pages(lambda: page.seen_s.keys() >= set(names), check, _LIMIT_S)
    dues.sort()
    delays = [page.seen_s[name] - dues[number] for name, number in zip(names, planned.tipping, strict=True)]
    percentiles = statistics.quantiles(delays, n=100, method="inclusive")
    taken_ms = [(each.answered_s - each.sent_s) * 1_000 for each in page.lists]
    return [
        figure("alerts: load while their latency was measured", [sizes.alert_rate], "events/s"),
        figure("alerts: so many of them were waited for", [len(delays)], "alerts"),
        figure("alerts: POST until on the page, 50th percentile", [percentiles[49]], "s"),
        figure("alerts: POST until on the page, 99th percentile", [percentiles[98]], "s", "under 2"),
        figure("alerts: POST until on the page, the longest", [max(delays)], "s"),
        figure("alerts: the page's requests for the list", [statistics.median(taken_ms)], "ms"),
        *(figure(f"alerts: processor time of {name} meanwhile", [each], "%") for name, each in shares.items()),
    ]


def _plan(sizes: Sizes) -> Plan:
    """The load, and in it the events of the lines at random places; each event has the time at which it is due to be posted."""
    random = Random(8)
    batches = max(int(sizes.alert_rate * sizes.alert_latency_s) // BATCH_EVENTS, 2 * sizes.alert_latencies)
    begin = int(batches * _WARM_SHARE)
    tipping = sorted(random.sample(range(begin, batches), sizes.alert_latencies))
    lost: dict[int, list[tuple[int, int]]] = {}
    for number, last in enumerate(tipping):
        for person in range(AT_LEAST - 1):
            lost.setdefault(random.randrange(begin), []).append((number, person))
        lost.setdefault(last, []).append((number, AT_LEAST - 1))
    start_us = now_us() + (_START_S + batches * BATCH_EVENTS // _PREPARED_A_S) * SECOND_US
    maker, requests = EventMaker(12), []
    for batch in range(batches):
        time_us = start_us + round(batch * BATCH_EVENTS / sizes.alert_rate * SECOND_US)
        first = batch * BATCH_EVENTS // _EVENTS_EACH
        accounts = [f"account:{first + random.randrange(_PEOPLE)}" for _ in range(BATCH_EVENTS)]
        events: list[object] = [cloud_event(maker.event(account, time_us), account) for account in accounts]
        events += [lost_call(number, person, time_us) for number, person in lost.get(batch, ())]
        requests.append(batch_request(events))
    return Plan(requests, tipping, start_us)
