"""Entries of the calendar from their tables in an alert file."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, Literal

from services.alerts.calendar import Entry, Times
from services.alerts.calendar_clock import SLOTS_A_DAY, SLOTS_AN_HOUR
from services.alerts.settings_fields import WEEKDAYS
from services.alerts.settings_reading import Problems, Table
from shared.detection.toml_lines import Path

_EPOCH: Final = date(1970, 1, 1)
_SPAN: Final = re.compile(r"([01]\d|2[0-3]):(00|15|30|45)-(?:([01]\d|2[0-3]):(00|15|30|45)|24:00)")
_QUARTER_MIN: Final = 15
EntryKind = Literal["peak", "maintenance", "opening"]
_KINDS: Final[dict[str, EntryKind]] = {"peak": "peak", "maintenance": "maintenance", "opening": "opening"}


def read_entries(kind: str, tables: Sequence[tuple[Path, Table]], problems: Problems) -> list[Entry]:
    """The entries of one kind; what is wrong with their times is noted."""
    return [_entry(_KINDS[kind], path, table, problems) for path, table in tables]


def _entry(kind: EntryKind, path: Path, table: Table, problems: Problems) -> Entry:
    times = _times(path, table, problems)
    if kind != "opening" and times == Times():
        problems.add(path, "says no time: expected `from` and `to`, `month_days`, `weekdays` or `hours`")
    if kind == "maintenance" and (times.first is None) != (times.last is None):
        problems.add(path, "a maintenance that has `from` or `to` needs both: it must end")
    if kind == "peak" and table["factor"] == 1 and not table["mute"]:
        problems.add(path, "changes nothing: expected `factor` or `mute`")
    return Entry(
        kind=kind,
        name=table["name"] or "",
        times=times,
        services=tuple(table["services"]),
        channels=tuple(table["channels"]),
        factor=float(table.get("factor", 1.0)),
        mute=bool(table.get("mute", False)),
    )


def _times(path: Path, table: Table, problems: Problems) -> Times:
    first = _local_slot(table["from"], end=False)
    last = _local_slot(table["to"], end=True)
    if first is not None and last is not None and last < first:
        problems.add((*path, "to"), "lies before `from`")
    hours = tuple(_hours(path, text, problems) for text in table["hours"] or ())
    return Times(
        first=first,
        last=last,
        month_days=tuple(table.get("month_days", ())),
        weekdays=tuple(WEEKDAYS.index(day) for day in table["weekdays"]),
        hours=hours,
    )


def _local_slot(moment: date | datetime | None, *, end: bool) -> int | None:
    """The local slot of a beginning; of an end, the last one before it. A date is the whole day."""
    if moment is None:
        return None
    slot = (date(moment.year, moment.month, moment.day) - _EPOCH).days * SLOTS_A_DAY
    if not isinstance(moment, datetime):
        return slot + SLOTS_A_DAY - 1 if end else slot
    minutes = moment.hour * 60 + moment.minute
    return slot + (-(-minutes // _QUARTER_MIN) - 1 if end else minutes // _QUARTER_MIN)


def _hours(path: Path, text: str, problems: Problems) -> tuple[int, int]:
    found = _SPAN.fullmatch(text)
    if found is None:
        problems.add((*path, "hours"), f'expected quarter hours such as "08:30-12:00", found "{text}"')
        return 0, SLOTS_A_DAY
    start = int(found[1]) * SLOTS_AN_HOUR + int(found[2]) // _QUARTER_MIN
    end = int(found[3]) * SLOTS_AN_HOUR + int(found[4]) // _QUARTER_MIN if found[3] else SLOTS_A_DAY
    if end <= start:
        problems.add((*path, "hours"), f'"{text}" ends before it begins: write two spans for hours round midnight')
    return start, end
