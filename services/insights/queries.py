"""Every question insights asks of ClickHouse, by name.

Identifiers come from the tables below only; values are bound. A question is SQL and its parameters; `figures` and
`points` ask it and give the answer its shape.
"""

# ruff: noqa: S608 - what is put into these statements are names from the tables below and numbers; values are bound
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from services.insights.filters import Filters
from shared.journey.vocabulary import CITIZEN_TYPES

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

POINT_GROUPS: Final = ("rule", "service", "channel", "territory")
EVENT_GROUPS: Final = ("type", "service", "channel", "territory")
REJECT_GROUPS: Final = ("reason", "stage", "gateway")

_EQUAL: Final = ("rule", "service", "channel", "source")
_TERRITORY: Final = "(territory = {territory:String} OR startsWith(territory, {territory_below:String}))"
_ANCHORS: Final = """(source, id) IN (
    SELECT source, anchor FROM points WHERE rule = {rule:String}
    GROUP BY time, points.id, source, anchor HAVING sum(sign) > 0)"""
_HOUR: Final = "toStartOfHour(time)"
_BINS: Final = {
    "hour": _HOUR,
    "day": f"toStartOfDay({_HOUR}, 'UTC')",
    "week": f"toStartOfWeek({_HOUR}, 1, 'UTC')",
    "month": f"toStartOfMonth({_HOUR}, 'UTC')",
    "year": f"toStartOfYear({_HOUR}, 'UTC')",
}
BINS: Final = tuple(_BINS)

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


def _where(conditions: Sequence[str]) -> str:
    return "WHERE " + " AND ".join(conditions) if conditions else ""


def _restrict(filters: Filters, time: str, *, rule_column: bool) -> tuple[list[str], dict[str, Any]]:
    """Conditions and parameters of the filters; on a table without rules, `rule` keeps the events that anchor a point."""
    conditions = []
    parameters: dict[str, Any] = {}
    for name in _EQUAL:
        value = getattr(filters, name)
        if value is not None:
            conditions.append(_ANCHORS if name == "rule" and not rule_column else f"{name} = {{{name}:String}}")
            parameters[name] = value
    if filters.territory is not None:
        conditions.append(_TERRITORY)
        parameters |= {"territory": filters.territory, "territory_below": filters.territory + "/"}
    for name, sign in (("from_us", ">="), ("to_us", "<")):
        value = getattr(filters, name)
        if value is not None:
            conditions.append(f"{time} {sign} fromUnixTimestamp64Micro({{{name}:Int64}}, 'UTC')")
            parameters[name] = value
    return conditions, parameters


def _on_points(filters: Filters, *, hourly: bool = False) -> tuple[list[str], dict[str, Any]]:
    return _restrict(filters, _HOUR if hourly and filters.on_full_hours() else "time", rule_column=True)


def _on_events(filters: Filters) -> tuple[list[str], dict[str, Any]]:
    return _restrict(filters, _HOUR if filters.on_full_hours() else "time", rule_column=False)


def events_where(filters: Filters, *more: str) -> tuple[str, dict[str, Any]]:
    """The WHERE clause on rows of `events` for the filters and further conditions ('' where nothing restricts), and its values."""
    conditions, parameters = _on_events(filters)
    return _where([*conditions, *more]), parameters


def points_where(filters: Filters, *more: str, hourly: bool = False) -> tuple[str, dict[str, Any]]:
    """As `events_where`, on rows of `points`; `hourly` for sums that the aggregate answers."""
    conditions, parameters = _on_points(filters, hourly=hourly)
    return _where([*conditions, *more]), parameters


def _allowed(name: str, names: tuple[str, ...]) -> str:
    if name not in names:
        raise ValueError(name)
    return name


def points_by(group: str, filters: Filters) -> Question:
    """Points in force and minutes per group, most points first, with the total over all groups."""
    column = _allowed(group, POINT_GROUPS)
    conditions, parameters = _on_points(filters, hourly=True)
    return Question(
        f"""
        SELECT name, points, minutes_citizen, minutes_administration, sum(points) OVER () AS total
        FROM (
            SELECT {column} AS name, sum(sign) AS points, sum(sign * minutes_citizen) AS minutes_citizen,
                sum(sign * minutes_administration) AS minutes_administration
            FROM points {_where(conditions)} GROUP BY {column} HAVING points > 0)
        ORDER BY points DESC, name LIMIT {MAX_GROUPS}""",
        parameters,
    )


