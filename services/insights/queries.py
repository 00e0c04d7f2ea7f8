"""Every question insights asks of ClickHouse, by name.

Identifiers come from the tables below only; values are bound. A question is SQL and its parameters; `figures` and
`points` ask it and give the answer its shape.
"""

# ruff: noqa: S608 - what is put into these statements are names from the tables below and numbers; values are bound
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from services.insights.conditions import days_within, restrict, where_of, within
from services.insights.filters import Filters
from services.insights.sums import Finest, finest_of, start_of, sums
from shared.journey.vocabulary import CITIZEN_TYPES
from shared.store.stored_sums import from_sums

MAX_GROUPS: Final = 10_000
"""Groups one summary gives at most; its total counts all."""
MAX_ID_CHARS: Final = 256
"""Longer ids exist nowhere."""
MAX_JOURNEY_EVENTS: Final = 5_000
"""A journey is cut before its 5,001st event."""

MAX_CHOICES: Final = 300
"""Names that the filter form offers of each kind."""

CASE_WORK_RULES: Final = frozenset({"ping_pong", "rework", "case_reopened", "deadline_missed"})
"""Rules that judge the work on a case, not a contact: they stay out of rates per contact."""

FIELD_BITS: Final = {
    field: bit
    for bit, field in enumerate(
        ("matter", "channel", "step", "contact", "case", "office", "team", "territory", "reason", "document", "outcome",
         "wait_s", "duration_s", "due", "rating")
    )
}  # fmt: skip
"""The bits of the column `carried` of `events`: which fields a row carries (migration 0009)."""

POINT_GROUPS: Final = ("rule", "service", "channel", "territory")
EVENT_GROUPS: Final = ("type", "service", "channel", "territory")
REJECT_GROUPS: Final = ("reason", "stage", "gateway")

POINT_COLUMNS: Final = """
    id, revision, rule, version, parameters, figures, source, anchor, subject, service, journey, channel, step, office,
    territory, `case`, toUnixTimestamp64Micro(time) AS time_us, evidence, evidence_sources, minutes_citizen,
    minutes_administration"""
_EVENT_COLUMNS: Final = """
    id, source, type, toUnixTimestamp64Micro(time) AS time_us, service, matter, channel, step, contact, `case`, office,
    team, territory, wait_s, duration_s, if(due IS NULL, NULL, toUnixTimestamp64Micro(assumeNotNull(due))) AS due_us,
    reason, invited, document, outcome, rating, toUnixTimestamp64Micro(recordedtime) AS recorded_us,
    (source, id, recordedtime) IN (
        SELECT source, id, recordedtime FROM late_events
        WHERE subject = {subject:String} AND service = {service:String}) AS late"""
_OF_SUBJECT: Final = ("subject = {subject:String}", "service = {service:String}")


class Question(NamedTuple):
    """One statement and its bound values."""

    sql: str
    parameters: dict[str, Any]


def _on_rows(filters: Filters, *, rule_column: bool) -> tuple[list[str], dict[str, Any]]:
    conditions, parameters = restrict(filters, rule_column=rule_column)
    period, days = days_within(filters)
    return [*conditions, *period], {**parameters, **days}


def _restrict(filters: Filters, time: str, *, rule_column: bool) -> tuple[list[str], dict[str, Any]]:
    conditions, parameters = restrict(filters, rule_column=rule_column)
    return [*conditions, *within(filters, time)], parameters


def events_where(filters: Filters, *more: str) -> tuple[str, dict[str, Any]]:
    """The WHERE clause on rows of `events` for the filters and further conditions ('' where nothing restricts), and its values."""
    conditions, parameters = _on_rows(filters, rule_column=False)
    return where_of([*conditions, *more]), parameters


def points_where(filters: Filters, *more: str) -> tuple[str, dict[str, Any]]:
    """As `events_where`, on rows of `points`."""
    conditions, parameters = _on_rows(filters, rule_column=True)
    return where_of([*conditions, *more]), parameters


def rows_where(filters: Filters, *more: str) -> tuple[str, dict[str, Any]]:
    """As `events_where`, on rows of any table that has a time and what the filters name."""
    conditions, parameters = _restrict(filters, "time", rule_column=True)
    return where_of([*conditions, *more]), parameters


def _allowed(name: str, names: tuple[str, ...]) -> str:
    if name not in names:
        raise ValueError(name)
    return name


