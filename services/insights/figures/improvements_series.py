"""The daily series of a repair: points and contacts of those it reached, and of those it did not."""

# ruff: noqa: S608 - what is put into these statements are names from tables of names and numbers; values are bound
from typing import Any, Final

from msgspec import Struct

from services.insights.effect.protocol import READINGS_WEEKS, WEEK, WEEKS_BEFORE, Series, Study
from services.insights.figures.improvements_scope import Scope, labels
from services.insights.figures.summaries import Extent, answer
from services.insights.ports import Store
from services.insights.queries import Question
from shared.journey.instants import DAY_US
from shared.journey.vocabulary import CITIZEN_TYPES, EVENT_TYPES
from shared.store.stored_sums import DAY, HOUR, Table, smallest

_CASE_TYPES: Final = tuple(sorted(kind for kind in EVENT_TYPES if kind.startswith("case.")))


class Minutes(Struct, frozen=True, kw_only=True):
    """Points of the repaired in the study, and the minutes of those whose minutes are known."""

    points: int
    known_citizen: int
    known_administration: int
    citizen: float | None
    administration: float | None
    versions: int
    """By how many versions of the rules they were judged."""


def days_of(scope: Scope, extent: Extent | None, now_us: int) -> tuple[int, int]:
    """The first day of a study and the day after its last: days that are over, and not beyond the data or the watch."""
    first = scope.first_start - WEEK * WEEKS_BEFORE
    last_day = -(-extent.end_us // DAY_US) if extent else 0
    end = min(now_us // DAY_US, last_day, scope.last_start + WEEK * READINGS_WEEKS[-1])
    return first, max(end, first)


def contacts_by_day(scope: Scope, first: int, end: int) -> Question:
    """What the points are counted against, per day and group: citizens' events, or those of cases."""
    types = _CASE_TYPES if scope.of_case_work else tuple(sorted(CITIZEN_TYPES))
    return _by_day(scope, first, end, "events", "count()", "type IN {types:Array(String)}", {"types": list(types)})


def points_by_day(scope: Scope, first: int, end: int) -> Question:
    """Points in force per day and group."""
    return _by_day(
        scope, first, end, "points", "sum(sign)", "rule IN {rules:Array(String)}", {"rules": list(scope.rules)}
    )


def _by_day(
    scope: Scope, first: int, end: int, table: Table, count: str, condition: str, values: dict[str, Any]
) -> Question:
    label, parameters = labels(scope)
    places = [name for name in ("territory", "office") if name in label]
    names = ", ".join(["service", *places])
    # Of events, the sums by day know no places; those by hour know territories.
    moment = HOUR if places and table == "events" else DAY
    where = _conditions(scope, condition, moment=moment)
    select = f"SELECT {moment} AS moment, {names}, {count} AS found FROM {table} WHERE {where} GROUP BY moment, {names}"
    return Question(
        f"""
        SELECT day, label, sum(found) AS found
        FROM (
            SELECT toInt32(intDiv(toUnixTimestamp(toDateTime(moment, 'UTC')), 86400)) AS day, {label} AS label, found
            FROM ({smallest(select, table, moment) or select}))
        WHERE label >= 0 GROUP BY day, label""",
        {**parameters, **values, **_period(scope, first, end)},
    )


def _conditions(scope: Scope, *more: str, moment: str = HOUR) -> str:
    edges = {
        DAY: ("toDate({first_day:UInt16})", "toDate({end_day:UInt16})"),
        HOUR: ("fromUnixTimestamp64Micro({from_us:Int64}, 'UTC')", "fromUnixTimestamp64Micro({to_us:Int64}, 'UTC')"),
    }[moment]
    within = (f"{moment} >= {edges[0]}", f"{moment} < {edges[1]}")
    of_services = (
        ("service IN {services:Array(String)}",) if scope.services and scope.compared != "other_services" else ()
    )
    return " AND ".join((*within, *of_services, *more))


def _period(scope: Scope, first: int, end: int) -> dict[str, Any]:
    services = {"services": list(scope.services)} if scope.services else {}
    return {"from_us": first * DAY_US, "to_us": end * DAY_US, "first_day": first, "end_day": end, **services}


def minutes_of_points(scope: Scope, first: int, end: int) -> Question:
    """Minutes lost by the points of the repaired, and of how many points they are known."""
    label, parameters = labels(scope)
    return Question(
        f"""
        SELECT sum(sign) AS points, sumIf(sign, minutes_citizen IS NOT NULL) AS known_citizen,
            sumIf(sign, minutes_administration IS NOT NULL) AS known_administration,
            sum(sign * minutes_citizen) AS citizen, sum(sign * minutes_administration) AS administration,
            uniqExactIf(version, sign > 0) AS versions
        FROM points
        WHERE {_conditions(scope, "rule IN {rules:Array(String)}", f"{label} BETWEEN 0 AND {len(scope.groups) - 1}")}""",
        {**parameters, "rules": list(scope.rules), **_period(scope, first, end)},
    )


def read_study(store: Store, scope: Scope, first: int, end: int) -> Study:
    """The series of a repair over `[first, end)`; starts of which nothing was received are left out, unless all are."""
    length = end - first
    counts = [[[0] * length, [0] * length] for _ in range(len(scope.groups) + 1)]
    if length:
        for place, question in enumerate((points_by_day(scope, first, end), contacts_by_day(scope, first, end))):
            for row in answer(store, question):
                counts[int(row["label"])][place][int(row["day"]) - first] = int(row["found"])
    series = [
        Series(
            name=str(number),
            start=scope.groups[number].start if number < len(scope.groups) else None,
            points=tuple(points),
            contacts=tuple(contacts),
        )
        for number, (points, contacts) in enumerate(counts)
    ]
    treated = [each for each in series[:-1] if any(each.contacts)] or series[:1]
    return Study(first_day=first, series=(*treated, *(series[-1:] if scope.compared != "none" else ())))


def read_minutes(store: Store, scope: Scope, first: int, end: int) -> Minutes:
    """The minutes of the points of the repaired over `[first, end)`."""
    row = answer(store, minutes_of_points(scope, first, end))[0]
    return Minutes(
        points=int(row["points"]),
        known_citizen=int(row["known_citizen"]),
        known_administration=int(row["known_administration"]),
        citizen=row["citizen"],
        administration=row["administration"],
        versions=int(row["versions"]),
    )