def points_by_place(group: str, filters: Filters) -> Question:
    """Points in force per group, and how many of them the rules of case work noticed."""
    column = _allowed(group, POINT_GROUPS)
    conditions, parameters = _on_points(filters, hourly=True)
    parameters["case_rules"] = sorted(CASE_WORK_RULES)
    return Question(
        f"""
        SELECT name, sum(found) AS points, sumIf(found, case_work) AS case_points
        FROM (
            SELECT {column} AS name, rule IN {{case_rules:Array(String)}} AS case_work, sum(sign) AS found
            FROM points {_where(conditions)} GROUP BY name, case_work)
        GROUP BY name HAVING points > 0""",
        parameters,
    )


def journeys_by(group: str, filters: Filters, version: int) -> Question:
    """From the rows, since they cannot be added up, per group: distinct journeys that hold a point in force, how many
    points have known minutes, and how many were judged by another version of the rules than `version`.
    """
    column = _allowed(group, POINT_GROUPS)
    conditions, parameters = _on_points(filters)
    return Question(
        f"""
        SELECT name, count() AS journeys, sum(citizen) AS known_citizen, sum(administration) AS known_administration,
            sum(other) AS other_versions
        FROM (SELECT {column} AS name, journey, sumIf(sign, minutes_citizen IS NOT NULL) AS citizen,
                  sumIf(sign, minutes_administration IS NOT NULL) AS administration,
                  sumIf(sign, version != {{version:UInt32}}) AS other
              FROM points {_where(conditions)} GROUP BY name, journey HAVING sum(sign) > 0)
        GROUP BY name ORDER BY journeys DESC LIMIT {MAX_GROUPS}""",
        {**parameters, "version": version},
    )


def journeys_touched(filters: Filters) -> Question:
    """Distinct journeys that hold any point in force."""
    conditions, parameters = _on_points(filters)
    sql = f"SELECT count() FROM (SELECT journey FROM points {_where(conditions)} GROUP BY journey HAVING sum(sign) > 0)"
    return Question(sql, parameters)


def events_by(group: str, filters: Filters, types: frozenset[str] | None = None) -> Question:
    """Events per group, most first, with the total over all groups; `types` restricts to these types."""
    column = _allowed(group, EVENT_GROUPS)
    conditions, parameters = _on_events(filters)
    _restrict_types(types, conditions, parameters)
    return Question(
        f"""
        SELECT name, events, sum(events) OVER () AS total
        FROM (SELECT {column} AS name, count() AS events FROM events {_where(conditions)} GROUP BY {column})
        ORDER BY events DESC, name LIMIT {MAX_GROUPS}""",
        parameters,
    )


def _restrict_types(types: frozenset[str] | None, conditions: list[str], parameters: dict[str, Any]) -> None:
    if types is not None:
        conditions.append("type IN {types:Array(String)}")
        parameters["types"] = sorted(types)


def activity_over_time(unit: str, filters: Filters) -> Question:
    """Citizen events (definitions, "Event") per stretch of time and channel; `unit` is one of `BINS`."""
    conditions, parameters = _on_events(filters)
    _restrict_types(CITIZEN_TYPES, conditions, parameters)
    return Question(
        f"""
        SELECT toUnixTimestamp(toDateTime({_BINS[unit]}, 'UTC')) AS start_s, channel, count() AS events
        FROM events {_where(conditions)} GROUP BY start_s, channel ORDER BY start_s, channel""",
        parameters,
    )


def points_over_time(unit: str, filters: Filters) -> Question:
    """Points in force per stretch of time, stretches without any left out; `unit` is one of `BINS`."""
    where, parameters = points_where(filters, hourly=True)
    return Question(
        f"""
        SELECT toUnixTimestamp(toDateTime({_BINS[unit]}, 'UTC')) AS start_s, sum(sign) AS points
        FROM points {where} GROUP BY start_s HAVING points > 0 ORDER BY start_s""",
        parameters,
    )


def received(filters: Filters, fields: Sequence[str]) -> Question:
    """What arrived, per service, channel and type: events, and for each field (a column of `events`) how many carry it.

    The filter `rule` is left out: it restricts points, not what could be observed.
    """
    conditions, parameters = _on_events(filters.without_rule())
    counts = "".join(f", countIf({_carries(field)}) AS has_{field}" for field in fields)
    return Question(
        f"""
        SELECT service, channel, type, count() AS events{counts}
        FROM events {_where(conditions)} GROUP BY service, channel, type""",
        parameters,
    )


