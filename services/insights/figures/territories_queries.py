"""The questions behind the page of territories."""

# ruff: noqa: S608 - what is put into these statements are names and numbers of this module; values are bound
from typing import Final

from services.insights.figures.compare_measures import since_sql
from services.insights.figures.journey_completion import completion_sql
from services.insights.figures.journey_filters import journeys_where
from services.insights.figures.overview_journeys import ONLINE
from services.insights.filters import Filters
from services.insights.queries import CASE_WORK_RULES, MAX_GROUPS, Question, events_where, points_where
from services.insights.sums import finest_of, start_of, sums
from shared.journey.vocabulary import CITIZEN_TYPES
from shared.store.stored_sums import Table

ASSISTED: Final = "partner"
"""The channel of those who act online for a citizen."""
ALONE: Final = tuple(channel for channel in ONLINE if channel != ASSISTED)
"""Channels on which a citizen acts online without help."""
MAX_BINS: Final = 400
QUARTER: Final = "quarter"
UNITS: Final = ("day", "week", "month", QUARTER, "year")
_START_OF_QUARTER: Final = "toUnixTimestamp(toDateTime(toStartOfQuarter($moment), 'UTC'))"


def journeys_by_territory(filters: Filters) -> Question:
    """Per territory: journeys, those whose first channel is known, those that began there without being online alone, and
    those of which it can be told whether they were completed, and were.
    """
    where, parameters = journeys_where(filters)
    return Question(
        f"""
        SELECT name, count() AS journeys, countIf(entry != '') AS with_entry,
            countIf(entry != '' AND entry NOT IN {{alone:Array(String)}}) AS not_alone,
            countIf(begun) AS knowable, countIf(begun AND done) AS completed
        FROM (
            SELECT territory AS name, entry_channel AS entry, {completion_sql(since_sql(filters))}
            FROM journeys FINAL {where})
        GROUP BY name ORDER BY journeys DESC, name LIMIT {MAX_GROUPS}""",
        {**parameters, "alone": list(ALONE)},
    )


def points_by_territory(filters: Filters) -> Question:
    """Points in force and minutes per territory, and how many of the points stem from case work."""
    select = """
        SELECT territory AS name, rule IN {case_rules:Array(String)} AS case_work, sum(sign) AS found,
            sum(sign * minutes_citizen) AS lost_c, sum(sign * minutes_administration) AS lost_a
        FROM points $where GROUP BY name, case_work"""
    found, parameters = sums("points", select, filters, monthly=True)
    return Question(
        f"""
        SELECT name, sum(found) AS points, sumIf(found, case_work) AS case_points, sum(lost_c) AS minutes_citizen,
            sum(lost_a) AS minutes_administration
        FROM ({found}) GROUP BY name HAVING points > 0""",
        {**parameters, "case_rules": sorted(CASE_WORK_RULES)},
    )


def contacts_over_time(unit: str, filters: Filters) -> Question:
    """Citizen events per stretch of time and territory."""
    return _over_time(
        "events", unit, filters, "count()", "type IN {types:Array(String)}", {"types": sorted(CITIZEN_TYPES)}
    )


def points_over_time(unit: str, filters: Filters) -> Question:
    """Points in force per stretch of time and territory, without those that stem from case work."""
    case_rules = {"case_rules": sorted(CASE_WORK_RULES)}
    return _over_time("points", unit, filters, "sum(sign)", "rule NOT IN {case_rules:Array(String)}", case_rules)


def _over_time(
    of: Table, unit: str, filters: Filters, count: str, condition: str, values: dict[str, list[str]]
) -> Question:
    start = _START_OF_QUARTER if unit == QUARTER else start_of(unit)
    parts, parameters = sums(
        of,
        f"SELECT {start} AS start_s, territory AS name, {count} AS part FROM {of} $where GROUP BY start_s, name",
        filters,
        condition,
        monthly=True,
        finest="month" if unit == QUARTER else finest_of(unit),
    )
    return Question(
        f"SELECT start_s, name, sum(part) AS found FROM ({parts}) GROUP BY start_s, name HAVING found > 0",
        {**parameters, **values},
    )


def contacts_by_office(filters: Filters) -> Question:
    """Citizen events per office."""
    where, parameters = events_where(filters, "type IN {types:Array(String)}")
    return Question(
        f"""
        SELECT office AS name, count() AS events FROM events {where}
        GROUP BY name ORDER BY events DESC, name LIMIT {MAX_GROUPS}""",
        {**parameters, "types": sorted(CITIZEN_TYPES)},
    )


def points_by_office(filters: Filters) -> Question:
    """Points in force and minutes per office, and how many of the points stem from case work."""
    where, parameters = points_where(filters)
    return Question(
        f"""
        SELECT office AS name, sum(sign) AS points, sumIf(sign, rule IN {{case_rules:Array(String)}}) AS case_points,
            sum(sign * minutes_citizen) AS minutes_citizen, sum(sign * minutes_administration) AS minutes_administration
        FROM points {where} GROUP BY name HAVING points > 0 LIMIT {MAX_GROUPS}""",
        {**parameters, "case_rules": sorted(CASE_WORK_RULES)},
    )
