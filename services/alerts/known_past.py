"""The past that an engine compares with, as ClickHouse has it, and what joins it until it is read again."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from msgspec import Struct

from services.alerts.calendar_clock import SLOT_US
from services.alerts.counts import Past, SeriesTable
from services.alerts.counts_query import read_events, read_first_slots, read_points, read_rejects
from services.alerts.judging import Counted
from services.alerts.settings import AlertSettings
from shared.alerts.finding import Series
from shared.journey.instants import DAY_US
from shared.store.client import Store

_SPARE_WEEKS: Final = 2
"""A public holiday is compared with Sundays, which may lie further back."""


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


def read_past(store: Store, settings: AlertSettings, now_us: int) -> KnownPast:
    """All that rounds compare with. Reads weeks of rows: for another thread than that of rounds. Raises `StoreError`."""
    rises = settings.rises
    from_us = (now_us - (rises.weeks + _SPARE_WEEKS) * 7 * DAY_US) // SLOT_US * SLOT_US
    table = SeriesTable(rises.max_series, rises.territory_levels)
    points = read_points(store, settings, from_us, now_us, table)
    events = read_events(store, from_us, now_us, rises.max_series, imported=False)
    rejects = read_rejects(store, from_us, now_us, rises.max_series)
    reject_table = SeriesTable(rises.max_series, 0, "rejects")
    for series in rejects.series:
        reject_table.number(series)
    first = read_first_slots(store)
    return KnownPast(points.past, table, events, rejects.past, reject_table, first, now_us // SLOT_US)


def _grown(past: Past, table: SeriesTable, first_slot: Callable[[Series], int]) -> Counted:
    since = [first_slot(series) for series in table.series[past.size :]]
    known_from = np.concatenate([past.known_from, np.array(since, dtype=np.int64)])
    return Counted(list(table.series), Past(past.slots, past.series, past.counts, known_from))
