"""What a site knows beforehand: expected peaks, opening hours, maintenance, public holidays; and which past is comparable.

A quarter hour is compared with the same clock time of the same weekday in past weeks. On a public holiday it is compared with the
Sundays before: offices are closed alike. A past quarter hour on a holiday, or one that an entry covers, says nothing of
an ordinary day and is left out.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, Literal

import numpy as np
from msgspec import Struct

from services.alerts.calendar_clock import SLOT_US, SLOTS_A_DAY, Bools, Floats, Ints, LocalClock, weekdays
from services.alerts.calendar_holidays import Holidays, holiday_days
from shared.alerts.finding import Series

_EPOCH: Final = date(1970, 1, 1)
_SUNDAY: Final = 6


class Times(Struct, frozen=True, kw_only=True):
    """When an entry holds, by the local clock; what is empty holds always.

    first, last: local slots, both included. month_days: from 1, or from the end: -1 is the last day of a month. weekdays: from
    0 for Monday. hours: pairs of slots of the day, the second excluded.
    """

    first: int | None = None
    last: int | None = None
    month_days: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()
    hours: tuple[tuple[int, int], ...] = ()

    def cover(self, local: Ints) -> Bools:
        """Which of the local slots it covers."""
        days, of_day = local // SLOTS_A_DAY, local % SLOTS_A_DAY
        covered = np.ones(local.shape, dtype=np.bool_)
        if self.first is not None:
            covered &= local >= self.first
        if self.last is not None:
            covered &= local <= self.last
        if self.weekdays:
            covered &= np.isin(weekdays(days), self.weekdays)
        if self.month_days:
            covered &= np.isin(days, [day for day in np.unique(days) if self._is_month_day(int(day))])
        if self.hours:
            covered &= np.any([(of_day >= start) & (of_day < end) for start, end in self.hours], axis=0)
        return covered

    def _is_month_day(self, number: int) -> bool:
        day = _EPOCH + timedelta(days=number)
        month_end = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        return day.day in self.month_days or day.day - month_end.day - 1 in self.month_days


class Entry(Struct, frozen=True, kw_only=True):
    """A peak (the expected is multiplied by `factor`, or nothing is judged if `mute`), a maintenance, or opening hours.

    services, channels: to what it applies; empty is all.
    """

    kind: Literal["peak", "maintenance", "opening"]
    name: str
    times: Times
    services: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    factor: float = 1.0
    mute: bool = False

    def applies(self, series: Series) -> bool:
        """Whether it changes what is expected of the series: also of one that sums up what it names."""
        service = not self.services or series.service in {"", *self.services}
        return service and (not self.channels or series.channel in {"", *self.channels})

    def holds_all(self, series: Series) -> bool:
        """Whether all that the series sums up is what it names: what is over all services it holds only if it names none."""
        return (not self.services or series.service in self.services) and (
            not self.channels or series.channel in self.channels
        )

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is judged while it lasts."""
        return self.mute or self.kind == "maintenance"


