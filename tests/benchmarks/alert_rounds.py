"""A whole round of the engine over 10,000 series: from points in the log to alerts, transitions and messages in the registry.

Nested places, as sites have them: a point counts for its place, for those around it, and for its service. Log and registry are
real (SQLite, flushed to the disk); the past of eight weeks is made up in memory, since no round reads it.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Final
from unittest.mock import patch

import numpy as np
from msgspec import Struct

from services.alerts.calendar_clock import MINUTE_US, SLOT_US, SLOTS_A_DAY, SLOTS_A_WEEK
from services.alerts.counts import Past, SeriesTable
from services.alerts.judging import Counted
from services.alerts.known_past import KnownPast, PastReader
from services.alerts.point_counts import Place
from services.alerts.settings import AlertSettings, parse_alerts
from shared.journey.instants import SECOND_US
from shared.journey.point import Point
from shared.log.port import Kind
from shared.store.client import Store
from shared.store.migrate import migrate
from tests.alerts_engine.site import T0, TEXT, Site
from tests.alerts_judging.made_up import WEEKS, pattern
from tests.benchmarks.report import Figure, figure
from tests.benchmarks.sizes import Sizes
from tests.clickhouse_http.process import ClickHouseOverHttp

RULES: Final = ("long_wait", "queue_abandoned", "repeat_contact", "transfer_loop", "status_chasing")
TOWNS: Final = tuple(f"fr/{region}/{department}/{town}" for region, department, town in product("ab", "cd", "efg"))
SERIES_A_RULE: Final = 21
"""Of a service and rule: over all channels, by telephone, the country, two regions, four departments, twelve towns."""
SERIES_A_TOWN: Final = 6
"""A rise in one town is one of its department, region, country and service, too."""
POINTS_A_SLOT: Final = 0.15
"""In one town and quarter hour in the mean, so that a series has half a point in the mean."""
RISEN: Final = 0.01
IN_A_RISE: Final = 40
_RECORD_POINTS: Final = 500
_MEMORY_MB: Final = 512
_QUERY_LIMIT_S: Final = 20
_PAST_SEED: Final = 21


class Taken(Struct, frozen=True):
    """What a round took: processor time of the process, and time on the clock (ms)."""

    processor_ms: float
    clock_ms: float


def measure(sizes: Sizes, folder: Path) -> list[Figure]:
    """The round that finds 1 % of the series risen, those after it, and the one that finds a rise in every service."""
    services = -(-sizes.alert_series // (SERIES_A_RULE * len(RULES)))
    settings = parse_alerts(f"{TEXT}[rises]\nmax_series = {sizes.alert_series}\n", "alerts.toml")
    towns = [
        (rule, f"service-{number}", "phone", town) for number in range(services) for rule in RULES for town in TOWNS
    ]
    risen = _risen(towns, max(1, round(sizes.alert_series * RISEN) // SERIES_A_TOWN))
    everywhere = _risen(towns, services)
    past = _made_up_past(settings, towns)
    found, further, minutes, quarters, many = [], [], [], [], []
    with _store(folder) as store, patch.object(PastReader, "read", lambda _, _now_us: past()):
        for _ in range(sizes.repetitions):
            with _site(folder, store, settings, towns) as site:
                found.append(_find(site, risen))
                further.append(_go_on(site, risen, 5 * SECOND_US))
                minutes.append(_go_on(site, risen, MINUTE_US))
                quarters.append(_go_on(site, risen, SLOT_US))
            with _site(folder, store, settings, towns) as site:
                many.append(_find(site, everywhere))
    name = f"alerts: a round of {sizes.alert_series:,} series"
    return [
        *_figures(f"{name} that finds {len(risen)} causes", found),
        *_figures(f"{name} that finds {len(everywhere)}", many),
        *_figures(f"{name}, further points", further),
        *_figures(f"{name}, a minute later", minutes),
        *_figures(f"{name}, a quarter hour later", quarters),
    ]


def _figures(name: str, taken: Sequence[Taken]) -> list[Figure]:
    return [
        figure(f"{name}: processor", [each.processor_ms for each in taken], "ms", "below 1,000"),
        figure(f"{name}: clock", [each.clock_ms for each in taken], "ms", "below 1,000"),
    ]


def _risen(towns: Sequence[Place], number: int) -> list[Place]:
    """Towns where something goes wrong: of as many services as there are."""
    by_service: dict[str, Place] = {}
    for place in towns:
        by_service.setdefault(place[1], place)
    return list(by_service.values())[:number]


def _find(site: Site, risen: Sequence[Place]) -> Taken:
    """People meet trouble there within the last minutes; the round finds it."""
    site.now_us += 10 * SECOND_US
    taken = _round(site, _points(site, [*risen] * IN_A_RISE))
    alerts = site.open()
    if len(alerts) != len(risen):
        raise RuntimeError(f"{len(risen)} causes were made, {len(alerts)} were found")
    return taken


def _go_on(site: Site, risen: Sequence[Place], passed_us: int) -> Taken:
    """Some more points, so much later."""
    site.now_us += passed_us
    return _round(site, _points(site, [*risen] * 2))


def _round(site: Site, points: Sequence[Point]) -> Taken:
    """From the points in the log to the end of the round."""
    _append(site, points)
    site.tick()
    site.monotonic_us += MINUTE_US // 2
    rounds = site.engine.status().rounds
    start_s, used_s = time.perf_counter(), time.process_time()
    while site.engine.step():
        pass
    taken = Taken((time.process_time() - used_s) * 1_000, (time.perf_counter() - start_s) * 1_000)
    if site.engine.status().rounds != rounds + 1:
        raise RuntimeError("no round was judged")
    return taken


def _points(site: Site, places: Sequence[Place]) -> list[Point]:
    """One of each place, within the last five minutes; each of a journey of its own."""
    made = []
    for number, (rule, service, channel, territory) in enumerate(places):
        at_us = site.now_us - number * 5 * MINUTE_US // len(places)
        made.append(
            site.point(at_us, rule=rule, service=service, channel=channel, territory=territory, source="/phone")
        )
    return made


@contextmanager
def _site(folder: Path, store: Store, settings: AlertSettings, towns: Sequence[Place]) -> Iterator[Site]:
    """A site on an ordinary day, whose engine has judged its first rounds."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        site = Site(Path(place), store, settings)
        try:
            _live_a_day(site, towns)
            yield site
        finally:
            site.close()


