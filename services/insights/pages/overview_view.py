"""What the overview shows, made ready for its template from the figures."""

from collections import defaultdict
from typing import Final

from msgspec import Struct, structs

from services.insights.charts.columns import StackedColumns, bar_share, stacked_columns
from services.insights.figures.summaries import (
    FrictionRow,
    activity_over_time,
    events_summary,
    friction_summary,
    journeys_touched,
    points_by_place,
)
from services.insights.figures.suppression import Shown, disclosure
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

_LABELS: Final = {"hour": "Hm", "day": "MMMMd", "week": "MMMMd", "month": "yMMMM", "year": "y"}
_SHORT_LABELS: Final = {"hour": "Hm", "day": "d", "week": "MMMd", "month": "MMM", "year": "y"}


class Activity(Struct, frozen=True):
    """What citizens did, by channel over time: the chart, and the names of its columns in full for the table."""

    chart: StackedColumns
    names: list[str]
    busiest: int | None
    """The place of the highest column; `None` where there is nothing, or several are equally high."""
    unit: str
    """What a column stands for: one of `queries.BINS`."""

    def shares(self) -> list[tuple[str, int, float]]:
        """(channel, number, share of all), the largest first."""
        return [(name, number, number / self.chart.total) for name, number in self.chart.series if number]


class RuleRow(Struct, frozen=True):
    """One rule of the ranking: its figures, and the length of its bar in per cent."""

    figures: FrictionRow
    minutes: float | None
    bar: float
    shown: Shown


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
    points: int | None
    """`None`, as `journeys`, where no rule could be observed: unknown, not 0."""
    journeys: int | None
    minutes_citizen: float | None
    minutes_administration: float | None
    known_citizen: int
    known_administration: int
    outdated: bool
    """Whether points of a rule that is off, or judged by another version of the rules, are among these."""


class Place(Struct, frozen=True):
    """A service or territory: what citizens did there, the points noticed, and how long their bar is in per cent."""

    name: str
    events: int
    points: int | None
    """`None` where no rule could be observed."""
    contact_points: int
    """Points that do not stem from case work."""
    bar: float = 0.0
    shown: Shown = "shown"

    @property
    def per_100(self) -> float | None:
        """Points, those of case work left out, per 100 contacts and online steps; `None` where case work is all there is."""
        if not self.events or self.points is None or (self.points and not self.contact_points):
            return None
        return 100 * self.contact_points / self.events


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
        # ClickHouse has no days before 1970: the week of 1 January 1970 begins there, not on its Monday.
        values[channel][places.get(start, 0)] += events
    labels = [_short_label(start, period, language, first=start == starts[0]) for start in starts]
    chart = stacked_columns(labels, values, MAX_SERIES)
    names = [language.bin_label(from_us(start), _LABELS[period.unit]) for start in starts]
    totals = [column.total for column in chart.columns]
    highest = max(totals, default=0)
    busiest = totals.index(highest) if highest and totals.count(highest) == 1 else None
    return Activity(chart, names, busiest, period.unit)


def _short_label(start_us: int, period: Period, language: Language, *, first: bool) -> str:
    """The name under a column; the first month and each January also say the year, the first day of a month the month."""
    moment = from_us(start_us)
    if period.unit == "month" and (first or moment.month == 1):
        return language.bin_label(moment, "yMMM")
    if period.unit == "day" and (first or moment.day == 1):
        return language.bin_label(moment, "MMMd")
    return language.bin_label(moment, _SHORT_LABELS[period.unit])


def rules(store: Store, filters: Filters, book: RuleBook, order: str, small_cell_min: int) -> Rules:
    """The rules under the filters; `order` is `points` or `minutes`. A bar tells no more than the count beside it."""
    found = friction_summary(store, "rule", filters, book)
    with_points = [row for row in found.rows if row.points]
    rows = sorted(with_points, key=lambda row: _rank(row, order), reverse=True)
    shown = disclosure([row.points for row in rows], small_cell_min)
    bars = [_measure(row, order) if each == "shown" else 0 for row, each in zip(rows, shown, strict=True)]
    highest = max(bars, default=0)
    known = bool(rows) or any(row.status == "observed" for row in found.rows)
    return Rules(
        ranked=[
            RuleRow(row, minutes_lost(row), bar_share(bar, highest), each)
            for row, bar, each in zip(rows, bars, shown, strict=True)
        ],
        quiet=[row.name for row in found.rows if row.status == "observed" and not row.points],
        not_observable=[_missing(row.name) for row in found.rows if row.status == "not_observable"],
        off=[row.name for row in found.rows if row.status == "off" and not row.points],
        points=found.total if known else None,
        journeys=journeys_touched(store, filters) if known else None,
        minutes_citizen=_sum([row.minutes_citizen for row in rows]),
        minutes_administration=_sum([row.minutes_administration for row in rows]),
        known_citizen=sum(row.known_citizen for row in rows),
        known_administration=sum(row.known_administration for row in rows),
        outdated=any(row.status == "off" or row.other_versions for row in rows),
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


def places(store: Store, group: str, filters: Filters, small_cell_min: int, *, known: bool) -> Places:
    """Services or territories, the busiest first, with the points noticed in each; `known`: any rule was observed."""
    counts = {row.name: row.events for row in events_summary(store, group, filters, CITIZEN_TYPES).rows}
    points = points_by_place(store, group, filters)
    found = [
        Place(name, counts.get(name, 0), points.get(name, (0, 0))[0] if known else None, points.get(name, (0, 0))[1])
        for name in counts.keys() | points.keys()
    ]
    found.sort(key=lambda place: (-place.events, -(place.points or 0), place.name))
    listed = found[:MAX_PLACES] if len(found) > MAX_PLACES + 1 else found
    rest = found[len(listed) :]
    rows = [*listed, *([_together(rest, known=known)] if rest else [])]
    shown = disclosure([place.points for place in rows], small_cell_min)
    rows = [structs.replace(place, shown=each) for place, each in zip(rows, shown, strict=True)]
    highest = max((place.points or 0 for place in rows[: len(listed)] if place.shown == "shown"), default=0)
    return Places(
        [structs.replace(place, bar=_bar(place, highest)) for place in rows[: len(listed)]],
        rows[-1] if rest else None,
        len(rest),
    )


def _together(places: list[Place], *, known: bool) -> Place:
    points = sum(place.points or 0 for place in places)
    events = sum(place.events for place in places)
    return Place("", events, points if known else None, sum(place.contact_points for place in places))


def _bar(place: Place, highest: int) -> float:
    return bar_share(place.points or 0, highest) if place.shown == "shown" else 0.0