class Calendar:
    """The entries of a site by its own clock."""

    def __init__(self, clock: LocalClock, entries: Sequence[Entry] = (), holidays: Holidays = "none") -> None:
        self.clock: Final = clock
        self.entries: Final = tuple(entries)
        self._holidays: Final[Holidays] = holidays
        self._changing = tuple(each for each in self.entries if each.kind != "opening")
        self._opening = tuple(each for each in self.entries if each.kind == "opening")

    def is_holiday(self, days: Ints) -> Bools:
        """Which of the local days are public holidays."""
        if self._holidays == "none" or not days.size:
            return np.zeros(days.shape, dtype=np.bool_)
        years = range(
            (_EPOCH + timedelta(days=int(days.min()))).year, (_EPOCH + timedelta(days=int(days.max()))).year + 1
        )
        return np.isin(days, [day for year in years for day in holiday_days(self._holidays, year)])

    def sources(self, slots: Ints, weeks: int, step_days: int = 7) -> tuple[Ints, Bools]:
        """The past slots that each slot is compared with, `[weeks, slots]`, the latest first; which of them are comparable.

        step_days: 1 compares with so many days before instead of weeks, whatever day it is.
        """
        if step_days != 7:
            steps = step_days * np.arange(1, weeks + 1, dtype=np.int64)[:, None]
            before = self.clock.days_before(np.broadcast_to(slots, (weeks, len(slots))), steps)
            return before, np.ones(before.shape, dtype=np.bool_)
        days = self.clock.days(slots)
        holiday = self.is_holiday(days)
        weekday = weekdays(days)
        back = np.where(holiday & (weekday != _SUNDAY), weekday + 1, 7)
        days_before = back[None, :] + 7 * np.arange(weeks, dtype=np.int64)[:, None]
        found = self.clock.days_before(np.broadcast_to(slots, days_before.shape), days_before)
        return found, np.logical_or(holiday[None, :], ~self.is_holiday(self.clock.days(found)))

    def left_out(self, series: Sequence[Series], sources: Ints) -> Bools:
        """Whether a peak or a maintenance covers any past slot of a week, `[series, weeks]`."""
        out = np.zeros((len(series), sources.shape[0]), dtype=np.bool_)
        local = self.clock.local(sources)
        for entry in self._changing:
            weeks: Bools = np.any(entry.times.cover(local), axis=1, keepdims=False)
            if weeks.any():
                out |= np.array([entry.applies(each) for each in series], dtype=np.bool_)[:, None] & weeks[None, :]
        return out

    def muted(self, series: Sequence[Series], slots: Ints) -> Bools:
        """The series that are not judged while the window meets these slots: maintenance, or a peak that mutes."""
        out = np.zeros(len(series), dtype=np.bool_)
        local = self.clock.local(slots)
        for entry in self._changing:
            if entry.is_quiet and entry.times.cover(local).any():
                out |= np.array([entry.applies(each) for each in series], dtype=np.bool_)
        return out

    def judged_from(self, series: Series, from_us: int, at_us: int) -> int:
        """From when on what a series needs no past for is judged at an instant: `from_us`, or the end of what muted all of it since.

        That is after the instant while it is muted.
        """
        entries = [each for each in self._changing if each.is_quiet and each.holds_all(series)]
        if not entries or at_us <= from_us:
            return from_us
        slots = np.arange(from_us // SLOT_US, (at_us - 1) // SLOT_US + 1, dtype=np.int64)
        local = self.clock.local(slots)
        muted = np.flatnonzero(np.any([each.times.cover(local) for each in entries], axis=0))
        return max(from_us, (int(slots[muted[-1]]) + 1) * SLOT_US) if len(muted) else from_us

    def factors(self, series: Sequence[Series], slots: Ints) -> Floats | None:
        """What the expected is multiplied by, `[series, slots]`, the product of all peaks; `None` where there is none."""
        local = self.clock.local(slots)
        found: Floats | None = None
        for entry in self._changing:
            covered = entry.times.cover(local)
            if entry.kind != "peak" or entry.factor == 1 or not covered.any():
                continue
            applies = np.array([entry.applies(each) for each in series], dtype=np.bool_)
            factor = np.where(applies[:, None] & covered[None, :], entry.factor, 1.0)
            found = factor if found is None else found * factor
        return found

    def is_open(self, series: Series, slots: Ints) -> Bools:
        """In which slots the place is open; without opening hours of its own, always. On a public holiday it is closed."""
        entries = [entry for entry in self._opening if entry.applies(series)]
        if not entries:
            return np.ones(slots.shape, dtype=np.bool_)
        local = self.clock.local(slots)
        within: Bools = np.any([entry.times.cover(local) for entry in entries], axis=0)
        return within & ~self.is_holiday(local // SLOTS_A_DAY)
