"""Which stored sums answer a question about `events`, `points` or `judged_contacts` (shared/store/stored_sums.py).

Sums by day and by calendar month without the territory, sums by calendar month with it (or with step and office), sums by day
with it (of events: by hour): all but the last grow with the calendar and the number of names alone. Which of them is read is
chosen here, from the filters and from what a question names.
"""

from collections.abc import Callable
from string import Template
from typing import Any, Final, Literal, NamedTuple

from services.insights.conditions import day_number, days_within, restrict, where_of, within
from services.insights.filters import Filters
from shared.journey.instants import DAY_US, from_us, to_us
from shared.store.stored_sums import DAY, HOUR, MONTH, Table, smallest

Finest = Literal["hour", "day", "month"]

_STARTS: Final = {
    "hour": "$moment",
    "day": "toDate($moment)",
    "week": "toStartOfWeek($moment, 1)",
    "month": "toStartOfMonth($moment)",
    "year": "toStartOfYear($moment)",
}
BINS: Final = tuple(_STARTS)

_FINEST: Final[dict[str, Finest]] = {"hour": "hour", "day": "day", "week": "day", "month": "month", "year": "month"}


class _Stretch(NamedTuple):
    """A part of the period: the expressions by which its sums may be divided in time, each with its conditions, the best first;
    and those for rows, where no sums answer.
    """

    sums: tuple[tuple[str, list[str]], ...]
    rows: tuple[str, list[str]]


def sums(
    table: Table, select: str, filters: Filters, *more: str, monthly: bool = False, finest: Finest = "month"
) -> tuple[str, dict[str, Any]]:
    """The SELECT over the period of the filters, as one statement or several joined by UNION ALL, and its values.

    `$where` in `select` stands for the conditions (these and the `more`), `$moment` for the expression of the time: the
    start of an hour, day or month, never coarser than `finest`; `$earliest` and `$latest` for the first and last time (or
    the hour of it) of what is added up. The rows of the parts must be added up, too. `monthly` where the question names the
    territory, the step or the office; the filter `territory` does by itself.
    """
    conditions, parameters = restrict(filters, rule_column=table != "events")
    monthly = monthly or filters.territory is not None
    stretches, edges = _stretches(filters, finest, monthly=monthly)
    parts = [_over(table, each, select, [*conditions, *more]) for each in stretches]
    # After sums of a table that are read by name, ClickHouse takes the table's name in the same statement for them: rows come first.
    parts.sort(key=lambda sql: f"FROM {table}" not in sql)
    return " UNION ALL ".join(parts), parameters | edges | days_within(filters)[1]


def _over(table: Table, stretch: _Stretch, select: str, conditions: list[str]) -> str:
    """The SELECT over one stretch, from the sums that hold what it names; from the rows where none do."""
    for each in stretch.sums:
        of_sums = smallest(_filled(select, each, conditions), table, each[0])
        if of_sums:
            return of_sums
    return _filled(select, stretch.rows, conditions)


def _filled(select: str, stretch: tuple[str, list[str]], conditions: list[str]) -> str:
    """The sums by hour hold no other time than the hour."""
    moment, within_stretch = stretch
    time = HOUR if moment == HOUR else "time"
    return Template(select).substitute(
        moment=moment,
        earliest=f"min({time})",
        latest=f"max({time})",
        where=where_of([*conditions, *within_stretch]),
    )


def start_of(unit: str) -> str:
    """The start of the hour, day, week, month or year (`BINS`) of `$moment`, in UTC as `time` is, in seconds since 1970."""
    return f"toUnixTimestamp(toDateTime({_STARTS[unit]}, 'UTC'))"


def finest_of(unit: str) -> Finest:
    """How finely the time must be told to divide it by these (`BINS`)."""
    return _FINEST[unit]


