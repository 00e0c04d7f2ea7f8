"""The friction board: every rule and service with points, how many journeys they touch, what they cost, where they go."""

# ruff: noqa: S608 - what is put into these statements are names of columns and numbers; values are bound
from collections import defaultdict
from typing import Final, NamedTuple

from services.insights.figures.figure import Ask, Figure, Parameter
from services.insights.figures.frictions_trend import Trend, trend
from services.insights.figures.overview_periods import two_periods
from services.insights.figures.points_found import Found, journeys_touched, points_found
from services.insights.figures.summaries import events_summary
from services.insights.figures.table import MAX_ROWS, Column, Table, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.ports import Store
from services.insights.problems import Problem
from services.insights.queries import CASE_WORK_RULES, Question
from services.insights.sums import sums
from shared.journey.instants import DAY_US, SECOND_US, to_text
from shared.journey.vocabulary import CITIZEN_TYPES

TRENDS: Final[dict[str, str]] = {
    "rising": N_("rising"),
    "falling": N_("falling"),
    "stable": N_("stable"),
    "unknown": N_("too little to tell"),
}
ORDERS: Final = ("journeys", "minutes")
_WEEK_US: Final = 7 * DAY_US
_MIN_WEEKS: Final = 8
_MAX_BINS: Final = 60
MAX_STRETCHES: Final = 13
"""Stretches of the figure over time; the trend looks at finer ones."""


class Bins(NamedTuple):
    """Equally long stretches up to `end_us`; the first begins at `start_us`."""

    start_us: int
    width_us: int
    number: int

    @property
    def weekly(self) -> bool:
        """Whether each holds whole weeks, so that the days of the week even out."""
        return self.width_us % _WEEK_US == 0

    def start_of(self, index: int) -> int:
        """Where one begins."""
        return self.start_us + index * self.width_us


