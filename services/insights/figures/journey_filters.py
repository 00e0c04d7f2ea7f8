"""Which journeys a figure counts, said once for maps, flows, funnels and comparisons; and the service they look at.

A journey belongs to the period in which it began. Times, names and rules are bound values.
"""

from typing import Any, Final

from msgspec import structs

from services.insights.conditions import day_number
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.ports import Store
from services.insights.queries import Question
from shared.journey.vocabulary import CHANNELS

SOURCE_IGNORED: Final = N_("Journeys join events of several sources: the filter “source” does not apply here.")

SAMPLED_POINTS: Final = 50_000
"""So many points say enough of how they cluster by journey."""

_KEYS: Final = 1 << 64
_BEGAN: Final = (("from_us", ">=", ">="), ("to_us", "<", "<="))
"""The edges of a period, and how instants and days, and years, compare with them."""
_YEAR: Final = "_partition_value.1"
"""The year in which a row of `journeys` began, without reading it."""
_YEARS: Final = {"from_us": "toYear(toDate({{{}_day:UInt16}}))", "to_us": "toYear(toDate({{{}_day:UInt16}} - 1))"}
_TERRITORY: Final = "(territory = {territory:String} OR startsWith(territory, {territory_below:String}))"


def with_point_sql(parameter: str) -> str:
    """The condition on rows of `journeys` that they hold a point in force of the rule that this parameter names."""
    return f"""journey_key IN (
    SELECT journey_key FROM points WHERE rule = {{{parameter}:String}} GROUP BY journey_key HAVING sum(sign) > 0)"""  # noqa: S608


def part_of_points(points: int, wanted: int = SAMPLED_POINTS) -> tuple[str, ...]:
    """The condition on rows of points, of which there are so many, that about as many as `wanted` are left: those of the journeys
    with the lowest numbers, which are hashes. None where there are no more.
    """
    share = -(-points // wanted)
    return (f"journey_key < {_KEYS // share}",) if share > 1 else ()


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
    began, edges = began_within(filters)
    conditions += began
    parameters |= edges
    if filters.territory is not None:
        conditions.append(_TERRITORY)
        parameters |= {"territory": filters.territory, "territory_below": filters.territory + "/"}
    if filters.channel is not None:
        conditions.append(_came_by(filters.channel))
        parameters["channel"] = filters.channel
    if filters.rule is not None:
        conditions.append(with_point_sql("rule"))
        parameters["rule"] = filters.rule
    return conditions, parameters


def began_within(filters: Filters, prefix: str = "") -> tuple[list[str], dict[str, Any]]:
    """The conditions of the period on rows of `journeys`, its start first, and their values, whose names begin with the `prefix`.

    Whole days are told by the column `day`, of which there is less to read; it says nothing of the years that rows lie in,
    which are told beside it.
    """
    edges = {edge: getattr(filters, edge) for edge, *_ in _BEGAN if getattr(filters, edge) is not None}
    days = filters.on_full_days()
    conditions, years = [], []
    for edge, sign, of_year in _BEGAN:
        if edge not in edges:
            continue
        value = prefix + edge
        if days:
            conditions.append(f"day {sign} toDate({{{value}_day:UInt16}})")
            years.append(f"{_YEAR} {of_year} {_YEARS[edge].format(value)}")
        else:
            conditions.append(f"started {sign} fromUnixTimestamp64Micro({{{value}:Int64}}, 'UTC')")
    of_days = {f"{prefix}{edge}_day": day_number(at) for edge, at in edges.items()} if days else {}
    return conditions + years, {f"{prefix}{edge}": at for edge, at in edges.items()} | of_days


def _came_by(channel: str) -> str:
    """The condition that an event came by this channel, which is bound as `channel`."""
    if channel in CHANNELS:
        return f"bitTest(channel_bits, {CHANNELS.index(channel)})"
    return "has(distinct_channels, {channel:String})"


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