def _stretches(filters: Filters, finest: Finest, *, monthly: bool) -> tuple[list[_Stretch], dict[str, int]]:
    if finest == "hour":
        return [_by_hour(filters)], {}
    if monthly and finest == "day":
        return [_by_day_or_hour(filters)], {}
    if (
        not monthly
        and finest == "month"
        and all(_on_start_of(edge, MONTH) for edge in (filters.from_us, filters.to_us))
    ):
        return [_over_days(MONTH, filters)], _edges(filters)
    return _whole_and_rest(filters, MONTH if monthly else DAY)


def _whole_and_rest(filters: Filters, moment: str) -> tuple[list[_Stretch], dict[str, int]]:
    """The whole days or calendar months of the period, and the days or hours before and after them."""
    whole = filters.on(
        None if filters.from_us is None else _start_of(filters.from_us, moment, later=True),
        None if filters.to_us is None else _start_of(filters.to_us, moment, later=False),
    )
    if whole.from_us is not None and whole.to_us is not None and whole.from_us >= whole.to_us:
        return [_by_day_or_hour(filters)], {}
    edges = _edges(whole)
    stretches = [_over_days(moment, whole)]
    before, after = whole.from_us != filters.from_us, whole.to_us != filters.to_us
    if before or after:
        stretches.append(_by_day_or_hour(filters, before=before, after=after))
    return stretches, edges


def _day(name: str) -> str:
    return f"toDate({{{name}:UInt16}})"


def _start_of_day(name: str) -> str:
    return f"toDateTime({_day(name)}, 'UTC')"


def _over_days(moment: str, filters: Filters) -> _Stretch:
    of_days = moment, _between(moment, filters)
    return _Stretch((of_days,), of_days)


def _by_day_or_hour(filters: Filters, *, before: bool = False, after: bool = False) -> _Stretch:
    """The period; where asked for, only what lies before or after the whole days or months. Hours where it is not of full days."""
    if not filters.on_full_days():
        return _by_hour(filters, _outside(HOUR, _start_of_day, before=before, after=after))
    days = {of: [*days_within(filters, of)[0], _outside(of, _day, before=before, after=after)] for of in (DAY, "day")}
    hours = [*within(filters, HOUR), _outside(HOUR, _start_of_day, before=before, after=after)]
    return _Stretch(((DAY, days[DAY]), (HOUR, hours)), (HOUR, days["day"]))


def _by_hour(filters: Filters, rest: str = "1") -> _Stretch:
    """The period by hours, or by times where it is not of full hours; of rows, the days where it is of full days."""
    hours = HOUR, [*within(filters, HOUR if filters.on_full_hours() else "time"), rest]
    return _Stretch((hours,), (HOUR, [*days_within(filters)[0], rest]) if filters.on_full_days() else hours)


def _outside(of: str, start: Callable[[str], str], *, before: bool, after: bool) -> str:
    """The condition of what lies before or after the whole days or months."""
    conditions = [f"{of} < {start('first_day')}"] * before + [f"{of} >= {start('end_day')}"] * after
    return f"({' OR '.join(conditions) or 1})"


def _between(moment: str, filters: Filters) -> list[str]:
    """Conditions on days; compared as numbers of days, since instants beyond the range of a Date would wrap around."""
    first = [] if filters.from_us is None else [f"{moment} >= toDate({{first_day:UInt16}})"]
    end = [] if filters.to_us is None else [f"{moment} < toDate({{end_day:UInt16}})"]
    return first + end


def _edges(filters: Filters) -> dict[str, int]:
    edges = {"first_day": filters.from_us, "end_day": filters.to_us}
    return {name: day_number(at) for name, at in edges.items() if at is not None}


def _on_start_of(at_us: int | None, moment: str) -> bool:
    return at_us is None or at_us == _start_of(at_us, moment, later=False)


def _start_of(at_us: int, moment: str, *, later: bool) -> int:
    """The start of the day or calendar month (of UTC) of an instant; with `later` the next one, unless it is a start itself."""
    if moment == DAY:
        return -(-at_us // DAY_US) * DAY_US if later else at_us // DAY_US * DAY_US
    instant = from_us(at_us)
    start = instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if later and start != instant:
        start = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return to_us(start)
