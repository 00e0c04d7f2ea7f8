"""Which journeys a figure counts, said once for maps, flows, funnels and comparisons; and the service they look at.

A journey belongs to the period in which it began. Times, names and rules are bound values.
"""

from typing import Any, Final

from msgspec import structs

from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.ports import Store
from services.insights.queries import Question

SOURCE_IGNORED: Final = N_("Journeys join events of several sources: the filter “source” does not apply here.")

_BEGAN: Final = (("from_us", ">="), ("to_us", "<"))
_TERRITORY: Final = "(territory = {territory:String} OR startsWith(territory, {territory_below:String}))"


def with_point_sql(parameter: str) -> str:
    """The condition on rows of `journeys` that they hold a point in force of the rule that this parameter names."""
    return f"""journey_key IN (
    SELECT journey_key FROM points WHERE rule = {{{parameter}:String}} GROUP BY journey_key HAVING sum(sign) > 0)"""  # noqa: S608


def restrict_journeys(filters: Filters) -> tuple[list[str], dict[str, Any]]:
    """Conditions on rows of `journeys FINAL`, and their bound values (definitions of the journey pages).

    Period: the journey began in it; service: its own; territory: the first that an event names, or below it; channel: an
    event came by it; rule: it holds a point in force. `source` does not apply (`journey_notes`).
    """
    conditions: list[str] = []
    parameters: dict[str, Any] = {}
    if filters.service is not None:
        conditions.append("service = {service:String}")
        parameters["service"] = filters.service
    for name, sign in _BEGAN:
        value = getattr(filters, name)
        if value is not None:
            conditions.append(f"started {sign} fromUnixTimestamp64Micro({{{name}:Int64}}, 'UTC')")
            parameters[name] = value
    if filters.territory is not None:
        conditions.append(_TERRITORY)
        parameters |= {"territory": filters.territory, "territory_below": filters.territory + "/"}
    if filters.channel is not None:
        conditions.append("has(distinct_channels, {channel:String})")
        parameters["channel"] = filters.channel
    if filters.rule is not None:
        conditions.append(with_point_sql("rule"))
        parameters["rule"] = filters.rule
    return conditions, parameters


def journeys_where(filters: Filters, *more: str) -> tuple[str, dict[str, Any]]:
    """The WHERE clause of `restrict_journeys` and further conditions ('' where nothing restricts), and its values."""
    conditions, parameters = restrict_journeys(filters)
    joined = " AND ".join([*conditions, *more])
    return (f"WHERE {joined}" if joined else ""), parameters


def journey_notes(filters: Filters) -> tuple[str, ...]:
    """What to say of filters that journeys cannot take."""
    return () if filters.source is None else (SOURCE_IGNORED,)


def journeys_by_service(filters: Filters) -> Question:
    """Journeys begun per service under the filters, most first."""
    where, parameters = journeys_where(filters)
    sql = f"SELECT service, count() AS journeys FROM journeys FINAL {where} GROUP BY service ORDER BY journeys DESC, service"  # noqa: S608
    return Question(sql, parameters)


def busiest_service(store: Store, filters: Filters) -> str | None:
    """The service with most journeys begun under the filters (by name where equal); `None` where there are none."""
    question = journeys_by_service(structs.replace(filters, service=None))
    rows = store.query(question.sql, question.parameters).rows
    return str(rows[0][0]) if rows else None


def of_one_service(store: Store, filters: Filters) -> Filters:
    """The filters for one service: the one asked for, else the busiest; unchanged where there are no journeys."""
    if filters.service is not None:
        return filters
    return structs.replace(filters, service=busiest_service(store, filters))