def _live_a_day(site: Site, towns: Sequence[Place]) -> None:
    """A day as any other, in the log; then the engine starts and judges its first rounds."""
    random = np.random.default_rng(_PAST_SEED + 1)
    usual = pattern() * POINTS_A_SLOT
    first = T0 // SLOT_US - SLOTS_A_DAY - 1
    points: list[Point] = []
    for slot in range(first, T0 // SLOT_US):
        counts = random.poisson(usual[_slot_of_week(slot)], len(towns))
        for number in np.flatnonzero(counts).tolist():
            rule, service, channel, territory = towns[number]
            for at in random.integers(0, SLOT_US, counts[number]).tolist():
                values = {"rule": rule, "service": service, "channel": channel, "territory": territory}
                points.append(site.point(slot * SLOT_US + at, source="/phone", **values))
    _append(site, points)
    site.turn()
    site.turn(0.2)
    if site.open():
        raise RuntimeError("an ordinary day gave alerts")


def _append(site: Site, points: Sequence[Point]) -> None:
    for start in range(0, len(points), _RECORD_POINTS):
        site.logs.append(Kind.POINTS, points[start : start + _RECORD_POINTS])


def _slot_of_week(slot: int) -> int:
    """From Monday on, in UTC."""
    return (slot + 3 * SLOTS_A_DAY) % SLOTS_A_WEEK


def _made_up_past(settings: AlertSettings, towns: Sequence[Place]) -> Callable[[], KnownPast]:
    """Eight weeks and the day after them, of all series; given anew to each engine, since its tables grow."""
    random = np.random.default_rng(_PAST_SEED)
    limit, levels = settings.rises.max_series, settings.rises.territory_levels
    table = SeriesTable(limit, levels)
    of_town = [table.of_point(*town) for town in towns]
    weight = np.zeros(len(table.series))
    for numbers in of_town:
        weight[list(numbers)] += POINTS_A_SLOT
    until = T0 // SLOT_US
    first = until - (7 * WEEKS + 2) * SLOTS_A_DAY
    usual = pattern()
    parts = []
    for slot in range(first, until):
        counts = random.poisson(weight * usual[_slot_of_week(slot)])
        met = np.flatnonzero(counts)
        parts.append((np.full(len(met), slot), met, counts[met].astype(np.float64)))
    slots, series, counted = (np.concatenate(each) for each in zip(*parts, strict=True))
    past = Past(slots, series, counted, np.full(len(table.series), first))
    none = np.zeros(0, dtype=np.int64)
    nothing = Past(none, none, np.zeros(0), none)
    services = {series.service: first for series in table.series}

    def made() -> KnownPast:
        fresh = SeriesTable(limit, levels)
        for each in table.series:
            fresh.number(each)
        return KnownPast(past, fresh, Counted((), nothing), nothing, SeriesTable(limit, 0, "rejects"), services, until)

    return made


@contextmanager
def _store(folder: Path) -> Iterator[Store]:
    """An empty ClickHouse in a process of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        front = ClickHouseOverHttp(Path(place).resolve() / "clickhouse")
        front.start()
        store = Store(front.dsn, _MEMORY_MB, _QUERY_LIMIT_S)
        try:
            migrate(store)
            yield store
        finally:
            store.close()
            front.kill()
