"""What the overview shows beside its key figures, made ready for its template from the figures."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from services.insights.charts.columns import StackedColumns, bar_share, stacked_columns
from services.insights.figures.contacts import CONTACTS_OVER_TIME
from services.insights.figures.figure import Ask, shown
from services.insights.figures.overview_changes import LARGEST_CHANGES
from services.insights.figures.overview_points import FRICTION_BY_RULE, FRICTION_BY_SERVICE, FRICTION_BY_TERRITORY
from services.insights.figures.points_found import journeys_touched
from services.insights.figures.summaries import activity_over_time, friction_summary
from services.insights.figures.table import Table
from services.insights.language import Language
from services.insights.pages.period import Period
from shared.detection.register import DECLARATIONS
from shared.journey.instants import from_us

MAX_SERIES: Final = 5
MAX_PLACES: Final = 10
MAX_CHANGES: Final = 6

_LABELS: Final = {"hour": "Hm", "day": "MMMMd", "week": "MMMMd", "month": "yMMMM", "year": "y"}
_SHORT_LABELS: Final = {"hour": "Hm", "day": "d", "week": "MMMd", "month": "MMM", "year": "y"}

Record = Mapping[str, Any]


class Activity(Struct, frozen=True):
    """What citizens did, by channel over time: the chart, and the names of its columns in full."""

    chart: StackedColumns
    table: Table
    names: list[str]
    busiest: int | None
    """The place of the highest column; `None` where there is nothing, or several are equally high."""
    unit: str
    """What a column stands for: one of `queries.BINS`."""

    def shares(self) -> list[tuple[str, int, float]]:
        """(channel, number, share of all), the largest first."""
        return [(name, number, number / self.chart.total) for name, number in self.chart.series if number]


class RuleRow(Struct, frozen=True):
    """One rule of the ranking: its record, what of it is withheld, minutes of both sides, and its bar in per cent."""

    record: Record
    withheld: frozenset[str]
    minutes: float | None
    bar: float


class Missing(Struct, frozen=True):
    """A rule that cannot be observed, and the event types and fields that it needs."""

    rule: str
    types: list[str]
    fields: list[str]


class Rules(Struct, frozen=True):
    """The rules that noticed something, ranked; those that noticed nothing, cannot be observed, or are off."""

    table: Table
    ranked: list[RuleRow]
    quiet: list[str]
    not_observable: list[Missing]
    off: list[str]
    points: int | None
    """`None`, as `journeys`, where no rule could be observed: unknown, not 0."""
    journeys: int | None
    outdated: bool
    """Whether points of a rule that is off, or judged by another version of the rules, are among these."""


class PlaceRow(Struct, frozen=True):
    """A service or territory: its record, what of it is withheld, and its bar in per cent."""

    record: Record
    withheld: frozenset[str]
    bar: float


class Places(Struct, frozen=True):
    """The busiest places; the table holds all."""

    table: Table
    listed: list[PlaceRow]
    others: int


class Changes(Struct, frozen=True):
    """What moved by more than noise; `compared` is how many services and rules were looked at."""

    table: Table
    clear: list[Record]
    compared: int


def records_of(found: Table) -> list[Record]:
    """The rows of a table by column name."""
    return [*found.records()]


def activity(ask: Ask, period: Period, language: Language) -> Activity:
    """Citizen events by channel along the period."""
    starts = period.starts()
    places = {start: index for index, start in enumerate(starts)}
    values: dict[str, list[int]] = defaultdict(lambda: [0] * len(starts))
    for start, channel, events in activity_over_time(ask.store, period.unit, ask.filters):
        # ClickHouse has no days before 1970: the week of 1 January 1970 begins there, not on its Monday.
        values[channel][places.get(start, 0)] += events
    chart = stacked_columns(axis_labels(period, language), values, MAX_SERIES)
    totals = [column.total for column in chart.columns]
    highest = max(totals, default=0)
    busiest = totals.index(highest) if highest and totals.count(highest) == 1 else None
    return Activity(chart, shown(CONTACTS_OVER_TIME, ask), axis_names(period, language), busiest, period.unit)


def axis_labels(period: Period, language: Language) -> list[str]:
    """The names under the columns of a time axis, in short."""
    starts = period.starts()
    return [_short_label(start, period, language, first=start == starts[0]) for start in starts]


def axis_names(period: Period, language: Language) -> list[str]:
    """The names of the columns of a time axis in full."""
    return [language.bin_label(from_us(start), _LABELS[period.unit]) for start in period.starts()]


def _short_label(start_us: int, period: Period, language: Language, *, first: bool) -> str:
    """The name under a column; the first month and each January also say the year, the first day of a month the month."""
    moment = from_us(start_us)
    if period.unit == "month" and (first or moment.month == 1):
        return language.bin_label(moment, "yMMM")
    if period.unit == "day" and (first or moment.day == 1):
        return language.bin_label(moment, "MMMd")
    return language.bin_label(moment, _SHORT_LABELS[period.unit])


def rules(ask: Ask, order: str) -> Rules:
    """The rules under the filters; `order` is `points` or `minutes`. A bar tells no more than the count beside it."""
    found = shown(FRICTION_BY_RULE, ask)
    exact = friction_summary(ask.store, "rule", ask.filters, ask.book)
    rows = [
        RuleRow(record, row.withheld, minutes_lost(record), 0.0)
        for row, record in zip(found.rows, records_of(found), strict=True)
        if record["points"] or "points" in row.withheld
    ]
    rows.sort(key=lambda row: (-_measure(row, order), -_measure(row, "points"), row.record["rule"]))
    highest = max((_measure(row, order) for row in rows), default=0)
    known = bool(rows) or any(row.status == "observed" for row in exact.rows)
    records = records_of(found)
    return Rules(
        table=found,
        ranked=[RuleRow(each.record, each.withheld, each.minutes, bar_share(_measure(each, order), highest)) for each in rows],
        quiet=[each["rule"] for each in records if each["status"] == "observed" and each["points"] == 0],
        not_observable=[_missing(each["rule"]) for each in records if each["status"] == "not_observable"],
        off=[row.name for row in exact.rows if row.status == "off" and not row.points],
        points=exact.total if known else None,
        journeys=journeys_touched(ask.store, ask.filters).in_all if known else None,
        outdated=any(row.points and (row.status == "off" or row.other_versions) for row in exact.rows),
    )  # fmt: skip


def minutes_lost(record: Record) -> float | None:
    """By citizens and the administration together; `None` where neither can be told, or shown."""
    known = [each for each in (record["minutes_citizen"], record["minutes_administration"]) if each is not None]
    return sum(known) if known else None


def _measure(row: RuleRow, order: str) -> float:
    return (row.minutes if order == "minutes" else row.record["points"]) or 0


def _missing(rule: str) -> Missing:
    declaration = DECLARATIONS[rule]
    return Missing(rule, sorted(declaration.needed_types), sorted(declaration.needed_fields))


def places(ask: Ask, group: str) -> Places:
    """Services or territories, the busiest first, with the points noticed in each."""
    found = shown(FRICTION_BY_SERVICE if group == "service" else FRICTION_BY_TERRITORY, ask)
    rows = list(zip(found.rows, records_of(found), strict=True))
    listed = rows if len(rows) <= MAX_PLACES + 1 else rows[:MAX_PLACES]
    highest = max((record["points"] or 0 for _, record in listed), default=0)
    return Places(
        found,
        [PlaceRow(record, row.withheld, bar_share(record["points"] or 0, highest)) for row, record in listed],
        len(rows) - len(listed),
    )


def changes(ask: Ask) -> Changes:
    """The largest changes that are more than noise, of those that may be shown."""
    found = shown(LARGEST_CHANGES, ask)
    clear = [each for each in records_of(found) if each["reading"] in {"higher", "lower"}]
    return Changes(found, clear[:MAX_CHANGES], len(found.rows))
