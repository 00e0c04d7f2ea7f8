"""Instants: microseconds since 1970-01-01 UTC as an integer, and their one text form.

The text form has a fixed width (`2026-11-22T08:39:57.123456Z`), so that texts sort as instants do.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

SECOND_US: Final = 1_000_000
_DAY_S: Final = 86_400
HOUR_US: Final = 3_600 * SECOND_US
DAY_US: Final = 86_400 * SECOND_US


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 of a datetime with an offset; exact, also across a change of clocks."""
    since = (moment if moment.tzinfo is UTC else moment.astimezone(UTC)) - _EPOCH
    return (since.days * _DAY_S + since.seconds) * SECOND_US + since.microseconds


def from_us(instant_us: int) -> datetime:
    """The UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=instant_us)


def to_text(instant_us: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ`."""
    return from_us(instant_us).isoformat(timespec="microseconds")[:26] + "Z"


def from_text(text: str) -> int:
    """The instant of a text of `to_text` (or any ISO 8601 text with an offset)."""
    return to_us(datetime.fromisoformat(text))
