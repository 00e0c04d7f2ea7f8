"""What two groups of journeys are compared by: counts and sums of one group, and the measures that follow from them."""

# ruff: noqa: S608 - what is put into these statements are names and numbers of this module; values are bound
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from services.insights.conditions import days_within, where_of, within
from services.insights.figures import intervals
from services.insights.figures.intervals import Estimate, Interval
from services.insights.figures.journey_completion import completion_sql
from services.insights.figures.journey_filters import journeys_where
from services.insights.figures.suppression import is_few
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.ports import Store
from services.insights.queries import Question

_DAY_S: Final = 86_400
SHARE: Final = "percent"
PER_100: Final = "per 100 journeys"
DAYS: Final = "days"
UNITS: Final = {SHARE: N_("percent"), PER_100: N_("per 100 journeys"), DAYS: N_("days")}

MEASURES: Final = {
    "with_friction": N_("Journeys with a friction point"),
    "points": N_("Friction points"),
    "contacts": N_("Contacts"),
    "minutes": N_("Minutes lost, as far as known"),
    "duration": N_("Duration of half the journeys, at most"),
    "completion": N_("Completed, of those that began a form or a case"),
    "switched": N_("Journeys that change channel"),
}
UNIT_OF: Final = {
    "with_friction": SHARE,
    "points": PER_100,
    "contacts": PER_100,
    "minutes": PER_100,
    "duration": DAYS,
    "completion": SHARE,
    "switched": SHARE,
}
ALL_TOGETHER: Final = intervals.corrected(intervals.CONFIDENCE, len(UNIT_OF))
"""The confidence of one difference at which all of them hold together with 95 percent."""


class Totals(Struct, frozen=True, kw_only=True):
    """One group: journeys, how many of them have what, and sums (with sums of squares) over them.

    knowable: journeys of which it can be told whether they were completed. duration: the median in seconds with its interval;
    duration_sure: with the wider one that holds for all measures together.
    """

    journeys: int
    with_points: int
    points: int
    points_squares: float
    contacts: int
    contacts_squares: float
    with_minutes: int
    minutes: float
    minutes_squares: float
    knowable: int
    completed: int
    with_channel: int
    switched: int
    duration: Estimate | None
    duration_sure: Estimate | None


class Measure(Struct, frozen=True):
    """One measure of one group in its unit; `of` how many journeys; `few`: it would tell of too few of them."""

    estimate: Estimate | None
    of: int
    few: bool = False


def since_sql(filters: Filters) -> str:
    """The condition on `events` that the service and the begin of the period set, whatever the time after it."""
    return " AND ".join(["1", *_of_service(filters), *within(filters.on(filters.from_us, None), "time")])


def _of_service(filters: Filters) -> list[str]:
    return [] if filters.service is None else ["service = {service:String}"]


def totals_of(
    filters: Filters,
    *more: str,
    values: dict[str, Any] | None = None,
    by: str = "''",
    minutes: bool = True,
) -> Question:
    """The fields of `Totals` (without durations) of the journeys under the filters and further conditions.

    A row per value of `by`, an expression over rows of `journeys`, as `name`. A journey's points count whenever they came: all
    that it holds. Without `minutes` these are not looked at, and are 0.
    """
    where, parameters = journeys_where(filters, *more)
    return _totals_question(by, where, filters, {**parameters, **(values or {})}, minutes=minutes)


def totals_of_sides(filters: Filters, sides: Mapping[str, str], values: Mapping[str, Any]) -> Question:
    """The same of several groups of journeys in one reading, as `name` their names in `sides`.

    sides: by name the condition on rows of `journeys`; a journey may stand in several groups, and these have the service and
    the begin of the period of the filters in common. values: those of all conditions.
    """
    service = structs.replace(filters, from_us=None, to_us=None, territory=None, channel=None, rule=None)
    where, parameters = journeys_where(service, f"({' OR '.join(f'({each})' for each in sides.values())})")
    if filters.from_us is not None:
        parameters["from_us"] = filters.from_us
    names = ", ".join(f"if({condition}, '{name}', '')" for name, condition in sides.items())
    by = f"arrayJoin(arrayFilter(side -> side != '', [{names}]))"
    return _totals_question(by, where, filters, {**parameters, **values})


