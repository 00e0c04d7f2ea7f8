"""What changed most against the period before: services and rules whose rate of points moved by more than noise."""

# ruff: noqa: S608 - what is put into these statements are names from `queries`; values are bound
from typing import Final, Literal, NamedTuple

from services.insights.figures.figure import Ask, Figure
from services.insights.figures.intervals import CONFIDENCE, Estimate, corrected, difference, rate, reading
from services.insights.figures.overview_periods import two_periods
from services.insights.figures.summaries import answer, events_summary
from services.insights.figures.table import Column, Table, Value, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.ports import Store
from services.insights.queries import Question
from services.insights.sums import sums
from shared.journey.instants import DAY_US
from shared.journey.vocabulary import CITIZEN_TYPES

_WEEK_US: Final = 7 * DAY_US
READINGS: Final = {
    "higher": N_("more than before"),
    "lower": N_("less than before"),
    "no_difference": N_("no clear difference"),
    "unknown": N_("not known"),
}
_CONTACTS: Final = 1_000

Reading = Literal["higher", "lower", "no_difference", "unknown"]


class Cell(NamedTuple):
    """The points of one service and rule in one period, and the sum of the squares of its weekly counts."""

    points: int
    weekly_squares: float


class Change(NamedTuple):
    """One service and rule: points and contacts now and before, and the difference of the rates with its interval."""

    service: str
    rule: str
    now: int
    before: int
    contacts_now: int
    contacts_before: int
    difference: Estimate | None

    @property
    def reading(self) -> Reading:
        """What the difference says."""
        return reading(None if self.difference is None else self.difference.interval)

    @property
    def extra(self) -> float:
        """Points more (or fewer) than there would have been at the earlier rate."""
        return self.now - self.before * self.contacts_now / self.contacts_before if self.contacts_before else 0.0


def cells_question(filters: Filters) -> Question:
    """Per service and rule: points in force, and the sum of the squares of the counts of its weeks (from the period's start)."""
    start = "{from_us:Int64}" if filters.from_us is not None else "0"
    week = f"intDiv(toInt64(toUnixTimestamp(toDateTime($moment, 'UTC'))) * 1000000 - {start}, {_WEEK_US})"
    select = f"SELECT service, rule, {week} AS week, sum(sign) AS found FROM points $where GROUP BY service, rule, week"
    found, parameters = sums("points", select, filters, finest="day")
    sql = f"""
        SELECT service, rule, sum(found) AS points, sum(found * found) AS squares
        FROM ({found})
        GROUP BY service, rule HAVING points > 0"""
    return Question(sql, parameters)


def cells(store: Store, filters: Filters) -> dict[tuple[str, str], Cell]:
    """Points by (service, rule) in one period."""
    return {
        (row["service"], row["rule"]): Cell(int(row["points"]), float(row["squares"]))
        for row in answer(store, cells_question(filters))
    }


def dispersion(cell: Cell, weeks: int) -> float:
    """How many times larger than its mean the variance of the weekly counts is (clusters, waves), at least 1."""
    if cell.points == 0 or weeks < 2:
        return 1.0
    variance = (cell.weekly_squares - cell.points**2 / weeks) / (weeks - 1)
    return max(variance / (cell.points / weeks), 1.0)


def changes(ask: Ask) -> list[Change]:
    """Every service and rule with points in either period, the largest clear change first."""
    periods = two_periods(ask)
    if periods.before is None:
        return []
    now, before = cells(ask.store, periods.now), cells(ask.store, periods.before)
    contacts_now, contacts_before = (_contacts(ask.store, each) for each in (periods.now, periods.before))
    weeks = max(1, -(-((periods.now.to_us or 0) - (periods.now.from_us or 0)) // _WEEK_US))
    names = now.keys() | before.keys()
    confidence = corrected(CONFIDENCE, len(names))
    nothing = Cell(0, 0.0)
    found = []
    for service, rule in names:
        pair = now.get((service, rule), nothing), before.get((service, rule), nothing)
        exposure = contacts_now.get(service, 0), contacts_before.get(service, 0)
        estimate = _difference(pair, exposure, weeks, confidence)
        found.append(Change(service, rule, pair[0].points, pair[1].points, *exposure, estimate))
    found.sort(key=lambda each: (each.reading not in {"higher", "lower"}, -abs(each.extra), each.service, each.rule))
    return found


def _contacts(store: Store, filters: Filters) -> dict[str, int]:
    found = events_summary(store, "service", filters.without_rule(), CITIZEN_TYPES)
    return {row.name: row.events for row in found.rows}


def _difference(pair: tuple[Cell, Cell], contacts: tuple[int, int], weeks: int, confidence: float) -> Estimate | None:
    spread = max(dispersion(cell, weeks) for cell in pair)
    rates = [
        rate(cell.points, exposure / _CONTACTS, confidence, spread)
        for cell, exposure in zip(pair, contacts, strict=True)
    ]
    return None if rates[0] is None or rates[1] is None else difference(rates[0], rates[1])


def _largest_changes(ask: Ask) -> Table:
    found = changes(ask)
    return table(
        (
            Column(name="service", title=N_("Service"), kind="service"),
            Column(name="rule", title=N_("Rule"), kind="rule"),
            Column(
                name="points", title=N_("Points in this period"), kind="count", small_cells=True, of="points_before"
            ),
            Column(
                name="points_before",
                title=N_("Points in the period before"),
                kind="count",
                small_cells=True,
                of="points",
            ),
            Column(name="per_1000", title=N_("Per 1,000 contacts"), kind="rate", of="points"),
            Column(name="per_1000_before", title=N_("Per 1,000 before"), kind="rate", of="points_before"),
            Column(name="difference", title=N_("Difference"), kind="rate", of="points"),
            Column(name="low", title=N_("Difference at least"), kind="rate", of="points"),
            Column(name="high", title=N_("Difference at most"), kind="rate", of="points"),
            Column(name="reading", title=N_("Reading"), kind="text", words=READINGS, of="points"),
        ),
        [_row(each) for each in found],
        whole=False,
        notes=two_periods(ask).notes(),
    )


def _row(each: Change) -> tuple[Value, ...]:
    estimate = each.difference
    return (
        each.service, each.rule, each.now, each.before,
        _per_1000(each.now, each.contacts_now), _per_1000(each.before, each.contacts_before),
        None if estimate is None else estimate.value,
        None if estimate is None else estimate.interval.low,
        None if estimate is None else estimate.interval.high,
        each.reading,
    )  # fmt: skip


def _per_1000(points: int, contacts: int) -> float | None:
    return _CONTACTS * points / contacts if contacts else None


LARGEST_CHANGES: Final = Figure(
    name="largest-changes",
    title=N_("What changed most against the period before"),
    definition=N_(
        "Friction points per 1,000 contacts and online steps of a service, by rule, now and in the period before (as long, on "
        "the same days of the week). A change is only called one where the interval of the difference, for all comparisons "
        "together and with the ups and downs from week to week counted in, leaves out zero."
    ),
    compute=_largest_changes,
)
FIGURES: Final = (LARGEST_CHANGES,)