def points_by(group: str, filters: Filters, version: int = 0) -> Question:
    """Points in force and minutes per group, most points first, with the total over all groups; of how many the minutes are
    known, and how many were judged by another version of the rules than `version`.
    """
    column = _allowed(group, POINT_GROUPS)
    select = f"""
        SELECT {column} AS name, version AS judged, sum(sign) AS found, sum(sign * minutes_citizen) AS lost_c,
            sum(sign * minutes_administration) AS lost_a, sumIf(sign, isNotNull(minutes_citizen)) AS known_c,
            sumIf(sign, isNotNull(minutes_administration)) AS known_a
        FROM points $where GROUP BY name, judged"""
    found, parameters = sums("points", select, filters, monthly=column == "territory")
    sql = f"""
        SELECT name, points, minutes_citizen, minutes_administration, known_citizen, known_administration, other_versions,
            sum(points) OVER () AS total
        FROM (
            SELECT name, sum(found) AS points, sum(lost_c) AS minutes_citizen, sum(lost_a) AS minutes_administration,
                sum(known_c) AS known_citizen, sum(known_a) AS known_administration,
                sumIf(found, judged != {{version:UInt32}}) AS other_versions
            FROM ({found}) GROUP BY name HAVING points > 0)
        ORDER BY points DESC, name LIMIT {MAX_GROUPS}"""
    return Question(sql, {**parameters, "version": version})


def points_by_place(group: str, filters: Filters) -> Question:
    """Points in force per group, and how many of them the rules of case work noticed."""
    column = _allowed(group, POINT_GROUPS)
    select = f"""
        SELECT {column} AS name, rule IN {{case_rules:Array(String)}} AS case_work, sum(sign) AS found
        FROM points $where GROUP BY name, case_work"""
    found, parameters = sums("points", select, filters, monthly=column == "territory")
    sql = f"""
        SELECT name, sum(found) AS points, sumIf(found, case_work) AS case_points
        FROM ({found}) GROUP BY name HAVING points > 0"""
    return Question(sql, {**parameters, "case_rules": sorted(CASE_WORK_RULES)})


def journeys_by(names: Sequence[str], filters: Filters) -> Question:
    """From the rows, since they cannot be added up, per group of these columns: distinct journeys that hold a point in force.

    All journeys with rows, less those whose points were all taken back: of few the signs must be added up. Told apart by 64
    bits: of 10^8 journeys, any two are taken for one with a chance of 1 in 3,000.
    """
    columns = ", ".join(_allowed(name, POINT_GROUPS) for name in names)
    conditions, parameters = _on_rows(filters, rule_column=True)
    of_each = f"{columns}, " if columns else ""
    grouped = f"GROUP BY {columns}" if columns else ""
    taken_back = "journey_key IN (SELECT journey_key FROM points " + where_of([*conditions, "sign < 0"]) + ")"
    sql = f"""
        SELECT {of_each}sum(found) AS journeys
        FROM (
            SELECT {of_each}toInt64(uniqExact(journey_key)) AS found FROM points {where_of(conditions)} {grouped}
            UNION ALL
            SELECT {of_each}-toInt64(count()) AS found
            FROM (SELECT {of_each}journey_key FROM points {where_of([*conditions, taken_back])}
                  GROUP BY {of_each}journey_key HAVING sum(sign) <= 0)
            {grouped})
        {grouped}"""
    return Question(sql, parameters)


def points_in_force(columns: Sequence[str], filters: Filters, *more: str) -> tuple[str, dict[str, Any]]:
    """Statement and values: these columns of the rows of points in force, one row each.

    As the view of this name, which adds up the signs of every point; here only those of journeys of which one was taken back.
    """
    conditions, parameters = _on_rows(filters, rule_column=True)
    conditions += more
    changed = "(SELECT journey_key FROM points " + where_of([*conditions, "sign < 0"]) + ")"
    latest = ", ".join(f"argMaxIf(tuple(p.{name}), p.revision, p.sign = 1).1" for name in columns)
    sql = f"""
        SELECT {", ".join(columns)} FROM points {where_of([*conditions, "sign > 0", f"journey_key NOT IN {changed}"])}
        UNION ALL
        SELECT {latest} FROM points AS p {where_of([*conditions, f"journey_key IN {changed}"])}
        GROUP BY p.time, p.id HAVING sum(p.sign) > 0"""
    return sql, parameters


