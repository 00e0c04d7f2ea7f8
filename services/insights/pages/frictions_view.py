"""What the friction board and its pages show, made ready for their templates from the figures."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from msgspec import Struct

from services.insights.charts.columns import StackedColumns, bar_share, stacked_columns
from services.insights.charts.sparkline import Sparkline, sparkline
from services.insights.figures.figure import Ask, shown
from services.insights.figures.frictions_board import FRICTION_BOARD, FRICTION_SERIES
from services.insights.figures.frictions_places import CONCENTRATION, GROUPS
from services.insights.figures.frictions_rule import FRICTION_OVER_TIME
from services.insights.figures.once import side_by_side
from services.insights.figures.table import Table
from services.insights.language import Language
from services.insights.pages.overview_view import axis_labels, axis_names, records_of
from services.insights.pages.period import Period
from shared.journey.instants import to_text

MAX_BOARD: Final = 40
MAX_PLACES: Final = 8
POINTS: Final = "points"

Record = Mapping[str, Any]


class BoardRow(Struct, frozen=True):
    """One rule and service: its record, what of it is withheld, its bar in per cent, and its line over time."""

    record: Record
    withheld: frozenset[str]
    bar: float
    spark: Sparkline | None


class Board(Struct, frozen=True):
    """The head of the board; the table holds all. `hidden`: rows whose counts are too small to be shown."""

    table: Table
    series: Table
    rows: list[BoardRow]
    others: int
    hidden: int


def board(ask: Ask, order: str) -> Board:
    """Rules and services with points, most journeys (or minutes) first; rows that may not be shown are only counted."""
    tables = side_by_side({"board": partial(shown, FRICTION_BOARD, ask), "lines": partial(shown, FRICTION_SERIES, ask)})
    found, lines = tables["board"], tables["lines"]
    counts = _counts(lines)
    pairs = [
        (row, record) for row, record in zip(found.rows, records_of(found), strict=True) if record["points"] is not None
    ]
    highest = max((_measure(record, order) for _, record in pairs), default=0)
    rows = [
        BoardRow(
            record, row.withheld, bar_share(_measure(record, order), highest),
            sparkline(counts.get((record["rule"], record["service"]), [])),
        )
        for row, record in pairs[:MAX_BOARD]
    ]  # fmt: skip
    return Board(found, lines, rows, max(0, len(pairs) - MAX_BOARD), len(found.rows) - len(pairs))


def _counts(lines: Table) -> dict[tuple[str, str], list[int | None]]:
    found: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    for rule, service, _, points in (row.values for row in lines.rows):
        found[str(rule), str(service)].append(points)  # type: ignore[arg-type]
    return found


def _measure(record: Record, order: str) -> float:
    if order == "minutes":
        return sum(float(record[name] or 0) for name in ("minutes_citizen", "minutes_administration"))
    return float(record["journeys"] or 0)


class OverTime(Struct, frozen=True):
    """The points of a rule along the period: the chart, the names of its columns, and the places of those that stay unshown."""

    table: Table
    chart: StackedColumns
    names: list[str]
    hidden: list[int]
    busiest: int | None

    def counts(self) -> list[int | None]:
        """The points of each column; `None` where they stay unshown."""
        return [None if at in self.hidden else column.total for at, column in enumerate(self.chart.columns)]


def over_time(ask: Ask, period: Period, language: Language) -> OverTime:
    """The columns of what may be shown."""
    found = shown(FRICTION_OVER_TIME, ask)
    starts = period.starts()
    places = {to_text(start)[: 16 if period.unit == "hour" else 10]: index for index, start in enumerate(starts)}
    values = [0] * len(starts)
    hidden: list[int] = []
    for start, points in (row.values for row in found.rows):
        if points is None:
            hidden.append(places.get(str(start), 0))
        else:
            values[places.get(str(start), 0)] += int(points)
    chart = stacked_columns(axis_labels(period, language), {POINTS: values}, 1)
    highest = max(values, default=0)
    busiest = values.index(highest) if highest and values.count(highest) == 1 else None
    return OverTime(found, chart, axis_names(period, language), hidden, busiest)


class Places(Struct, frozen=True):
    """Where a rule's points concentrate, by one group: the places with most points that may be shown."""

    group: str
    title: str
    table: Table
    rows: list[Record]
    bars: dict[str, float]


class RuleInShort(Struct, frozen=True):
    """What the rule comes to: its record of points, journeys and minutes, and what of it is withheld."""

    record: Record
    withheld: frozenset[str]


def concentrations(make: Callable[[str], Ask]) -> list[Places]:
    """By channel, step, territory, service, office: those that name more than one place. `make` gives the ask of a group."""
    found = []
    for group, (_, title) in GROUPS.items():
        rows = shown(CONCENTRATION, make(group))
        records = [record for record in records_of(rows) if record["points"]]
        named = [record for record in records_of(rows) if record["name"]]
        if len(named) < 2 or not records:
            continue
        records.sort(key=lambda record: (-(record["per_1000"] or 0), record["name"]))
        highest = max(record["per_1000"] or 0 for record in records)
        bars = {record["name"]: bar_share(record["per_1000"] or 0, highest) for record in records[:MAX_PLACES]}
        found.append(Places(group, title, rows, records[:MAX_PLACES], bars))
    return found
