"""Times of a file: text in, an instant and a text with an offset out.

Source: docs/definitions/import-mapping.md. A local time that occurs twice is the first of the two; one that the change
of clocks skips takes the offset from before the change (PEP 495, fold 0).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from shared.journey.instants import to_us

CACHED_TIMES: Final = 65_536
"""Texts whose times are remembered: days and minutes repeat in most files."""
MAX_TIME_CHARACTERS: Final = 64

_ISO: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?))?)?"
)
_TRIAL: Final = datetime(2004, 11, 23, 13, 14, 15, tzinfo=UTC)


class TimeTextError(ValueError):
    """A text that is not a time as the mapping says."""


class Moment(NamedTuple):
    """An instant in microseconds since 1970 UTC, and its ISO 8601 text with the offset it was written in."""

    instant_us: int
    text: str


ParseTime = Callable[[str], Moment]


def check_format(time_format: str, zone: tzinfo | None) -> None:
    """Raises `TimeTextError` when a `strptime` format is wrong, or cannot give an instant."""
    if "%Z" in time_format:
        raise TimeTextError("%Z is ambiguous: use %z, or `timezone`")
    try:
        parsed = datetime.strptime(_TRIAL.strftime(time_format), time_format)  # noqa: DTZ007 - only tried
    except ValueError as error:
        raise TimeTextError(str(error)) from error
    if parsed.date() != _TRIAL.date():
        raise TimeTextError("it must hold year, month and day")
    if parsed.tzinfo is None and zone is None:
        raise TimeTextError("it holds no %z: the mapping needs `timezone`")


def time_parser(time_format: str | None, zone: tzinfo | None) -> ParseTime:
    """The function that reads times: ISO 8601 without a format. It raises `TimeTextError`.

    `zone` is for texts without an offset. Decimals beyond the microsecond are cut off.
    """
    read = _read_iso if time_format is None else _reader(time_format)

    @lru_cache(CACHED_TIMES)
    def parse_short(text: str) -> Moment:
        moment = read(text)
        if moment.tzinfo is None:
            if zone is None:
                raise TimeTextError(f"`{text}` has no offset, and the mapping no `timezone`")
            moment = moment.replace(tzinfo=zone)
        try:
            return Moment(to_us(moment), _with_offset(moment))
        except (OverflowError, ValueError) as error:
            raise TimeTextError(f"`{text}` is out of range") from error

    def parse(text: str) -> Moment:
        if len(text) > MAX_TIME_CHARACTERS:
            raise TimeTextError(f"`{text[:MAX_TIME_CHARACTERS]}…` is too long for a time")
        return parse_short(text)

    return parse


def _read_iso(text: str) -> datetime:
    if not _ISO.fullmatch(text.upper()):
        raise TimeTextError(f"`{text}` is not an ISO 8601 time")
    try:
        return datetime.fromisoformat(text[:10] + text[10:].upper().replace(" ", "T", 1).replace(" ", ""))
    except ValueError as error:
        raise TimeTextError(f"`{text}` is not a time: {error}") from error


def _reader(time_format: str) -> Callable[[str], datetime]:
    def read(text: str) -> datetime:
        try:
            return datetime.strptime(text, time_format)  # noqa: DTZ007 - the caller adds the zone
        except ValueError as error:
            raise TimeTextError(f"`{text}` does not match the format `{time_format}`") from error

    return read


def _with_offset(moment: datetime) -> str:
    """RFC 3339 knows offsets of whole minutes only: local mean times of old are written in UTC."""
    offset = moment.utcoffset()
    whole = offset is not None and offset.total_seconds() % 60 == 0
    return (moment if whole else moment.astimezone(UTC)).isoformat()
