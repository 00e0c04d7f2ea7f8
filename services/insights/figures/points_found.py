"""Points in force by rule and service, and the journeys they touch: two questions that many figures of a page share.

A journey is of one service, so journeys of services can be added up; those of rules cannot.
"""

# ruff: noqa: S608 - what is put into these statements are conditions of named filters; values are bound
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from services.insights.conditions import days_within, restrict, where_of
from services.insights.figures import placed
from services.insights.filters import Filters
from services.insights.ports import Store
from services.insights.queries import CASE_WORK_RULES, Question
from services.insights.sums import sums
from shared.detection.settings import RULES

_BITS: Final = 32
"""Bits of a journey's number that say which rules touch it; above them stands the place of its service."""
_ANY: Final = 1 << (_BITS - 1)


class Found(Struct, frozen=True):
    """Points in force of one group. `minutes_*` add up what is known, of `known_*` points; `None` where nothing ever was.

    `by_version`: points by the version of the rules that judged them.
    """

    points: int
    minutes_citizen: float | None
    minutes_administration: float | None
    known_citizen: int
    known_administration: int
    by_version: Mapping[int, int]

    def of_other_versions(self, version: int) -> int:
        """Points that another version judged."""
        return self.points - self.by_version.get(version, 0)


class Touched(Struct, frozen=True):
    """Distinct journeys with a point in force, by rule and service."""

    of_each: Mapping[tuple[str, str], int]
    of_service: Mapping[str, int]

    @property
    def in_all(self) -> int:
        """Of any rule and service."""
        return sum(self.of_service.values())

    def of_rule(self, rule: str) -> int:
        """Of any service."""
        return sum(found for (each, _), found in self.of_each.items() if each == rule)


def points_found_question(filters: Filters) -> Question:
    """Per rule, service and version of the rules: points in force, and minutes with how many points' are known."""
    select = """
        SELECT rule, service, version, sum(sign) AS found, sumIf(sign, isNotNull(minutes_citizen)) AS known_c,
            sum(sign * minutes_citizen) AS lost_c, sumIf(sign, isNotNull(minutes_administration)) AS known_a,
            sum(sign * minutes_administration) AS lost_a
        FROM points $where GROUP BY rule, service, version"""
    found, parameters = sums("points", select, filters)
    sql = f"""
        SELECT rule, service, version, sum(found) AS points, sum(lost_c) AS minutes_citizen, sum(lost_a) AS minutes_administration,
            sum(known_c) AS known_citizen, sum(known_a) AS known_administration
        FROM ({found}) GROUP BY rule, service, version"""
    return Question(sql, parameters)


def points_found(store: Store, filters: Filters, key: Callable[[str, str], Hashable | None]) -> dict[Any, Found]:
    """By what `key` gives for a rule and service (`None` leaves out); groups without points in force are left out."""
    question = points_found_question(filters)
    groups: dict[Hashable, list[Sequence[Any]]] = {}
    for rule, service, *rest in store.query(question.sql, question.parameters).rows:
        name = key(rule, service)
        if name is not None:
            groups.setdefault(name, []).append(rest)
    found = {name: _together(rows) for name, rows in groups.items()}
    return {name: each for name, each in found.items() if each.points > 0}


def _together(rows: Sequence[Sequence[Any]]) -> Found:
    versions: dict[int, int] = {}
    for version, points, *_ in rows:
        versions[int(version)] = versions.get(int(version), 0) + int(points)
    return Found(
        points=sum(versions.values()),
        minutes_citizen=_added(row[2] for row in rows),
        minutes_administration=_added(row[3] for row in rows),
        known_citizen=sum(int(row[4]) for row in rows),
        known_administration=sum(int(row[5]) for row in rows),
        by_version=versions,
    )


def _added(minutes: Iterable[float | None]) -> float | None:
    known = [each for each in minutes if each is not None]
    return sum(known) if known else None


def contact_points(store: Store, filters: Filters) -> int:
    """Points in force that do not stem from work on cases."""
    found = points_found(store, filters, lambda rule, _: None if rule in CASE_WORK_RULES else "")
    return found[""].points if found else 0


def journeys_touched(store: Store, filters: Filters) -> Touched:
    """Distinct journeys with a point in force under the filters, all rules and services from one pass over the rows.

    Where only days, service and rule are asked for: from which points are the first of their journeys there, as they are placed.
    """
    if filters.on_full_days() and filters.channel is filters.territory is filters.source is None:
        return _touched_as_placed(store, filters)
    services = sorted(points_found(store, filters, lambda _, service: service))
    if not services:
        return Touched({}, {})
    question = touched_question(filters, services)
    of_each, of_service = {}, {}
    for place, bit, journeys in store.query(question.sql, question.parameters).rows:
        if place == 0:
            continue  # A service whose first points were loaded a moment ago.
        if bit == _BITS - 1:
            of_service[services[place - 1]] = int(journeys)
        elif bit < len(RULES):
            of_each[RULES[bit], services[place - 1]] = int(journeys)
    return Touched(of_each, of_service)


def _touched_as_placed(store: Store, filters: Filters) -> Touched:
    question = placed.touched_question(filters)
    of_each, of_service = {}, Counter[str]()
    for rule, service, of_rule, of_any in store.query(question.sql, question.parameters).rows:
        if int(of_rule) > 0:
            of_service[service] += int(of_any if filters.rule is None else of_rule)
            if rule in RULES:
                of_each[rule, service] = int(of_rule)
    return Touched(of_each, of_service)


def touched_question(filters: Filters, services: Sequence[str]) -> Question:
    """Per service (its place in `services`, from 1) and rule (its place in `RULES`; `_BITS` - 1: any): distinct journeys.

    A journey's number holds a bit for each rule that has a point in force there. Where a point of a journey was taken back, the
    signs are added up first. Journeys are told apart by 64 bits: of 10^8, any two are taken for one with a chance of 1 in 3,000.
    """
    conditions, parameters = restrict(filters, rule_column=True)
    period, days = days_within(filters)
    conditions += period
    changed = "(SELECT journey_key FROM points " + where_of([*conditions, "sign < 0"]) + ")"
    number = (
        f"transform(rule, {{rules:Array(String)}}, {{bits:Array(UInt64)}}, toUInt64({_ANY}))"
        " + transform(service, {services:Array(String)}, {places:Array(UInt64)}, toUInt64(0))"
    )
    sql = f"""
        SELECT bitShiftRight(number, {_BITS}) AS place, arrayJoin(bitPositionsToArray(toUInt32(bitAnd(number, {2 * _ANY - 1})))) AS bit,
            sum(found) AS journeys
        FROM (
            SELECT number, count() AS found
            FROM (
                SELECT groupBitOr(number) AS number
                FROM (SELECT journey_key, {number} AS number
                      FROM points {where_of([*conditions, f"journey_key NOT IN {changed}"])})
                GROUP BY journey_key)
            GROUP BY number
            UNION ALL
            SELECT number, count() AS found
            FROM (
                SELECT groupBitOr(number) AS number
                FROM (SELECT journey_key, {number} AS number
                      FROM points {where_of([*conditions, f"journey_key IN {changed}"])}
                      GROUP BY journey_key, number HAVING sum(sign) > 0)
                GROUP BY journey_key)
            GROUP BY number)
        GROUP BY place, bit"""
    return Question(
        sql,
        {
            **parameters,
            **days,
            "rules": list(RULES),
            "bits": [_ANY | 1 << bit for bit in range(len(RULES))],
            "services": list(services),
            "places": [place << _BITS for place in range(1, len(services) + 1)],
        },
    )
