"""The period a page shows: the one asked for, else the last that has data; and how its time axis is divided."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from services.insights.figures import Extent
from services.insights.filters import Filters
from shared.journey.instants import DAY_US, HOUR_US, from_us, to_us

_MONTHS: Final = 12
_SHORT_DAYS: Final = 62
"""Data over fewer days are shown by days, from the first to the last."""

_UNITS: Final = ((3, "hour"), (45, "day"), (210, "week"), (1_130, "month"))
"""Up to so many days, so the axis is divided; beyond, by years."""


class Period(Struct, frozen=True):
    """`[from_us, to_us)`; `chosen` if the address says it, else it is the last that has data."""

    from_us: int
    to_us: int
    chosen: bool

    @property
    def last_us(self) -> int:
        """An instant of the last day within."""
        return self.to_us - 1

    @property
    def unit(self) -> str:
        """How the axis is divided: one of `queries.BINS`."""
        days = (self.to_us - self.from_us) / DAY_US
        return next((unit for limit, unit in _UNITS if days <= limit), "year")

    def starts(self) -> list[int]:
        """The starts of the stretches, in order; the first may lie before the period."""
        moment = _floor(from_us(self.from_us), self.unit)
        starts = []
        while to_us(moment) < self.to_us:
            starts.append(to_us(moment))
            moment = _next(moment, self.unit)
        return starts


def choose_period(filters: Filters, extent: Extent) -> Period:
    """The period asked for, its open ends closed by the data; else the last twelve months, or all days of a short history."""
    last = last_with_data(extent)
    if filters.from_us is None and filters.to_us is None:
        return last
    from_us = filters.from_us if filters.from_us is not None else min(extent.first_us, filters.to_us or 0)
    to_us = filters.to_us if filters.to_us is not None else max(extent.end_us, from_us + HOUR_US)
    return Period(min(from_us, to_us - HOUR_US), to_us, chosen=True)


def last_with_data(extent: Extent) -> Period:
    """The calendar months up to that of the latest event, twelve at most; days where the history is short."""
    first, latest = from_us(extent.first_us), from_us(extent.end_us - 1)
    if latest - first <= timedelta(days=_SHORT_DAYS):
        return Period(to_us(_floor(first, "day")), to_us(_next(_floor(latest, "day"), "day")), chosen=False)
    end = _next(_floor(latest, "month"), "month")
    begin = end.replace(year=end.year - _MONTHS // 12)
    return Period(max(to_us(begin), to_us(_floor(first, "month"))), to_us(end), chosen=False)


def everything(extent: Extent) -> Period:
    """All days that have data."""
    first, latest = from_us(extent.first_us), from_us(extent.end_us - 1)
    return Period(to_us(_floor(first, "day")), to_us(_next(_floor(latest, "day"), "day")), chosen=True)


def _floor(moment: datetime, unit: str) -> datetime:
    moment = moment.replace(minute=0, second=0, microsecond=0)
    if unit == "hour":
        return moment
    moment = moment.replace(hour=0)
    if unit == "week":
        return moment - timedelta(days=moment.weekday())
    if unit == "month":
        return moment.replace(day=1)
    return moment.replace(month=1, day=1) if unit == "year" else moment


def _next(moment: datetime, unit: str) -> datetime:
    if unit == "year":
        return moment.replace(year=moment.year + 1)
    if unit == "month":
        return moment.replace(year=moment.year + moment.month // 12, month=moment.month % 12 + 1)
    return moment + {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}[unit]
