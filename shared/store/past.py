"""The past, read back for redetection: every (subject, service) with its events and its points in force.

It is read in pages of whole groups, in order of (service, subject), so that memory is bounded by a page (or by one
group, where a group is larger). Rows loaded meanwhile may or may not be seen. `comment` and `attributes` are left out:
detection needs neither.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from shared.journey.event import Event, EventData
from shared.journey.instants import from_us, to_text
from shared.journey.point import Point
from shared.store.client import Rows, Store

PAGE_EVENTS: Final = 100_000

_LEFT_OUT: Final = ("comment", "attributes")
_DATA: Final = tuple(field for field in EventData.__struct_fields__ if field not in _LEFT_OUT)
_ENVELOPE: Final = ("id", "source", "type", "time", "recordedtime", "subject")
_INSTANTS: Final = frozenset({"time", "recordedtime", "due"})
_TEXT_FIGURES: Final = frozenset({"earlier_channel", "team", "from_team", "document", "due"})
"""Figures that are texts, even where they look like numbers; the others are numbers."""

# The last group of every page: the page of a group is where the last of its events falls.
_ENDS: Final = """
SELECT max((service, subject)) FROM (
    SELECT service, subject, intDiv(sum(n) OVER (ORDER BY service, subject) - 1, {page:UInt64}) AS page
    FROM (SELECT service, subject, count() AS n FROM events WHERE subject != '' GROUP BY service, subject))
GROUP BY page ORDER BY page
"""
_WITHIN: Final = """
WHERE subject != '' AND (service, subject) > ({s0:String}, {p0:String}) AND (service, subject) <= ({s1:String}, {p1:String})
"""


class Past(NamedTuple):
    """One (subject, service): its events by (time, source, id), and its points in force by (time, id)."""

    service: str
    subject: str
    events: list[Event]
    points: list[Point]


def read_past(store: Store, page_events: int = PAGE_EVENTS) -> Iterator[Past]:
    """Every group whose events were there when reading started, in order of (service, subject).

    Absent fields are `None` (events) or '' (points), as in the log. Raises `StoreError`.
    """
    start = ("", "")
    for (end,) in store.query(_ENDS, {"page": page_events}).rows:
        yield from _page(store, start, end)
        start = end


def _page(store: Store, start: tuple[str, str], end: tuple[str, str]) -> Iterator[Past]:
    """The groups after `start` up to `end`."""
    bounds = {"s0": start[0], "p0": start[1], "s1": end[0], "p1": end[1]}
    points: dict[tuple[str, str], list[Point]] = {}
    for point in map(_point, _named(store.query(_points_sql(), bounds))):
        points.setdefault((point.service, point.subject), []).append(point)
    rows = _named(store.query(_events_sql(), bounds))
    for (service, subject), group in groupby(rows, key=itemgetter("service", "subject")):
        yield Past(service, subject, [_event(row) for row in group], points.get((service, subject), []))


def _events_sql() -> str:
    columns = ", ".join(map(_column, (*_ENVELOPE, *_DATA)))
    return f"SELECT {columns} FROM events {_WITHIN} ORDER BY service, subject, events.time, source, id"  # noqa: S608


def _points_sql() -> str:
    columns = ", ".join(_column(name) for name in Point.__struct_fields__ if name != "sign")
    return f"SELECT {columns} FROM points_in_force AS p {_WITHIN} ORDER BY service, subject, p.time, id"  # noqa: S608


def _column(name: str) -> str:
    """Instants are read as microseconds since 1970: exact, whatever the time zone of this machine."""
    return f"toUnixTimestamp64Micro({name}) AS {name}_us" if name in _INSTANTS else f"`{name}`"


def _named(rows: Rows) -> Iterable[dict[str, Any]]:
    return (dict(zip(rows.columns, row, strict=True)) for row in rows.rows)


def _event(row: dict[str, Any]) -> Event:
    data = {name: row[name] for name in _DATA if name != "due" and not _absent(row[name])}
    if row["due_us"] is not None:
        data["due"] = from_us(row["due_us"])
    return Event(
        id=row["id"],
        source=row["source"],
        type=row["type"],
        time=to_text(row["time_us"]),
        recordedtime=to_text(row["recordedtime_us"]),
        subject=row["subject"],
        data=EventData(**data),
    )


def _absent(value: object) -> bool:
    return value is None or value is False or value == ""


def _point(row: dict[str, Any]) -> Point:
    figures = {name: value if name in _TEXT_FIGURES else float(value) for name, value in row["figures"].items()}
    values = {name: row[name] for name in Point.__struct_fields__ if name not in {"sign", "time", "figures"}}
    return Point(**values, sign=1, time=to_text(row["time_us"]), figures=figures)
