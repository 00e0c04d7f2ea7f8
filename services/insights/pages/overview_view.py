"""What the overview shows, made ready for its template from the figures."""

from collections import defaultdict
from typing import Final

from msgspec import Struct

from services.insights.charts import StackedColumns, bar_share, stacked_columns
from services.insights.figures import (
    FrictionRow,
    activity_over_time,
    events_summary,
    friction_summary,
    journeys_touched,
    points_by_group,
)
from services.insights.filters import Filters
from services.insights.language import Language
from services.insights.pages.period import Period
from services.insights.ports import Store
from shared.detection.register import DECLARATIONS
from shared.detection.settings import RuleBook
from shared.journey.instants import from_us
from shared.journey.vocabulary import CITIZEN_TYPES

MAX_SERIES: Final = 5
MAX_PLACES: Final = 12

_LABELS: Final = {"hour": "Hm", "day": "MMMd", "week": "MMMd", "month": "yMMM", "year": "y"}
_SHORT_LABELS: Final = {"hour": "Hm", "day": "d", "week": "MMMd", "month": "MMM", "year": "y"}


class Activity(Struct, frozen=True):
    """What citizens did, by channel over time: the chart, and the names of its columns in full for the table."""

    chart: StackedColumns
    names: list[str]
    busiest: int | None
    """The place of the highest column; `None` where there is nothing."""

    def shares(self) -> list[tuple[str, int, float]]:
        """(channel, number, share of all), the largest first."""
        return [(name, number, number / self.chart.total) for name, number in self.chart.series if number]


class RuleRow(Struct, frozen=True):
    """One rule of the ranking: its figures, and the length of its bar in per cent."""

    figures: FrictionRow
    minutes: float | None
    bar: float


class Missing(Struct, frozen=True):
    """A rule that cannot be observed, and the event types and fields that it needs."""

    rule: str
    types: list[str]
    fields: list[str]


class Rules(Struct, frozen=True):
    """The rules that noticed something, ranked; those that noticed nothing, cannot be observed, or are off."""

    ranked: list[RuleRow]
    quiet: list[str]
    not_observable: list[Missing]
    off: list[str]
    points: int
    journeys: int
    minutes_citizen: float | None
    minutes_administration: float | None


class Place(Struct, frozen=True):
    """A service or territory: what citizens did there, the points noticed, and how long its bar is in per cent."""

    name: str
    events: int
    points: int
    bar: float

    @property
    def per_100(self) -> float | None:
        """Points per 100 contacts and online steps."""
        return 100 * self.points / self.events if self.events else None


class Places(Struct, frozen=True):
    """The largest places, and the others as one (`None` where all are listed)."""

    listed: list[Place]
    others: Place | None
    others_count: int


def activity(store: Store, filters: Filters, period: Period, language: Language) -> Activity:
    """Citizen events by channel along the period."""
    starts = period.starts()
    places = {start: index for index, start in enumerate(starts)}
    values: dict[str, list[int]] = defaultdict(lambda: [0] * len(starts))
    for start, channel, events in activity_over_time(store, period.unit, filters):
        values[channel][places[start]] += events
    labels = [_short_label(start, period, language, first=start == starts[0]) for start in starts]
    chart = stacked_columns(labels, values, MAX_SERIES)
    names = [language.bin_label(from_us(start), _LABELS[period.unit]) for start in starts]
    highest = max(chart.columns, key=lambda column: column.total, default=None)
    busiest = chart.columns.index(highest) if highest is not None and highest.total else None
    return Activity(chart, names, busiest)


def _short_label(start_us: int, period: Period, language: Language, *, first: bool) -> str:
    """The name under a column; the first month and each January also say the year, the first day of a month the month."""
    moment = from_us(start_us)
    if period.unit == "month" and (first or moment.month == 1):
        return language.bin_label(moment, "yMMM")
    if period.unit == "day" and (first or moment.day == 1):
        return language.bin_label(moment, "MMMd")
    return language.bin_label(moment, _SHORT_LABELS[period.unit])


def rules(store: Store, filters: Filters, book: RuleBook, order: str) -> Rules:
    """The rules under the filters; `order` is `points` or `minutes`."""
    found = friction_summary(store, "rule", filters, book)
    with_points = [row for row in found.rows if row.points]
    rows = sorted(with_points, key=lambda row: _rank(row, order), reverse=True)
    highest = max((_measure(row, order) for row in rows), default=0)
    return Rules(
        ranked=[RuleRow(row, minutes_lost(row), bar_share(_measure(row, order), highest)) for row in rows],
        quiet=[row.name for row in found.rows if row.status == "observed" and not row.points],
        not_observable=[_missing(row.name) for row in found.rows if row.status == "not_observable"],
        off=[row.name for row in found.rows if row.status == "off" and not row.points],
        points=found.total,
        journeys=journeys_touched(store, filters),
        minutes_citizen=_sum([row.minutes_citizen for row in rows]),
        minutes_administration=_sum([row.minutes_administration for row in rows]),
    )


def minutes_lost(row: FrictionRow) -> float | None:
    """By citizens and the administration together; `None` where neither can be told."""
    return _sum([row.minutes_citizen, row.minutes_administration])


def _sum(minutes: list[float | None]) -> float | None:
    known = [each for each in minutes if each is not None]
    return sum(known) if known else None


def _measure(row: FrictionRow, order: str) -> float:
    return (minutes_lost(row) or 0) if order == "minutes" else (row.points or 0)


def _rank(row: FrictionRow, order: str) -> tuple[float, float]:
    return _measure(row, order), _measure(row, "points" if order == "minutes" else "minutes")


def _missing(rule: str) -> Missing:
    declaration = DECLARATIONS[rule]
    return Missing(rule, sorted(declaration.needed_types), sorted(declaration.needed_fields))


def places(store: Store, group: str, filters: Filters) -> Places:
    """Services or territories, the busiest first, with the points noticed in each."""
    events = events_summary(store, group, filters, CITIZEN_TYPES)
    points = points_by_group(store, group, filters)
    counts = {row.name: row.events for row in events.rows}
    names = sorted(counts.keys() | points.keys(), key=lambda name: (-counts.get(name, 0), -points.get(name, 0), name))
    highest = max(counts.values(), default=0)
    listed = names[:MAX_PLACES] if len(names) > MAX_PLACES + 1 else names
    rest = names[len(listed) :]
    others = None
    if rest:
        others_events = sum(counts.get(name, 0) for name in rest)
        others = Place("", others_events, sum(points.get(name, 0) for name in rest), 0)
    return Places(
        [
            Place(name, counts.get(name, 0), points.get(name, 0), bar_share(counts.get(name, 0), highest))
            for name in listed
        ],
        others,
        len(rest),
    )