_NUMBERS_AND_TIMES: Final = frozenset({"wait_s", "duration_s", "rating", "due"})
_TEXTS: Final = frozenset(
    {"matter", "channel", "step", "contact", "case", "office", "team", "territory", "reason", "document", "outcome"}
)
OBSERVABLE_FIELDS: Final = _NUMBERS_AND_TIMES | _TEXTS


def _carries(field: str) -> str:
    if field in _NUMBERS_AND_TIMES:
        return f"{field} IS NOT NULL"
    # Answered from the sizes alone: the texts are not read.
    return f"notEmpty(`{_allowed(field, tuple(_TEXTS))}`)"


def points_page(
    filters: Filters, before: tuple[int, str] | None, limit: int, newest_rows: int | None = None
) -> Question:
    """Points in force, newest first, that stand after the position `before` (time and id) in that order.

    Their keys are found first, and the content is put together for these alone. With `newest_rows` only so many rows of
    the table are looked at, from the newest on: enough for a page unless most of them were taken back.
    """
    conditions, parameters = _on_points(filters)
    if before is not None:
        at = "fromUnixTimestamp64Micro({before_us:Int64}, 'UTC')"
        conditions += [f"time <= {at}", f"(time < {at} OR id < {{before_id:String}})"]
        parameters |= {"before_us": before[0], "before_id": before[1]}
    rows = f"SELECT time FROM points {_where(conditions)} ORDER BY time DESC LIMIT {{newest_rows:UInt32}}"
    if newest_rows is not None:
        conditions = [*conditions, f"time >= (SELECT min(time) FROM ({rows}))"]
        parameters |= {"newest_rows": newest_rows}
    keys = f"""
        SELECT time, id FROM points {_where(conditions)}
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
        SELECT {_EVENT_COLUMNS} FROM events {_where(conditions)}
        ORDER BY events.time, source, id LIMIT {{limit:UInt32}}"""
    return Question(sql, values)


def events_by_identity(subject: str, service: str, identities: Sequence[tuple[str, str]]) -> Question:
    """The events of one (subject, service) whose id and source are among these."""
    conditions = [*_OF_SUBJECT, "id IN {ids:Array(String)}", "source IN {sources:Array(String)}"]
    sql = f"""
        SELECT {_EVENT_COLUMNS} FROM events {_where(conditions)}
        ORDER BY events.time, source, id LIMIT {MAX_JOURNEY_EVENTS}"""
    ids = sorted({each for _, each in identities})
    sources = sorted({source for source, _ in identities})
    return Question(sql, {"subject": subject, "service": service, "ids": ids, "sources": sources})


def history(filters: Filters) -> Question:
    """Per calendar month that has events, whatever the period of the filters: its first and last hour, all events and
    those of citizens (definitions, "Event").
    """
    conditions, parameters = _on_events(filters.on(None, None))
    parameters["citizen_types"] = sorted(CITIZEN_TYPES)
    return Question(
        f"""
        SELECT toUnixTimestamp(toDateTime(toStartOfMonth(hour, 'UTC'), 'UTC')) AS month_s,
            toUnixTimestamp(min(hour)) AS first_s, toUnixTimestamp(max(hour)) AS last_s,
            sum(found) AS events, sumIf(found, citizen) AS citizen_events
        FROM (
            SELECT {_HOUR} AS hour, type IN {{citizen_types:Array(String)}} AS citizen, count() AS found
            FROM events {_where(conditions)} GROUP BY hour, citizen)
        GROUP BY month_s ORDER BY month_s""",
        parameters,
    )


def extent() -> Question:
    """The hours of the first and the latest event, and the number of events."""
    sql = (
        f"SELECT toUnixTimestamp(min({_HOUR})) AS first_s, toUnixTimestamp(max({_HOUR})) AS last_s, count() FROM events"
    )
    return Question(sql, {})


def choices() -> Question:
    """Names of services, channels and territories that occur."""
    groups = ", ".join(f"groupUniqArray({MAX_CHOICES})({name})" for name in ("service", "channel", "territory"))
    names = "SELECT service, channel, territory FROM events GROUP BY service, channel, territory"
    return Question(f"SELECT {groups} FROM ({names})", {})


def rejects_by(group: str, filters: Filters) -> Question:
    """Refused events per group, most first; of the filters, source, service and period may be set."""
    column = _allowed(group, REJECT_GROUPS)
    conditions, parameters = _restrict(filters, "time", rule_column=True)
    return Question(
        f"""
        SELECT name, events, sum(events) OVER () AS total
        FROM (SELECT {column} AS name, count() AS events FROM rejects {_where(conditions)} GROUP BY {column})
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