_LOST: Final = """sumOrNull(sign * minutes_citizen) AS citizen, sumOrNull(sign * minutes_administration) AS administration,
                if(citizen IS NULL AND administration IS NULL, NULL, ifNull(citizen, 0) + ifNull(administration, 0))"""
"""The minutes known of a journey's points; `NULL` where none are."""


def _totals_question(
    by: str, where: str, filters: Filters, parameters: Mapping[str, Any], *, minutes: bool = True
) -> Question:
    since, days = days_within(filters.on(filters.from_us, None))
    sql = f"""
        SELECT name, count() AS journeys, countIf(found > 0) AS with_points, sum(found) AS points,
            sum(toFloat64(found) * found) AS points_squares, sum(touches) AS contacts,
            sum(toFloat64(touches) * touches) AS contacts_squares, countIf(lost IS NOT NULL) AS with_minutes,
            sum(ifNull(lost, 0)) AS minutes, sum(ifNull(lost * lost, 0)) AS minutes_squares,
            countIf(begun) AS knowable, countIf(begun AND done) AS completed,
            countIf(ways > 0) AS with_channel, countIf(ways > 1) AS switched
        FROM (
            SELECT {by} AS name, journey_key, contacts AS touches, bitCount(channel_bits) AS ways,
                {completion_sql(since_sql(filters))}
            FROM journeys FINAL {where}) AS all_journeys
        LEFT JOIN (
            SELECT journey_key, sum(sign) AS found, {_LOST if minutes else "CAST(NULL, 'Nullable(Float64)')"} AS lost
            FROM points {where_of([*_of_service(filters), *since])} GROUP BY journey_key HAVING found > 0) AS held
        USING journey_key
        GROUP BY name"""
    return Question(sql, {**parameters, **days})


def durations_of(filters: Filters, ranks: Sequence[int], *more: str, values: dict[str, Any] | None = None) -> Question:
    """One row: the median of the journeys' durations, then the durations at these ranks (from 1), in seconds."""
    where, parameters = journeys_where(filters, *more)
    return Question(
        f"""
        SELECT arrayReduce('quantileExactInclusive(0.5)', lasted) AS median_s,
            arrayMap(rank -> lasted[rank], {{ranks:Array(UInt64)}}) AS at_ranks_s
        FROM (
            SELECT arraySort(groupArray(lasted_us / 1000000)) AS lasted
            FROM journeys FINAL {where})""",
        {**parameters, **(values or {}), "ranks": list(ranks)},
    )


def totals(store: Store, filters: Filters, *more: str, values: dict[str, Any] | None = None) -> Totals:
    """The totals of a group of journeys."""
    found = totals_by(store, filters, "''", *more, values=values).get("", NOTHING)
    return with_durations(store, found, filters, *more, values=values)


def with_durations(
    store: Store, found: Totals, filters: Filters, *more: str, values: dict[str, Any] | None = None
) -> Totals:
    """The totals of a group with its durations."""
    usual, sure = _durations(store, filters, found.journeys, more, values)
    return structs.replace(found, duration=usual, duration_sure=sure)


def totals_by(
    store: Store,
    filters: Filters,
    by: str,
    *more: str,
    values: dict[str, Any] | None = None,
    minutes: bool = True,
) -> dict[str, Totals]:
    """As `totals_of` per value of `by`; what is empty has no entry."""
    return _totals_by_name(store, totals_of(filters, *more, values=values, by=by, minutes=minutes))


def totals_by_side(
    store: Store, filters: Filters, sides: Mapping[str, str], values: Mapping[str, Any]
) -> dict[str, Totals]:
    """As `totals_by`, per group of `totals_of_sides`."""
    return _totals_by_name(store, totals_of_sides(filters, sides, values))


def _totals_by_name(store: Store, question: Question) -> dict[str, Totals]:
    result = store.query(question.sql, question.parameters)
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    return {str(row["name"]): _totals(row) for row in rows}


def _totals(row: dict[str, Any]) -> Totals:
    counts = {name: int(row[name]) for name in _COUNTS}
    sums = {name: float(row[name]) for name in _SUMS}
    values: dict[str, Any] = {**counts, **sums}
    return Totals(**values, duration=None, duration_sure=None)


_COUNTS: Final = (
    "journeys", "with_points", "points", "contacts", "with_minutes", "knowable", "completed", "with_channel", "switched",
)  # fmt: skip
_SUMS: Final = ("points_squares", "contacts_squares", "minutes", "minutes_squares")
NOTHING: Final = _totals(dict.fromkeys((*_COUNTS, *_SUMS), 0))
"""The totals of a group without journeys."""


