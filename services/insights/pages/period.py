"""The period a page shows: the one asked for, else the latest that has data worth the name; and how its axis is divided."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from services.insights.figures.summaries import History
from services.insights.filters import Filters
from shared.journey.instants import DAY_US, HOUR_US, from_us, to_us

_MONTHS: Final = 12
_MIN_SHARE: Final = 0.01
"""Of the volume of all time, what twelve months must hold to be shown without being asked for."""
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


def choose_period(filters: Filters, history: History) -> Period:
    """The period asked for, its open ends closed by the data; else `usual_period`."""
    if filters.from_us is None and filters.to_us is None:
        return usual_period(history)
    from_us = filters.from_us if filters.from_us is not None else min(history.first_us, filters.to_us or 0)
    to_us = filters.to_us if filters.to_us is not None else max(history.end_us, from_us + HOUR_US)
    return Period(min(from_us, to_us - HOUR_US), to_us, chosen=True)


def usual_period(history: History) -> Period:
    """The latest twelve calendar months that hold at least a hundredth of all volume; all days of a short history.

    A few stray events, older or newer than the bulk, thus do not hide it. Where no twelve months hold as much, all.
    """
    if _is_short(history):
        return everything(history, chosen=False)
    needed = _MIN_SHARE * sum(month.volume for month in history.months)
    for month in reversed(history.months):
        if month.volume:
            period = _twelve_months(month.start_us, history)
            inside = (each.volume for each in history.months if period.from_us <= each.start_us < period.to_us)
            if sum(inside) >= needed:
                return period
    return everything(history, chosen=False)


def latest_months(history: History) -> Period:
    """The twelve calendar months up to the latest event, however few they hold."""
    return everything(history) if _is_short(history) else _twelve_months(history.end_us - 1, history)


def _is_short(history: History) -> bool:
    return from_us(history.end_us - 1) - from_us(history.first_us) <= timedelta(days=_SHORT_DAYS)


def _twelve_months(last_us: int, history: History) -> Period:
    end = _next(_floor(from_us(last_us), "month"), "month")
    begin = end.replace(year=end.year - _MONTHS // 12)
    return Period(max(to_us(begin), to_us(_floor(from_us(history.first_us), "month"))), to_us(end), chosen=False)


def everything(history: History, *, chosen: bool = True) -> Period:
    """All days that have data."""
    first, latest = from_us(history.first_us), from_us(history.end_us - 1)
    return Period(to_us(_floor(first, "day")), to_us(_next(_floor(latest, "day"), "day")), chosen=chosen)


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
