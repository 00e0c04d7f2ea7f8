"""The public holidays of France, computed. Source: code du travail, L3133-1 and, for Alsace-Moselle, L3134-13."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal

Holidays = Literal["none", "france", "alsace-moselle"]
HOLIDAYS: Final[tuple[Holidays, ...]] = ("none", "france", "alsace-moselle")

_FIXED: Final = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
_AFTER_EASTER_DAYS: Final = (1, 39, 50)
"""Easter Monday, Ascension Day, the Monday of Pentecost."""
_GOOD_FRIDAY_DAYS: Final = -2
_SAINT_STEPHEN: Final = (12, 26)
_EPOCH: Final = date(1970, 1, 1)


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous algorithm published in Nature, 1876)."""
    golden, (century, in_century) = year % 19, divmod(year, 100)
    leap_centuries, rest = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - correction + 15) % 30
    leaps, in_leaps = divmod(in_century, 4)
    to_sunday = (32 + 2 * rest + 2 * leaps - epact - in_leaps) % 7
    moved = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * moved + 114, 31)
    return date(year, month, day + 1)


def public_holidays(holidays: Holidays, year: int) -> tuple[date, ...]:
    """The public holidays of a year, in order; none for `none`. Good Friday counts for all of Alsace-Moselle."""
    if holidays == "none":
        return ()
    sunday = easter(year)
    found = {date(year, month, day) for month, day in _FIXED}
    found |= {sunday + timedelta(days=days) for days in _AFTER_EASTER_DAYS}
    if holidays == "alsace-moselle":
        found |= {sunday + timedelta(days=_GOOD_FRIDAY_DAYS), date(year, *_SAINT_STEPHEN)}
    return tuple(sorted(found))


@lru_cache(maxsize=256)
def holiday_days(holidays: Holidays, year: int) -> frozenset[int]:
    """The same as days numbered from 1970."""
    return frozenset((day - _EPOCH).days for day in public_holidays(holidays, year))