def bins_of(filters: Filters, data_end_us: int) -> Bins:
    """Weeks counted back from the end of the period, or of its data; several weeks in one over years, days of short periods."""
    from_us = filters.from_us or 0
    end_us = -(-min(filters.to_us or data_end_us, data_end_us) // DAY_US) * DAY_US
    length_us = max(end_us - from_us, DAY_US)
    weeks = length_us // _WEEK_US
    if weeks < _MIN_WEEKS:
        count = length_us // DAY_US
        return Bins(end_us - count * DAY_US, DAY_US, count)
    width = -(-weeks // _MAX_BINS)
    count = weeks // width
    return Bins(end_us - count * width * _WEEK_US, width * _WEEK_US, count)


def _board_rows(store: Store, filters: Filters) -> list[tuple[str, str, int, Found]]:
    """(rule, service, the journeys touched, what was found) of all with points in force, most journeys first."""
    touched = journeys_touched(store, filters).of_each
    rows = [
        (*pair, touched.get(pair, 0), found)
        for pair, found in points_found(store, filters, lambda rule, service: (rule, service)).items()
    ]
    rows.sort(key=lambda row: (-row[2], row[0], row[1]))
    return rows[:MAX_ROWS]


def series_question(filters: Filters, bins: Bins) -> Question:
    """Per rule, service and stretch: points in force."""
    seconds = "toInt64(toUnixTimestamp(toDateTime($moment, 'UTC')))"
    index = f"intDiv({seconds} - {bins.start_us // SECOND_US}, {bins.width_us // SECOND_US})"
    select = f"SELECT rule, service, {index} AS bin, sum(sign) AS found FROM points $where GROUP BY rule, service, bin"
    found, parameters = sums("points", select, filters.on(bins.start_us, bins.start_of(bins.number)), finest="day")
    sql = (
        f"SELECT rule, service, bin, sum(found) AS points FROM ({found}) GROUP BY rule, service, bin HAVING points > 0"
    )
    return Question(sql, parameters)


def series(store: Store, filters: Filters, bins: Bins) -> dict[tuple[str, str], list[int]]:
    """Points of each stretch, by (rule, service)."""
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * bins.number)
    question = series_question(filters, bins)
    for rule, service, place, points in store.query(question.sql, question.parameters).rows:
        found[rule, service][place] += points
    return found


def bins_asked(ask: Ask) -> tuple[Filters, Bins]:
    """The period, closed, and its stretches."""
    periods = two_periods(ask)
    return periods.now, bins_of(periods.now, periods.data_end_us)


def trend_of(counts: list[int], bins: Bins) -> Trend:
    """What the stretches say; days of a short period do not even out the days of the week, and say nothing."""
    return trend(counts) if bins.weekly else "unknown"


def _board(ask: Ask) -> Table:
    order = ask.parameter("order") or "journeys"
    if order not in ORDERS:
        raise Problem(422, "invalid-order", N_("“order” must be one of: %(allowed)s."), allowed=", ".join(ORDERS))
    filters, bins = bins_asked(ask)
    found = _board_rows(ask.store, filters)
    by_bin = series(ask.store, filters, bins)
    contacts = {
        row.name: row.events for row in events_summary(ask.store, "service", filters.without_rule(), CITIZEN_TYPES).rows
    }
    rows = [
        (
            rule, service, journeys, each.points, _per_1000(rule, each.points, contacts.get(service, 0)),
            each.known_citizen, each.minutes_citizen, each.known_administration, each.minutes_administration,
            trend_of(by_bin.get((rule, service), []), bins),
        )
        for rule, service, journeys, each in found
    ]  # fmt: skip
    if order == "minutes":
        rows.sort(key=lambda row: -sum(each for each in (row[6], row[8]) if isinstance(each, float)))
    return table(
        (
            Column(name="rule", title=N_("Rule"), kind="rule"),
            Column(name="service", title=N_("Service"), kind="service"),
            Column(name="journeys", title=N_("Journeys"), kind="count", small_cells=True, of="points"),
            Column(name="points", title=N_("Points"), kind="count", small_cells=True, of="journeys"),
            Column(name="per_1000", title=N_("Points per 1,000 contacts"), kind="rate", of="points"),
            Column(name="known_citizen", title=N_("With known time of citizens"), kind="count", small_cells=True, of="points"),
            Column(name="minutes_citizen", title=N_("Lost by citizens"), kind="minutes", of="known_citizen"),
            Column(name="known_administration", title=N_("With known time of the administration"), kind="count", small_cells=True, of="points"),
            Column(name="minutes_administration", title=N_("Lost by the administration"), kind="minutes", of="known_administration"),
            Column(name="trend", title=N_("Trend"), kind="text", words=TRENDS, of="points"),
        ),
        rows,
        cut=len(rows) >= MAX_ROWS,
    )  # fmt: skip


def _per_1000(rule: str, points: int, contacts: int) -> float | None:
    return 1_000 * points / contacts if contacts and rule not in CASE_WORK_RULES else None


def _series_table(ask: Ask) -> Table:
    filters, bins = bins_asked(ask)
    size = -(-bins.number // MAX_STRETCHES)
    stretches = [(max(0, end - size), end) for end in reversed(range(bins.number, 0, -size))]
    days = [to_text(bins.start_of(begin))[:10] for begin, _ in stretches]
    rows = [
        (rule, service, day, sum(counts[begin:end]))
        for (rule, service), counts in sorted(series(ask.store, filters, bins).items())
        for day, (begin, end) in zip(days, stretches, strict=True)
    ]
    return table(
        (
            Column(name="rule", title=N_("Rule"), kind="rule"),
            Column(name="service", title=N_("Service"), kind="service"),
            Column(name="start", title=N_("Period from"), kind="day"),
            Column(name="points", title=N_("Points"), kind="count", small_cells=True),
        ),
        rows[:MAX_ROWS],
        whole=False,
        cut=len(rows) > MAX_ROWS,
    )


FRICTION_BOARD: Final = Figure(
    name="friction-board",
    title=N_("Friction points by rule and service"),
    definition=N_(
        "Points in force and the journeys they touch, the minutes lost where these can be told, and points per 1,000 contacts "
        "and online steps of the service (not for work on cases). The trend is that of points a week, by the test of Mann and "
        "Kendall at a confidence of 99 in 100; it needs 8 weeks and 20 points."
    ),
    parameters=(Parameter("order", "`journeys` (touched, the default) or `minutes` (lost)."),),
    compute=_board,
)
FRICTION_SERIES: Final = Figure(
    name="friction-over-time-by-service",
    title=N_("Friction points by rule and service over time"),
    definition=N_(
        "Points in force of at most 13 equally long stretches up to the end of the period, or of its data; the first may be "
        "shorter."
    ),
    compute=_series_table,
)
