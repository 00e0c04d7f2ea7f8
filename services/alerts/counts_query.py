"""Counts from ClickHouse: points in force, events, service levels and refused events, by series and quarter hour.

Statements group in ClickHouse, where journeys are told apart, and give sums; only `read_touches` gives points one by one.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from services.alerts.calendar_clock import SLOT_US
from services.alerts.counts import Past, SeriesTable, Touch, past_of
from services.alerts.judging import Counted
from services.alerts.judging_levels import Share
from services.alerts.point_counts import PointRow
from services.alerts.settings import AlertSettings, ServiceLevel
from shared.alerts.finding import Series
from shared.journey.instants import DAY_US, HOUR_US
from shared.log.port import Position
from shared.store.client import Store
from shared.store.stored_sums import from_sums

_SLOT: Final = "intDiv(toUnixTimestamp64Micro(time), {slot:Int64})"
_WITHIN: Final = (
    "time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC') AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')"
)
_NOT_IMPORTED: Final = "({imported:UInt8} OR NOT startsWith(source, '/import/'))"
_PAGE_US: Final = 7 * DAY_US

# Each point stands for all the series it belongs to (`services.alerts.counts.series_of`): a journey counts once in each.
_POINTS: Final = f"""
SELECT rule, service, place.1 AS channel, place.2 AS territory, {_SLOT} AS slot, uniqExact(journey) AS touched
FROM (SELECT rule, service, channel, time, journey, arraySlice(splitByChar('/', territory), 1, {{levels:UInt8}}) AS parts,
        arrayConcat(if(channel = '', [], [('', '')]), [(channel, '')],
            arrayMap(i -> (channel, arrayStringConcat(arraySlice(parts, 1, i), '/')),
                if(territory = '', [], arrayEnumerate(parts)))) AS places
    FROM points_in_force WHERE {_WITHIN})
ARRAY JOIN places AS place
GROUP BY rule, service, channel, territory, slot
"""  # noqa: S608  # statements from here
_ROWS: Final = f"""
SELECT id, revision, sign, toUnixTimestamp64Micro(time), rule, service, channel, territory, journey, source
FROM points WHERE {_WITHIN}
"""  # noqa: S608  # statements from here
_REFUSED: Final = f"""
SELECT id, source, toUnixTimestamp64Micro(time) FROM rejects WHERE {_WITHIN} ORDER BY time DESC LIMIT {{limit:UInt32}}
"""  # noqa: S608  # statements from here
_POSITIONS: Final = """
SELECT stream, partition, argMax(log_id, at), argMax(next_offset, at) FROM positions GROUP BY stream, partition
"""
_SIZES: Final = f"""
SELECT (SELECT count() FROM points WHERE {_WITHIN}), (SELECT count() FROM events WHERE {_WITHIN})
"""  # noqa: S608  # statements from here
_TOUCHES: Final = f"""
SELECT toUnixTimestamp64Micro(time), rule, service, channel, territory, journey
FROM points_in_force WHERE {_WITHIN} ORDER BY time, id
"""  # noqa: S608  # statements from here
_EVENTS: Final = f"""
SELECT service, channel, {_SLOT} AS slot, count() FROM events
WHERE {_WITHIN} AND channel != '' AND {_NOT_IMPORTED}
GROUP BY service, channel, slot
"""  # noqa: S608  # statements from here
# A handful of rows a day, however many events there are.
_FIRST: Final = from_sums(
    """
SELECT service, intDiv(toUnixTimestamp(toStartOfHour(min(time))), 900) FROM events
WHERE toDate(time) >= toDate(fromUnixTimestamp64Micro({since:Int64}, 'UTC')) GROUP BY service
""",
    "events",
    "daily_events",
)
_REJECTS: Final = f"""
SELECT source, {_SLOT} AS slot, count() FROM rejects WHERE {_WITHIN} GROUP BY source, slot
"""  # noqa: S608  # statements from here

_OF_PLACE: Final = (
    "({service:String} = '' OR service = {service:String}) AND ({channel:String} = '' OR channel = {channel:String}) "
    f"AND {_NOT_IMPORTED}"
)
_ANSWERED: Final = "type IN ('call.answered', 'ticket.called')"
_ENDED: Final = "type IN ('call.answered', 'call.abandoned', 'call.rejected', 'ticket.called', 'ticket.noshow')"
_CALLS: Final = "type IN ('call.answered', 'call.abandoned', 'call.rejected')"
_LEVELS: Final[Mapping[str, str]] = {
    "answered_in_time": f"""