def events_by(group: str, filters: Filters, types: frozenset[str] | None = None) -> Question:
    """Events per group, most first, with the total over all groups; `types` restricts to these types."""
    column = _allowed(group, EVENT_GROUPS)
    found, parameters = _event_sums(
        f"SELECT {column} AS name, count() AS found FROM events $where GROUP BY name",
        filters, types, monthly=column == "territory",
    )  # fmt: skip
    return Question(
        f"""
        SELECT name, events, sum(events) OVER () AS total
        FROM (SELECT name, sum(found) AS events FROM ({found}) GROUP BY name)
        ORDER BY events DESC, name LIMIT {MAX_GROUPS}""",
        parameters,
    )


def _event_sums(
    select: str,
    filters: Filters,
    types: frozenset[str] | None,
    *,
    monthly: bool = False,
    finest: Finest = "month",
) -> tuple[str, dict[str, Any]]:
    if types is None:
        return sums("events", select, filters, monthly=monthly, finest=finest)
    of_types = "type IN {types:Array(String)}"
    sql, parameters = sums("events", select, filters, of_types, monthly=monthly, finest=finest)
    return sql, {**parameters, "types": sorted(types)}


def activity_over_time(unit: str, filters: Filters) -> Question:
    """Citizen events (definitions, "Event") per stretch of time and channel; `unit` is one of `BINS`."""
    found, parameters = _event_sums(
        f"SELECT {start_of(unit)} AS start_s, channel, count() AS found FROM events $where GROUP BY start_s, channel",
        filters, CITIZEN_TYPES, finest=finest_of(unit),
    )  # fmt: skip
    return Question(
        f"""
        SELECT start_s, channel, sum(found) AS events FROM ({found})
        GROUP BY start_s, channel ORDER BY start_s, channel""",
        parameters,
    )


def points_over_time(unit: str, filters: Filters) -> Question:
    """Points in force per stretch of time, stretches without any left out; `unit` is one of `BINS`."""
    select = f"SELECT {start_of(unit)} AS start_s, sum(sign) AS found FROM points $where GROUP BY start_s"
    found, parameters = sums("points", select, filters, finest=finest_of(unit))
    return Question(
        f"""
        SELECT start_s, sum(found) AS points FROM ({found}) GROUP BY start_s HAVING points > 0 ORDER BY start_s""",
        parameters,
    )


def received(filters: Filters) -> Question:
    """What arrived, per service, channel, type and level of rating (0: not rated): events, which fields any of them carries
    (`FIELD_BITS`), and the sums of the ratings and of their squares.

    The filter `rule` is left out: it restricts points, not what could be observed.
    """
    select = """
        SELECT service, channel, type, rating_level, count() AS found, groupBitOr(carried) AS carried_by, sum(rating) AS given,
            sum(rating * rating) AS products
        FROM events $where GROUP BY service, channel, type, rating_level"""
    found, parameters = sums("events", select, filters.without_rule())
    sql = f"""
        SELECT service, channel, type, rating_level, sum(found) AS events, groupBitOr(carried_by) AS carried, sum(given) AS ratings,
            sum(products) AS squares
        FROM ({found}) GROUP BY service, channel, type, rating_level"""
    return Question(sql, parameters)


def points_page(
    filters: Filters, before: tuple[int, str] | None, limit: int, newest_rows: int | None = None
) -> Question:
    """Points in force, newest first, that stand after the position `before` (time and id) in that order.

    Their keys are found first, and the content is put together for these alone. With `newest_rows` only so many rows of
    the table are looked at, from the newest on: enough for a page unless most of them were taken back.
    """
    conditions, parameters = _restrict(filters, "time", rule_column=True)
    if before is not None:
        at = "fromUnixTimestamp64Micro({before_us:Int64}, 'UTC')"
        conditions += [f"time <= {at}", f"(time < {at} OR id < {{before_id:String}})"]
        parameters |= {"before_us": before[0], "before_id": before[1]}
    rows = f"SELECT time FROM points {where_of(conditions)} ORDER BY time DESC LIMIT {{newest_rows:UInt32}}"
    if newest_rows is not None:
        conditions = [*conditions, f"time >= (SELECT min(time) FROM ({rows}))"]
        parameters |= {"newest_rows": newest_rows}
    keys = f"""
        SELECT time, id FROM points {where_of(conditions)}
        GROUP BY time, id HAVING sum(sign) > 0 ORDER BY time DESC, id DESC LIMIT {{limit:UInt32}}"""
    return Question(
        f"""
        SELECT {POINT_COLUMNS} FROM points_in_force WHERE (time, id) IN ({keys})
        ORDER BY time DESC, id DESC LIMIT {{limit:UInt32}}""",
        {**parameters, "limit": limit},
    )


