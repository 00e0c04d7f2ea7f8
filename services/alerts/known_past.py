"""The past that an engine compares with, as ClickHouse has it, and what joins it until it is read again."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from msgspec import Struct

from services.alerts.calendar_clock import SLOT_US
from services.alerts.counts import Past, SeriesTable
from services.alerts.counts_query import read_events, read_first_slots, read_points, read_rejects, read_sizes
from services.alerts.judging import Counted
from services.alerts.settings import AlertSettings
from shared.alerts.finding import Series
from shared.journey.instants import DAY_US
from shared.store.client import Store

_SPARE_WEEKS: Final = 2
"""A public holiday is compared with Sundays, which may lie further back."""
RECENT_US: Final = 2 * DAY_US
SETTLED_US: Final = DAY_US
"""What is older than two days changes little (late events, retractions): it is read again once a day."""
CLOSED_US: Final = 14 * DAY_US
"""A service without any event for so long had ended: two weeks, as for a channel that is closed rather than silent."""
CHANGED_SHARE: Final = 0.01
"""Sooner when its rows have become more by this share: an import brought them, or a redetection."""


class KnownPast(Struct, frozen=True):
    """Points, events and refused events by series; the tables grow with what is met since.

    first: the first slot of each service; until: the slot in which it was read.
    """

    points: Past
    point_table: SeriesTable
    events: Counted
    rejects: Past
    reject_table: SeriesTable
    first: Mapping[str, int]
    until: int

    def points_now(self) -> Counted:
        """The past of all series of points: of those met since it has nothing, and reaches back as far as their service."""
        return _grown(self.points, self.point_table, lambda series: self.first.get(series.service, self.until))

    def rejects_now(self) -> Counted:
        """The same of the sources of refused events: nothing of a new one was refused since there is anything at all."""
        begin = int(min(self.rejects.known_from.min(initial=self.until), min(self.first.values(), default=self.until)))
        return _grown(self.rejects, self.reject_table, lambda _: begin)


class PastReader:
    """Reads the past from ClickHouse: once a day all of it, in between the latest two days, and what was read before of the rest.

    Belongs to one thread at a time, another than that of rounds.
    """

    def __init__(self, store: Store, settings: AlertSettings) -> None:
        self._store = store
        self._settings = settings
        self._settled: _Settled | None = None

    def read(self, now_us: int) -> KnownPast:
        """All that rounds compare with. Raises `StoreError`."""
        rises = self._settings.rises
        begin_us = (now_us - (rises.weeks + _SPARE_WEEKS) * 7 * DAY_US) // SLOT_US * SLOT_US
        within = read_first_slots(self._store, begin_us)
        ever = read_first_slots(self._store).items()
        first = {service: _first(slot, within.get(service), begin_us, now_us) for service, slot in ever}
        old = self._old(begin_us, now_us, first)
        until_us = old.until_us
        recent = read_points(self._store, self._settings, until_us, now_us, self._table())
        heard = read_events(self._store, until_us, now_us, rises.max_series, imported=False)
        rejects = read_rejects(self._store, begin_us, now_us, rises.max_series)
        reject_table = SeriesTable(rises.max_series, 0, "rejects")
        for series in rejects.series:
            reject_table.number(series)
        since = _since(first)
        table = self._table()
        points = _joined(old.points, recent, table, since)
        events = _joined(old.events, heard, SeriesTable(rises.max_series, 0, "silence"), since)
        return KnownPast(points.past, table, events, rejects.past, reject_table, first, now_us // SLOT_US)

    def _table(self) -> SeriesTable:
        return SeriesTable(self._settings.rises.max_series, self._settings.rises.territory_levels)

    def _old(self, begin_us: int, now_us: int, first: Mapping[str, int]) -> "_Settled":
        """What lies before the latest two days."""
        old = self._settled
        if old is None or not 0 <= now_us - old.read_us < SETTLED_US or self._changed(old, first):
            until_us = max(begin_us, (now_us - RECENT_US) // SLOT_US * SLOT_US)
            sizes = read_sizes(self._store, begin_us, until_us)
            points = read_points(self._store, self._settings, begin_us, until_us, self._table())
            limit = self._settings.rises.max_series
            events = read_events(self._store, begin_us, until_us, limit, imported=False)
            old = self._settled = _Settled(now_us, begin_us, until_us, sizes, first, points, events)
        return old

    def _changed(self, old: "_Settled", first: Mapping[str, int]) -> bool:
        """Whether the past is another one: a service began earlier than was known, or rows have come."""
        if any(slot < old.first.get(service, old.until_us // SLOT_US) for service, slot in first.items()):
            return True
        sizes = read_sizes(self._store, old.begin_us, old.until_us)
        return any(abs(now - then) > CHANGED_SHARE * then for now, then in zip(sizes, old.sizes, strict=True))


class _Settled(Struct, frozen=True):
    """What was read of a span, when, and how many rows it had then."""

    read_us: int
    begin_us: int
    until_us: int
    sizes: tuple[int, int]
    first: Mapping[str, int]
    points: Counted
    events: Counted


def _first(ever: int, within: int | None, begin_us: int, now_us: int) -> int:
    """From which slot on a service is known: its first, unless it began again within the span that is compared with.

    A history that was imported, or a season, that ended before says nothing of what is usual now.
    """
    if within is None:
        return now_us // SLOT_US
    return within if within * SLOT_US - begin_us > CLOSED_US else ever


def _since(first: Mapping[str, int]) -> Callable[[Series], int]:
    """The first slot of a series is that of its service."""
    begin = min(first.values(), default=0)
    return lambda series: first.get(series.service, begin)


def _joined(old: Counted, recent: Counted, table: SeriesTable, first_slot: Callable[[Series], int]) -> Counted:
    """The past of one span and of the one after it, numbered by the table."""
    parts = []
    for part in (old, recent):
        numbers = np.array([_number(table, series) for series in part.series], dtype=np.int64)
        of_row = numbers[part.past.series]
        kept = of_row >= 0
        parts.append((part.past.slots[kept], of_row[kept], part.past.counts[kept]))
    slots, series, counts = (np.concatenate(each) for each in zip(*parts, strict=True))
    known_from = np.array([first_slot(each) for each in table.series], dtype=np.int64)
    return Counted(list(table.series), Past(slots, series, counts, known_from))


def _number(table: SeriesTable, series: Series) -> int:
    found = table.number(series)
    return -1 if found is None else found


def _grown(past: Past, table: SeriesTable, first_slot: Callable[[Series], int]) -> Counted:
    since = [first_slot(series) for series in table.series[past.size :]]
    known_from = np.concatenate([past.known_from, np.array(since, dtype=np.int64)])
    return Counted(list(table.series), Past(past.slots, past.series, past.counts, known_from))
