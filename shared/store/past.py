"""The past, read back for redetection: every (subject, service) with its events and its points in force.

It is read in pages of whole groups, in order of (service, subject), so that memory is bounded by a page (or by one
group, where a group is larger). Rows loaded meanwhile may or may not be seen. `comment` and `attributes` are left out:
detection needs neither.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

from shared.journey.codec import decode_events, decode_points
from shared.journey.event import Event, EventData
from shared.journey.point import Point
from shared.store.client import Store

PAGE_EVENTS: Final = 100_000

_LEFT_OUT: Final = ("comment", "attributes")
_DATA: Final = tuple(field for field in EventData.__struct_fields__ if field not in _LEFT_OUT)
_NUMBERS: Final = frozenset({"wait_s", "duration_s", "rating"})
_TEXT_FIGURES: Final = frozenset({"earlier_channel", "team", "from_team", "document", "due"})
"""Figures that are texts, even where they look like numbers; the others are numbers."""


def _instant(column: str) -> str:
    """The text of `instants.to_text`."""
    return f"formatDateTime({column}, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC')"


def _data_field(name: str) -> tuple[str, str]:
    """A field of `data`, absent as null: the expression and its type."""
    kind = {"due": _instant("due"), "invited": "if(invited, true, NULL)"}.get(name)
    if kind is not None:
        return kind, "Nullable(Bool)" if name == "invited" else "Nullable(String)"
    if name == "service":
        return "toString(service)", "String"
    if name in _NUMBERS:
        return name, "Nullable(Float64)"
    return f"nullIf(toString(`{name}`), '')", "Nullable(String)"


def events_sql(within: str) -> str:
    """The statement for the rows of `events AS e` that the clause `within` keeps, as the log writes events, in order of
    (service, subject, time, source, id).
    """
    fields = [_data_field(name) for name in _DATA]
    types = ", ".join(f"`{name}` {kind}" for name, (_, kind) in zip(_DATA, fields, strict=True))
    data = ", ".join(expression for expression, _ in fields)
    return (
        f"SELECT id, source, type, {_instant('e.time')} AS time, {_instant('e.recordedtime')} AS recordedtime, subject, shard, "  # noqa: S608  # names from here
        f"CAST(tuple({data}), 'Tuple({types})') AS data "
        f"FROM events AS e {within} ORDER BY service, subject, e.time, source, id"
    )


def _points_sql() -> str:
    columns = ", ".join(f"`{name}`" for name in Point.__struct_fields__ if name not in {"sign", "time"})
    return (
        f"SELECT {columns}, 1 AS sign, {_instant('p.time')} AS time "  # noqa: S608  # names from here
        f"FROM points_in_force AS p {_WITHIN} ORDER BY service, subject, p.time, id"
    )


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


_EVENTS: Final = events_sql(_WITHIN)
_POINTS: Final = _points_sql()


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
    """The groups after `start` up to `end`.

    ClickHouse writes the JSON of the log, which msgspec reads: ten times as fast as rows turned into events in Python.
    """
    bounds = {"s0": start[0], "p0": start[1], "s1": end[0], "p1": end[1]}
    points: dict[tuple[str, str], list[Point]] = {}
    for point in decode_points(store.query_json(_POINTS, bounds)):
        point.figures = {name: _figure(name, value) for name, value in point.figures.items()}
        points.setdefault((point.service, point.subject), []).append(point)
    events = decode_events(store.query_json(_EVENTS, bounds))
    for (service, subject), group in groupby(events, key=_group):
        yield Past(service, subject, list(group), points.get((service, subject), []))


def _group(event: Event) -> tuple[str, str]:
    return event.data.service, event.subject or ""


def _figure(name: str, value: float | str) -> float | str:
    """ClickHouse keeps figures as texts, numbers as they stood in the log."""
    return value if name in _TEXT_FIGURES else float(value)