SELECT {_SLOT} AS slot, countIf({_ANSWERED} AND wait_s <= {{within:Float64}}),
    countIf({_ENDED} AND NOT ({_ANSWERED} AND wait_s IS NULL))
FROM events WHERE {_WITHIN} AND {_OF_PLACE} GROUP BY slot
""",  # noqa: S608  # statements from here
    "answered_by_person": f"""
SELECT {_SLOT} AS slot, countIf(type = 'call.answered'), countIf({_CALLS})
FROM events WHERE {_WITHIN} AND {_OF_PLACE} GROUP BY slot
""",  # noqa: S608  # statements from here
    # Dues that passed: each (person, service, case, due) once; missed ones are points, at the due with its pauses.
    "due_kept": f"""
SELECT slot, sum(dues) - least(sum(missed), sum(dues)), sum(dues) FROM (
    SELECT intDiv(toUnixTimestamp64Micro(assumeNotNull(due)), {{slot:Int64}}) AS slot,
        uniqExact(subject, service, `case`, due) AS dues, 0 AS missed
    FROM events
    WHERE due >= fromUnixTimestamp64Micro({{from:Int64}}, 'UTC') AND due < fromUnixTimestamp64Micro({{to:Int64}}, 'UTC')
        AND {_OF_PLACE} GROUP BY slot
    UNION ALL
    SELECT {_SLOT} AS slot, 0, count() FROM points_in_force
    WHERE {_WITHIN} AND rule = 'deadline_missed' AND {_OF_PLACE} GROUP BY slot)
