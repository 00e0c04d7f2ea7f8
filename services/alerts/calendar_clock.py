"""Quarter hours of a place: what counts are kept by, in elapsed time and by the clock on the wall.

A slot is a quarter hour numbered from 1970 UTC; a local slot is numbered alike by the clock of the place. Every offset in
force today is a multiple of a quarter hour, so that the two run in step.
"""

from datetime import tzinfo
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from shared.journey.instants import SECOND_US, from_us

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MINUTE_US: Final = 60 * SECOND_US
SLOT_US: Final = 15 * MINUTE_US
SLOTS_AN_HOUR: Final = 4
SLOTS_A_DAY: Final = 96
SLOTS_A_WEEK: Final = 7 * SLOTS_A_DAY
_FIRST_WEEKDAY: Final = 3
"""The first of January 1970 was a Thursday; Monday is 0."""


def weekdays(days: Ints) -> Ints:
    """The weekday, from 0 for Monday, of days numbered from 1970."""
    return (days + _FIRST_WEEKDAY) % 7


class LocalClock:
    """The clock on the wall of one time zone."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone: Final = zone
        self._day_offset = lru_cache(maxsize=4_096)(self._find_day_offset)

    def offsets(self, slots: Ints) -> Ints:
        """How far local slots are ahead of the given ones, in slots."""
        days, places = np.unique(slots // SLOTS_A_DAY, return_inverse=True)
        of_days = [self._day_offset(int(day)) for day in days]
        found = np.array([offset or 0 for offset in of_days], dtype=np.int64)[places].reshape(slots.shape)
        for day, offset in zip(days, of_days, strict=True):
            if offset is None:
                within = slots // SLOTS_A_DAY == day
                found[within] = [self._offset(int(slot)) for slot in slots[within]]
        return found

    def local(self, slots: Ints) -> Ints:
        """The local slots."""
        return slots + self.offsets(slots)

    def days(self, slots: Ints) -> Ints:
        """The local days, numbered from 1970."""
        return self.local(slots) // SLOTS_A_DAY

    def days_before(self, slots: Ints, days: Ints) -> Ints:
        """The slots at the same clock time, so many local days before."""
        before = slots - days * SLOTS_A_DAY
        return before + self.offsets(slots) - self.offsets(before)

    def _offset(self, slot: int) -> int:
        offset = from_us(slot * SLOT_US).astimezone(self.zone).utcoffset()
        return 0 if offset is None else round(offset.total_seconds()) // 900

    def _find_day_offset(self, day: int) -> int | None:
        """The offset of a whole day of UTC; `None` when it changes in it."""
        first, last = self._offset(day * SLOTS_A_DAY), self._offset((day + 1) * SLOTS_A_DAY - 1)
        return first if first == last else None
