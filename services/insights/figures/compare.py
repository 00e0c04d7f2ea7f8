"""Two groups of journeys side by side, each difference with its interval and in words."""

from typing import Any, Final

from services.insights.figures import intervals
from services.insights.figures.compare_cohorts import PARAMETERS, SIDES, Cohort, Cohorts, read_cohorts, side_sql
from services.insights.figures.compare_measures import (
    MEASURES,
    NOTHING,
    UNIT_OF,
    UNITS,
    Measure,
    Totals,
    difference,
    measure,
    totals,
    totals_by_side,
    with_durations,
)
from services.insights.figures.compare_readings import READINGS
from services.insights.figures.figure import Ask, Figure
from services.insights.figures.intervals import Estimate
from services.insights.figures.journey_filters import journey_notes
from services.insights.figures.suppression import is_few
from services.insights.figures.table import Column, Row, Table, Value
from services.insights.language import N_
from services.insights.observability import rule_statuses

OVERLAP: Final = N_(
    "Some journeys may stand in both groups: the differences are then surer than their intervals say, and smaller than between "
    "groups that have nothing in common."
)
CHOSEN_BY_FRICTION: Final = N_(
    "The groups were chosen by a friction point: that they differ in friction points, and in the time these cost, says nothing new."
)


def _side_columns(side: str) -> tuple[Column, ...]:
    of = f"{side}_journeys"
    name = side.upper()
    return (
        Column(name=of, title=N_("A: journeys") if name == "A" else N_("B: journeys"), kind="count", small_cells=True),
        Column(name=f"{side}_value", title=N_("A") if name == "A" else N_("B"), kind="decimal", of=of),
        Column(name=f"{side}_low", title=N_("A at least") if name == "A" else N_("B at least"), kind="decimal", of=of),
        Column(name=f"{side}_high", title=N_("A at most") if name == "A" else N_("B at most"), kind="decimal", of=of),
    )


_DIFFERENCE: Final = (
    Column(name="difference", title=N_("A minus B"), kind="decimal"),
    Column(name="difference_low", title=N_("at least"), kind="decimal"),
    Column(name="difference_high", title=N_("at most"), kind="decimal"),
    Column(name="reading", title=N_("A is"), kind="text", words=READINGS),
    Column(name="all_together", title=N_("Holds for all measures together"), kind="flag"),
)
COLUMNS: Final = (
    Column(name="measure", title=N_("Measure"), kind="text", words=MEASURES),
    Column(name="unit", title=N_("Unit"), kind="text", words=UNITS),
    *_side_columns("a"),
    *_side_columns("b"),
    *_DIFFERENCE,
)


def _comparison(ask: Ask) -> Table:
    cohorts = read_cohorts(ask)
    found = _totals(ask, cohorts)
    known = {side: _friction_known(ask, getattr(cohorts, side), found[side]) for side in SIDES}
    rows = []
    for name in MEASURES:
        measures = {side: measure(name, found[side], ask.small_cell_min, friction_known=known[side]) for side in SIDES}
        rows.append(_row(name, measures, found, ask.small_cell_min))
    return Table(columns=COLUMNS, rows=tuple(rows), whole=False, notes=(*_notes(cohorts), *journey_notes(ask.filters)))


def _totals(ask: Ask, cohorts: Cohorts) -> dict[str, Totals]:
    """Of both groups, in one reading where their points and outcomes count from the same day on."""
    sides = {"a": cohorts.a, "b": cohorts.b}
    if cohorts.a.filters.from_us != cohorts.b.filters.from_us:
        return {
            side: totals(ask.store, each.filters, *each.conditions(), values=each.values())
            for side, each in sides.items()
        }
    conditions: dict[str, str] = {}
    values: dict[str, Any] = {}
    for side, each in sides.items():
        conditions[side], of_side = side_sql(each, side)
        values |= of_side
    found = totals_by_side(ask.store, cohorts.a.filters, conditions, values)
    return {
        side: with_durations(
            ask.store, found.get(side, NOTHING), each.filters, *each.conditions(), values=each.values()
        )
        for side, each in sides.items()
    }


def _friction_known(ask: Ask, cohort: Cohort, found: Totals) -> bool:
    """Whether any rule could be observed where the group was; a point says so by itself."""
    if found.points:
        return True
    statuses = rule_statuses(ask.store, cohort.filters.without_rule(), ask.book)
    return "observed" in statuses.values()


def _notes(cohorts: Cohorts) -> tuple[str, ...]:
    notes = []
    if cohorts.overlap():
        notes.append(OVERLAP)
    if cohorts.a.rule is not None or cohorts.b.rule is not None:
        notes.append(CHOSEN_BY_FRICTION)
    return tuple(notes)


def _row(name: str, measures: dict[str, Measure], found: dict[str, Totals], minimum: int) -> Row:
    values: list[Value] = [name, UNIT_OF[name]]
    withheld: set[str] = set()
    for side in SIDES:
        each = measures[side]
        values += [each.of, *_three(each.estimate)]
        if each.few:
            withheld |= {f"{side}_value", f"{side}_low", f"{side}_high"}
        if is_few(each.of, minimum):
            withheld.add(f"{side}_journeys")
    if all(measures[side].estimate is not None for side in SIDES):
        change = difference(name, found["a"], found["b"])
        sure = difference(name, found["a"], found["b"], all_together=True)
    else:
        change = sure = None
    reading = intervals.reading(None if change is None else change.interval)
    holds = None if sure is None else intervals.reading(sure.interval) == reading and reading != "no_difference"
    values += [*_three(change), reading, holds]
    if withheld:
        withheld |= {column.name for column in _DIFFERENCE}
    shown = [None if column.name in withheld else value for column, value in zip(COLUMNS, values, strict=True)]
    return Row(tuple(shown), frozenset(withheld))


def _three(found: Estimate | None) -> tuple[Value, Value, Value]:
    return (None, None, None) if found is None else (found.value, *found.interval)


COMPARISON: Final = Figure(
    name="comparison",
    title=N_("Two groups of journeys"),
    definition=N_(
        "Journeys that began in the period, of one service (the busiest if none is chosen), in two groups. Their friction points "
        "count whenever they came. Intervals hold with 95 percent, each for itself; “holds for all measures together” where the "
        "difference remains when the number of measures is allowed for (Bonferroni)."
    ),
    parameters=PARAMETERS,
    compute=_comparison,
)
FIGURES: Final = (COMPARISON,)