GROUP BY slot
""",  # noqa: S608  # statements from here
}


def read_points(store: Store, settings: AlertSettings, from_us: int, to_us: int, table: SeriesTable) -> Counted:
    """The points in force of a span, by series and slot; the series with most points come first into the table.

    Raises `StoreError`.
    """
    levels = settings.rises.territory_levels
    rows = [
        row for page in _pages(from_us, to_us) for row in store.query(_POINTS, _span(*page) | {"levels": levels}).rows
    ]
    totals: dict[Series, int] = {}
    for rule, service, channel, territory, _, touched in rows:
        series = Series("rise", rule, service, channel, territory)
        totals[series] = totals.get(series, 0) + touched
    for series in sorted(totals, key=lambda each: (-totals[each], each)):
        table.number(series)
    numbers = {series: number for number, series in enumerate(table.series)}
    counts = (
        (int(slot), numbers[series], float(touched))
        for rule, service, channel, territory, slot, touched in rows
        if (series := Series("rise", rule, service, channel, territory)) in numbers
    )
    return Counted(table.series, past_of(counts, _known_from(store, table.series)))


def read_touches(store: Store, from_us: int, to_us: int) -> Iterator[Touch]:
    """The points in force of a span in order of time. Raises `StoreError`."""
    for page in _pages(from_us, to_us):
        for time_us, rule, service, channel, territory, journey in store.query(_TOUCHES, _span(*page)).rows:
            yield Touch(time_us, rule, service, channel, territory, journey)


def read_rows(store: Store, from_us: int, to_us: int) -> Iterator[tuple[PointRow, str]]:
    """All rows of points of a span, with the source of each, an hour at a time. Raises `StoreError`."""
    for page in _pages(from_us, to_us, HOUR_US):
        for row in store.query(_ROWS, _span(*page)).rows:
            point, revision, sign, time_us, rule, service, channel, territory, journey, source = row
            yield PointRow(point, revision, sign, time_us, (rule, service, channel, territory), journey), source


def read_refused(store: Store, from_us: int, to_us: int, limit: int) -> list[tuple[str, str, int]]:
    """Refused events of a span, the latest first: id, source, time. Raises `StoreError`."""
    rows = store.query(_REFUSED, _span(from_us, to_us) | {"limit": limit}).rows
    return [(reject, source, time_us) for reject, source, time_us in rows]


def read_sizes(store: Store, from_us: int, to_us: int) -> tuple[int, int]:
    """How many rows of points and of events there are in a span. Raises `StoreError`."""
    points, events = store.query(_SIZES, _span(from_us, to_us)).rows[0]
    return int(points), int(events)


def read_positions(store: Store) -> dict[str, dict[int, Position]]:
    """How far each stream is loaded: everything before has its rows. Raises `StoreError`."""
    found: dict[str, dict[int, Position]] = {}
    for stream, partition, log_id, next_offset in store.query(_POSITIONS).rows:
        found.setdefault(stream, {})[partition] = Position(log_id, next_offset)
    return found


def read_events(store: Store, from_us: int, to_us: int, limit: int, *, imported: bool = True) -> Counted:
    """The events of a span by service and channel: what silence is told from. `imported`: also those of Parcours' importer.

    Raises `StoreError`.
    """
    values = {"imported": int(imported)}
    rows = [row for page in _pages(from_us, to_us) for row in store.query(_EVENTS, _span(*page) | values).rows]
    table = SeriesTable(limit, 0, "silence")
    keyed = [
        (int(slot), table.number(Series("silence", "", service, channel)), float(n))
        for service, channel, slot, n in rows
    ]
    return Counted(table.series, _past(keyed, _known_from(store, table.series)))


def read_rejects(store: Store, from_us: int, to_us: int, limit: int) -> Counted:
    """The refused events of a span by source. Raises `StoreError`."""
    rows = [row for page in _pages(from_us, to_us) for row in store.query(_REJECTS, _span(*page)).rows]
    table = SeriesTable(limit, 0, "rejects")
    keyed = [(int(slot), table.number(Series("rejects", name=source)), float(n)) for source, slot, n in rows]
    first = min((slot for slot, _, _ in keyed), default=0)
    return Counted(table.series, _past(keyed, [first] * len(table.series)))


def read_level(
    store: Store, level: ServiceLevel, from_us: int, to_us: int, *, imported: bool = True
) -> dict[int, Share]:
    """What a service level counts, by slot; `imported`: also what Parcours' importer brought. Raises `StoreError`."""
    place = {"service": level.service, "channel": level.channel, "imported": int(imported)}
    values = place | {"within": float(level.within_s or 0)}
    rows = [
        row for page in _pages(from_us, to_us) for row in store.query(_LEVELS[level.kind], _span(*page) | values).rows
    ]
    return {int(slot): Share(int(kept), int(total)) for slot, kept, total in rows}


def _past(keyed: Iterable[tuple[int, int | None, float]], known_from: list[int]) -> Past:
    return past_of(((slot, number, n) for slot, number, n in keyed if number is not None), known_from)


def read_first_slots(store: Store, since_us: int = 0) -> dict[str, int]:
    """The first slot of each service, or of those that had events since that day (UTC). Raises `StoreError`."""
    return {service: int(slot) for service, slot in store.query(_FIRST, {"since": since_us}).rows}


def _known_from(store: Store, series: Iterable[Series]) -> list[int]:
    """The first slot from which each series could have had points: when its service was first seen."""
    first = read_first_slots(store)
    begin = min(first.values(), default=0)
    return [first.get(each.service, begin) for each in series]


def _span(from_us: int, to_us: int) -> dict[str, Any]:
    return {"from": from_us, "to": to_us, "slot": SLOT_US}


def _pages(from_us: int, to_us: int, page_us: int = _PAGE_US) -> Iterator[tuple[int, int]]:
    """The span in parts of at most a week, none of which splits a slot."""
    while from_us < to_us:
        end_us = min(to_us, (from_us + page_us) // SLOT_US * SLOT_US)
        yield from_us, end_us
        from_us = end_us
