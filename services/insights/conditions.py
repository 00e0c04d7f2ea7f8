"""The filters as conditions on rows of `events` and `points`; values are bound."""

from collections.abc import Sequence
from typing import Any, Final

from services.insights.filters import Filters
from shared.journey.instants import DAY_US

_LAST_DAY: Final = 65_535
"""The range of ClickHouse's Date, in days since 1970; events lie well within."""

_EQUAL: Final = ("rule", "service", "channel", "source")
_TERRITORY: Final = "(territory = {territory:String} OR startsWith(territory, {territory_below:String}))"
_ANCHORS: Final = """(source, id) IN (
    SELECT source, anchor FROM points WHERE rule = {rule:String}
    GROUP BY time, points.id, source, anchor HAVING sum(sign) > 0)"""
_EDGES: Final = (("from_us", ">="), ("to_us", "<"))


def where_of(conditions: Sequence[str]) -> str:
    """The WHERE clause; '' where nothing restricts."""
    return "WHERE " + " AND ".join(conditions) if conditions else ""


def restrict(filters: Filters, *, rule_column: bool) -> tuple[list[str], dict[str, Any]]:
    """Conditions of all filters but the period, and the values of all.

    On a table without rules, `rule` keeps the events that anchor a point.
    """
    conditions = []
    parameters: dict[str, Any] = {
        name: getattr(filters, name) for name, _ in _EDGES if getattr(filters, name) is not None
    }
    for name in _EQUAL:
        value = getattr(filters, name)
        if value is not None:
            conditions.append(_ANCHORS if name == "rule" and not rule_column else f"{name} = {{{name}:String}}")
            parameters[name] = value
    if filters.territory is not None:
        conditions.append(_TERRITORY)
        parameters |= {"territory": filters.territory, "territory_below": filters.territory + "/"}
    return conditions, parameters


def within(filters: Filters, time: str) -> list[str]:
    """The conditions of the period on this expression of the time."""
    return [
        f"{time} {sign} fromUnixTimestamp64Micro({{{name}:Int64}}, 'UTC')"
        for name, sign in _EDGES
        if getattr(filters, name) is not None
    ]


def days_within(filters: Filters, of: str = "day") -> tuple[list[str], dict[str, Any]]:
    """The conditions of the period on rows of a table that has a column `day` (or on another expression `of` the day), and values
    that `restrict` does not give: by their day, where days say it.
    """
    if not filters.on_full_days():
        return within(filters, "time"), {}
    edges = {name: getattr(filters, name) for name, _ in _EDGES if getattr(filters, name) is not None}
    conditions = [f"{of} {sign} toDate({{{name}_day:UInt16}})" for name, sign in _EDGES if name in edges]
    return conditions, {f"{name}_day": day_number(at) for name, at in edges.items()}


def day_number(at_us: int) -> int:
    """The day of an instant, from 1970. Days beyond the range of a Date would wrap around: they are cut to it."""
    return min(max(at_us // DAY_US, 0), _LAST_DAY)