def _durations(
    store: Store, filters: Filters, journeys: int, more: Sequence[str], values: dict[str, Any] | None
) -> tuple[Estimate | None, Estimate | None]:
    """The median at the usual confidence, and at the one that holds for all measures together."""
    usual = intervals.median_ranks(journeys)
    sure = intervals.median_ranks(journeys, ALL_TOGETHER)
    if usual is None:
        return None, None
    question = durations_of(filters, [*usual, *(sure or usual)], *more, values=values)
    median, at_ranks = store.query(question.sql, question.parameters).rows[0]
    median_s, ends = float(median), [float(each) for each in at_ranks]
    one = Estimate(median_s, Interval(ends[0], ends[1]))
    return one, None if sure is None else Estimate(median_s, Interval(ends[2], ends[3]))


def measure(name: str, found: Totals, minimum: int, *, friction_known: bool = True) -> Measure:
    """One of `MEASURES` of a group. friction_known: whether any rule could be observed; else what friction says is unknown."""
    if name in {"with_friction", "points", "minutes"} and not friction_known:
        return Measure(None, found.journeys)
    if name == "with_friction":
        return _share(found.with_points, found.journeys, minimum)
    if name == "completion":
        # Where no end ever arrives, nothing tells what was completed.
        return _share(found.completed, found.knowable, minimum) if found.completed else Measure(None, found.knowable)
    if name == "switched":
        return _share(found.switched, found.with_channel, minimum)
    if name == "duration":
        return Measure(_scaled(found.duration, 1 / _DAY_S), found.journeys, is_few(found.journeys, minimum))
    return _per_100(name, found, minimum)


def _share(count: int, of: int, minimum: int) -> Measure:
    """Few: also where only few are left out."""
    few = is_few(count, minimum) or is_few(of - count, minimum) or is_few(of, minimum)
    return Measure(_scaled(intervals.share(count, of), 100), of, few)


def _per_100(name: str, found: Totals, minimum: int) -> Measure:
    count, total, squares = sums_of(name, found)
    few = is_few(found.journeys, minimum) or is_few(count, minimum)
    if name == "minutes" and found.points and not found.with_minutes:
        return Measure(None, found.journeys)
    return Measure(_scaled(intervals.mean(found.journeys, total, squares), 100), found.journeys, few)


def sums_of(name: str, found: Totals) -> tuple[int, float, float]:
    """Of a measure that is a mean: how many there were to count, the sum over the journeys, and that of the squares."""
    if name == "points":
        return found.points, found.points, found.points_squares
    if name == "contacts":
        return found.contacts, found.contacts, found.contacts_squares
    return found.with_minutes, found.minutes, found.minutes_squares


def _scaled(found: Estimate | None, factor: float) -> Estimate | None:
    if found is None:
        return None
    return Estimate(found.value * factor, Interval(found.interval.low * factor, found.interval.high * factor))


def difference(name: str, first: Totals, second: Totals, *, all_together: bool = False) -> Estimate | None:
    """First minus second in the measure's unit, with the interval of one difference, or of all of them together.

    `None` where either is not known.
    """
    if name == "duration":
        return _duration_difference(first, second, all_together=all_together)
    confidence = ALL_TOGETHER if all_together else intervals.CONFIDENCE
    if UNIT_OF[name] == SHARE:
        return _scaled(intervals.share_difference(_counted(name, first), _counted(name, second), confidence), 100)
    one, other = sums_of(name, first)[1:], sums_of(name, second)[1:]
    found = intervals.mean_difference((first.journeys, *one), (second.journeys, *other), confidence)
    return _scaled(found, 100)


def _counted(name: str, found: Totals) -> tuple[int, int]:
    if name == "with_friction":
        return found.with_points, found.journeys
    if name == "completion":
        return found.completed, found.knowable
    return found.switched, found.with_channel


def _duration_difference(first: Totals, second: Totals, *, all_together: bool) -> Estimate | None:
    one, other = (first.duration_sure, second.duration_sure) if all_together else (first.duration, second.duration)
    if one is None or other is None:
        return None
    return _scaled(intervals.difference(one, other), 1 / _DAY_S)