def point_by_id(point: str) -> Question:
    """The point in force of this id."""
    return Question(f"SELECT {POINT_COLUMNS} FROM points_in_force WHERE id = {{id:String}} LIMIT 1", {"id": point})


def events_of_subject(subject: str, service: str, limit: int, *, between_us: tuple[int, int] | None = None) -> Question:
    """Events of one (subject, service) in order; `between_us` is a closed stretch of time."""
    values: dict[str, Any] = {"subject": subject, "service": service, "limit": limit}
    conditions = list(_OF_SUBJECT)
    if between_us is not None:
        conditions += [
            "time >= fromUnixTimestamp64Micro({from_us:Int64}, 'UTC')",
            "time <= fromUnixTimestamp64Micro({to_us:Int64}, 'UTC')",
        ]
        values |= {"from_us": between_us[0], "to_us": between_us[1]}
    sql = f"""
        SELECT {_EVENT_COLUMNS} FROM events {where_of(conditions)}
        ORDER BY events.time, source, id LIMIT {{limit:UInt32}}"""
    return Question(sql, values)


def events_by_identity(subject: str, service: str, identities: Sequence[tuple[str, str]]) -> Question:
    """The events of one (subject, service) whose id and source are among these."""
    conditions = [*_OF_SUBJECT, "id IN {ids:Array(String)}", "source IN {sources:Array(String)}"]
    sql = f"""
        SELECT {_EVENT_COLUMNS} FROM events {where_of(conditions)}
        ORDER BY events.time, source, id LIMIT {MAX_JOURNEY_EVENTS}"""
    ids = sorted({each for _, each in identities})
    sources = sorted({source for source, _ in identities})
    return Question(sql, {"subject": subject, "service": service, "ids": ids, "sources": sources})


def history(filters: Filters) -> Question:
    """Per calendar month that has events, whatever the period of the filters: its first and last hour, all events and
    those of citizens (definitions, "Event").
    """
    select = """
        SELECT toStartOfMonth($moment) AS month, type IN {citizen_types:Array(String)} AS citizen, $earliest AS first,
            $latest AS last, count() AS found
        FROM events $where GROUP BY month, citizen"""
    found, parameters = sums("events", select, filters.on(None, None))
    return Question(
        f"""
        SELECT toUnixTimestamp(toDateTime(month, 'UTC')) AS month_s, toUnixTimestamp(toStartOfHour(min(first))) AS first_s,
            toUnixTimestamp(toStartOfHour(max(last))) AS last_s, sum(found) AS events,
            sumIf(found, citizen) AS citizen_events
        FROM ({found}) GROUP BY month_s ORDER BY month_s""",
        {**parameters, "citizen_types": sorted(CITIZEN_TYPES)},
    )


def extent() -> Question:
    """The hours of the first and the latest event, and the number of events."""
    sql = """
        SELECT toUnixTimestamp(toStartOfHour(min(time))) AS first_s, toUnixTimestamp(toStartOfHour(max(time))) AS last_s,
            count()
        FROM events"""
    return Question(from_sums(sql, "events", "names_of_events"), {})


def choices() -> Question:
    """Names of services, channels and territories that occur."""
    groups = ", ".join(f"groupUniqArray({MAX_CHOICES})({name})" for name in ("service", "channel", "territory"))
    names = from_sums("SELECT service, channel, territory FROM events", "events", "names_of_events")
    return Question(f"SELECT {groups} FROM ({names})", {})


def rejects_by(group: str, filters: Filters) -> Question:
    """Refused events per group, most first; of the filters, source, service and period may be set."""
    column = _allowed(group, REJECT_GROUPS)
    conditions, parameters = _restrict(filters, "time", rule_column=True)
    return Question(
        f"""
        SELECT name, events, sum(events) OVER () AS total
        FROM (SELECT {column} AS name, count() AS events FROM rejects {where_of(conditions)} GROUP BY {column})
        ORDER BY events DESC, name LIMIT {MAX_GROUPS}""",
        parameters,
    )


def positions() -> Question:
    """How far each stream is loaded: the latest row of each partition."""
    return Question(
        """
        SELECT stream, partition, argMax(log_id, at) AS log_id, argMax(next_offset, at) AS next_offset,
            toUnixTimestamp64Micro(max(at)) AS at_us
        FROM positions GROUP BY stream, partition ORDER BY stream, partition""",
        {},
    )


def alive() -> Question:
    """A question that reaches the tables and costs nothing."""
    return Question("SELECT count() FROM positions", {})
