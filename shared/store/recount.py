"""Recount what ClickHouse holds: each row once, aggregates equal to their rows, points in force or not."""

import re
from collections.abc import Callable, Mapping
from math import isclose
from typing import Any, Final, NamedTuple

from shared.store.client import Store
from shared.store.stored_sums import Table, from_sums

_EXAMPLES: Final = 5
_IDENTITIES: Final = {
    "events": "source, id",
    "points": "id, revision, sign",
    "late_events": "source, id, recordedtime",
    "rejects": "id",
}
_EVENTS: Final = "count() AS n, groupBitOr(carried) AS fields, min(time) AS first, max(time) AS last"
_POINTS: Final = "sum(sign) AS n"
AGGREGATES: Final[dict[str, tuple[Table, str, str, str]]] = {
    "events_aggregate": (
        "events",
        "hourly_events",
        "toStartOfHour(time), service, channel, territory, type",
        "count() AS n",
    ),
    "events_by_day": ("events", "daily_events", "service, channel, type, rating_level, toDate(time)", _EVENTS),
    "events_by_month": (
        "events",
        "monthly_events",
        "territory, service, channel, type, rating_level, toStartOfMonth(time)",
        _EVENTS,
    ),
    "events_in_all": (
        "events",
        "monthly_totals",
        "service, channel, type, rating_level, toStartOfMonth(time)",
        _EVENTS,
    ),
    "events_by_step": (
        "events",
        "monthly_steps",
        "service, channel, type, step, office, toStartOfMonth(time)",
        "count() AS n",
    ),
    "events_by_name": (
        "events",
        "names_of_events",
        "service, channel, territory",
        "count() AS n, min(time) AS first, max(time) AS last",
    ),
    "points_by_day_and_territory": (
        "points",
        "daily_points_by_territory",
        "territory, toDate(time), rule, service, channel, version",
        _POINTS,
    ),
    "points_by_day": ("points", "daily_points", "rule, service, channel, version, toDate(time)", _POINTS),
    "points_by_month": (
        "points",
        "monthly_points",
        "territory, rule, service, channel, version, toStartOfMonth(time)",
        _POINTS,
    ),
    "points_in_all": (
        "points",
        "monthly_point_totals",
        "rule, service, channel, version, toStartOfMonth(time)",
        _POINTS,
    ),
    "points_by_step": (
        "points",
        "monthly_points_by_step",
        "rule, service, channel, step, office, toStartOfMonth(time)",
        _POINTS,
    ),
    "contacts_by_day": ("judged_contacts", "daily_contacts", "service, channel, failure, toDate(time)", _POINTS),
    "contacts_by_day_and_territory": (
        "judged_contacts",
        "daily_contacts_by_territory",
        "territory, toDate(time), service, channel, failure",
        _POINTS,
    ),
    "contacts_by_month": (
        "judged_contacts",
        "monthly_contacts",
        "territory, service, channel, failure, toStartOfMonth(time)",
        _POINTS,
    ),
    "touched_by_month": (
        "placed_points",
        "monthly_touched",
        "rule, service, month, first_of_rule_month, first_of_any_month",
        _POINTS,
    ),
}
"""By the name of the check: the table, its stored sums, what these group by, and what of them is compared."""
_POINT_MINUTES: Final = """
SELECT rule, sum(sign * minutes_citizen), sum(sign * minutes_administration) FROM points GROUP BY rule ORDER BY rule
"""
_POINT_SIGNS: Final = """
SELECT id FROM points GROUP BY id HAVING sum(sign) NOT IN (0, 1) ORDER BY id
"""
_POINTS_IN_FORCE: Final = """
SELECT (SELECT sum(sign) FROM points), (SELECT count() FROM points_in_force)
"""
_JOURNEYS: Final = """
SELECT
    (SELECT count() FROM events WHERE subject != ''), (SELECT sum(length(at)) FROM journeys FINAL),
    (SELECT count() FROM assembled_journeys) AND (SELECT count() FROM touched_journeys) = 0
"""
_CONTACTS: Final = """
SELECT
    (SELECT count() FROM events WHERE contact_key != 0), (SELECT sum(sign) FROM judged_contacts),
    (SELECT count() FROM assembled_journeys WHERE name = 'judged') AND (SELECT count() FROM touched_journeys) = 0
"""
_PLACED: Final = """
SELECT
    (SELECT sum(sign) FROM points WHERE subject != ''), (SELECT sum(sign) FROM placed_points),
    (SELECT argMax(cuts, at) NOT IN ('', 'unplaced') FROM assembled_journeys WHERE name = 'judged')
        AND (SELECT count() FROM touched_journeys) = 0
"""
_PLACED_ONCE: Final = """
SELECT point_key FROM placed_points GROUP BY service, person_key, time, point_key
HAVING sum(sign) NOT IN (0, 1) ORDER BY point_key
"""
_CONTACT_MINUTES: Final = """
SELECT failure, sum(sign * minutes_citizen), sum(sign * minutes_administration) FROM judged_contacts GROUP BY failure
ORDER BY failure
"""
_CONTACT_SIGNS: Final = """
SELECT id FROM judged_contacts
GROUP BY person_key, time, source, id, failure, minutes_citizen, minutes_administration HAVING sum(sign) NOT IN (0, 1)
ORDER BY id
"""
_LOGS_OF_STREAMS: Final = """
SELECT stream, groupUniqArray(log) AS logs FROM (
    SELECT
        if(stream = 'detected' OR startsWith(stream, 'journey-events'), 'journey-events', stream) AS stream,
        partition, argMax(log_id, at) AS log
    FROM positions GROUP BY positions.stream, stream, partition)
GROUP BY stream HAVING length(logs) > 1 ORDER BY stream
"""


