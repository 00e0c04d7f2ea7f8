"""Conditions on rows of `placed_points`, points where they stand in their journeys (migration 0016), and the journeys they touch."""

# ruff: noqa: S608 - what is put into these statements are conditions of named filters; values are bound
from typing import Any, Final

from services.insights.conditions import day_number, days_within, restrict, where_of, within
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.ports import Store
from services.insights.queries import Question
from shared.journey.instants import from_us
from shared.store.assembled import WAITING, read_freshness
from shared.store.stored_sums import from_sums

NOT_PLACED_YET: Final = N_(
    "Not every point that has arrived is placed in its journey yet: these figures may still change. The state of the data says how far it is."
)
_ASSEMBLED_WITHIN_S: Final = 120.0
"""What has waited longer is told of."""

_OF_DAYS: Final = ("day", "first_of_rule_from", "first_of_any_from")
_TERRITORY: Final = (
    "(journey_territory = {territory:String} OR startsWith(journey_territory, {territory_below:String}))"
)


def assembled_late(store: Store) -> bool:
    """Whether something waits for the assembler for long, or was never all assembled."""
    freshness = read_freshness(store.query(WAITING, {}).rows[0])
    return not freshness.through_us or freshness.behind_s > _ASSEMBLED_WITHIN_S


def placed_notes(store: Store) -> tuple[str, ...]:
    """What to say while points wait to be placed."""
    return (NOT_PLACED_YET,) if assembled_late(store) else ()


def rows_within(filters: Filters) -> tuple[list[str], dict[str, Any]]:
    """The conditions of the filters on the points themselves, and the bound values."""
    conditions, parameters = restrict(filters, rule_column=True)
    period, days = days_within(filters)
    return [*conditions, *period], {**parameters, **days}


def of_journeys(filters: Filters) -> tuple[list[str], dict[str, Any]]:
    """Points of the journeys that `restrict_journeys` chooses, of the rule, and none before the period; and the bound values."""
    conditions, parameters = ["in_journey"], {}
    for name in ("service", "rule"):
        if getattr(filters, name) is not None:
            conditions.append(f"{name} = {{{name}:String}}")
            parameters[name] = getattr(filters, name)
    if filters.territory is not None:
        conditions.append(_TERRITORY)
        parameters |= {"territory": filters.territory, "territory_below": filters.territory + "/"}
    if filters.channel is not None:
        conditions.append("has(journey_channels, {channel:String})")
        parameters["channel"] = filters.channel
    period, edges = _begun_within(filters)
    points, days = days_within(filters.on(filters.from_us, None))
    return [*conditions, *period, *points], {**parameters, **edges, **days}


def _begun_within(filters: Filters) -> tuple[list[str], dict[str, int]]:
    """The conditions of the period on the start of the journey: by its day, where days say it."""
    edges = {"from_us": filters.from_us, "to_us": filters.to_us}
    known = {name: at for name, at in edges.items() if at is not None}
    if not filters.on_full_days():
        return within(filters, "started"), known
    signs = {"from_us": ">=", "to_us": "<"}
    conditions = [f"started_day {signs[name]} toDate({{{name}_begun:UInt16}})" for name in known]
    return conditions, {f"{name}_begun": day_number(at) for name, at in known.items()} | known


def touched_question(filters: Filters) -> Question:
    """Per rule and service: distinct journeys with a point in force of the rule (`of_rule`), and those of which the journey's first
    point of any is of the rule (`of_any`), which can be added up over rules. For full days; the filters `channel`, `territory` and
    `source` do not apply.

    Of a journey's points in the period one is its first: before which there is none from the first day on.
    """
    conditions = [f"{name} = {{{name}:String}}" for name in ("service", "rule") if getattr(filters, name) is not None]
    whole = all(edge is None or from_us(edge).day == 1 for edge in (filters.from_us, filters.to_us))
    column, rule, every = ("month", "first_of_rule_month", "first_of_any_month") if whole else _OF_DAYS
    first = 0 if filters.from_us is None else day_number(filters.from_us)
    if filters.from_us is not None:
        conditions.append(f"{column} >= toDate({{first:UInt16}})")
    if filters.to_us is not None:
        conditions.append(f"{column} < toDate({{end:UInt16}})")
    rows = f"""
        SELECT rule, service, {rule} AS of_rule_from, {every} AS of_any_from, sum(sign) AS found
        FROM placed_points {where_of(conditions)} GROUP BY rule, service, of_rule_from, of_any_from"""
    sql = f"""
        SELECT rule, service, sumIf(found, of_rule_from <= toDate({{first:UInt16}})) AS of_rule,
            sumIf(found, of_any_from <= toDate({{first:UInt16}})) AS of_any
        FROM ({from_sums(rows, "placed_points", "monthly_touched") if whole else rows})
        GROUP BY rule, service"""
    end = {} if filters.to_us is None else {"end": day_number(filters.to_us)}
    values = {name: getattr(filters, name) for name in ("service", "rule") if getattr(filters, name) is not None}
    return Question(sql, {**values, "first": first, **end})