class Finding(NamedTuple):
    """One check: `found` and `expected` are counts or sums; `examples` are a few of the rows at fault (identities)."""

    check: str
    ok: bool
    found: str
    expected: str
    examples: list[str]


def recount(store: Store) -> list[Finding]:
    """Every check in order, also those that hold. Reads every row: minutes on large tables. Raises `StoreError`.

    While rows are being loaded, a sum may be one batch ahead of the other: what does not agree is counted again.
    """
    return [
        *(_identity_once(store, table, identity) for table, identity in _IDENTITIES.items()),
        *(
            _agrees(store, check, aggregate_sql(table, groups, sums), table, stored)
            for check, (table, stored, groups, sums) in AGGREGATES.items()
        ),
        _agrees(store, "points_minutes", _POINT_MINUTES, "points", "daily_points"),
        _none_of(store, "points_signs", _POINT_SIGNS),
        _points_in_force(store),
        _held(store, "journeys_events", _JOURNEYS),
        _agrees(store, "contacts_minutes", _CONTACT_MINUTES, "judged_contacts", "daily_contacts"),
        _none_of(store, "contacts_signs", _CONTACT_SIGNS),
        _held(store, "contacts_judged", _CONTACTS),
        _none_of(store, "places_signs", _PLACED_ONCE),
        _held(store, "points_placed", _PLACED),
        _none_of(store, "positions_one_log", _LOGS_OF_STREAMS),
    ]


def aggregate_sql(table: str, groups: str, sums: str) -> str:
    """One row: how many groups there are with anything in them, what they add up to, and a number that all of it gives."""
    names = ", ".join(re.findall(r" AS (\w+)", sums))
    return f"""
        SELECT countIf(n != 0), sum(n), sumIf(cityHash64(place, {names}), n != 0)
        FROM (SELECT ({groups}) AS place, {sums} FROM {table} GROUP BY {groups})"""  # noqa: S608  # names from here


def _identity_once(store: Store, table: str, identity: str) -> Finding:
    """Distinct equals stored. Grouping may spill to disk, so that memory stays bounded."""
    repeated = f"SELECT {identity} FROM {table} GROUP BY {identity} HAVING count() > 1"  # noqa: S608  # names from here
    count = store.recount_query(f"SELECT count() FROM ({repeated})").rows[0][0]  # noqa: S608
    examples = store.recount_query(f"{repeated} LIMIT {_EXAMPLES}").rows if count else []
    return Finding(f"{table}_once", count == 0, str(count), "0", [" ".join(map(str, row)) for row in examples])


def _agrees(store: Store, check: str, sql: str, table: Table, stored: str) -> Finding:
    """The answer of the stored sums equals that of the rows."""

    def compare() -> Finding:
        aggregated, counted = store.query(from_sums(sql, table, stored)).rows, store.recount_query(sql).rows
        return Finding(check, _same(aggregated, counted), _text(aggregated), _text(counted), [])

    return _again_if_wrong(compare)


def _points_in_force(store: Store) -> Finding:
    """As many points in force as the signs add up to."""

    def compare() -> Finding:
        signs, in_force = store.recount_query(_POINTS_IN_FORCE).rows[0]
        return Finding("points_in_force", signs == in_force, str(in_force), str(signs), [])

    return _again_if_wrong(compare)


def _held(store: Store, check: str, sql: str) -> Finding:
    """What is assembled holds every event that belongs there; not asked while some are not assembled yet."""

    def compare() -> Finding:
        events, held, assembled = store.recount_query(sql).rows[0]
        return Finding(check, not assembled or events == held, str(held), str(events), [])

    return _again_if_wrong(compare)


def _none_of(store: Store, check: str, sql: str) -> Finding:
    """The query finds nothing."""

    def look() -> Finding:
        rows = store.recount_query(sql).rows
        examples = [" ".join(map(str, row)) for row in rows[:_EXAMPLES]]
        return Finding(check, not rows, str(len(rows)), "0", examples)

    return _again_if_wrong(look)


def _again_if_wrong(check: Callable[[], Finding], attempts: int = 3) -> Finding:
    finding = check()
    for _ in range(attempts - 1):
        if finding.ok:
            break
        finding = check()
    return finding


def _same(left: list[tuple[Any, ...]], right: list[tuple[Any, ...]]) -> bool:
    """Equal, sums of minutes up to the order of addition."""
    if len(left) != len(right):
        return False
    pairs = ((a, b) for one, other in zip(left, right, strict=True) for a, b in zip(one, other, strict=True))
    return all(
        isclose(a, b, rel_tol=1e-9, abs_tol=1e-6) if isinstance(a, float) and isinstance(b, float) else a == b
        for a, b in pairs
    )


def _text(rows: list[tuple[Any, ...]]) -> str:
    return "; ".join(" ".join(map(str, row)) for row in rows)


def problems(findings: list[Finding]) -> Mapping[str, Finding]:
    """Those that do not hold, by name."""
    return {finding.check: finding for finding in findings if not finding.ok}
