"""What other settings of a rule would have found: the finished simulation of a scenario, as tables."""

from collections.abc import Callable
from datetime import date, timedelta
from math import sqrt
from typing import Final

from services.insights.figures.figure import Ask, Figure, Parameter
from services.insights.figures.table import MAX_ROWS, Column, Kind, Row, Table
from services.insights.figures.what_if_protection import protect
from services.insights.language import N_
from services.insights.ports import SimulationRun
from services.insights.problems import Problem
from services.insights.scenarios import OPTIONS, read_scenario
from shared.detection.what_if import Cell

BY: Final = ("rule", "service", "channel", "territory", "time")
UNITS: Final = ("day", "week", "month", "year")
_KINDS: Final[dict[str, Kind]] = {
    "rule": "rule", "service": "service", "channel": "channel", "territory": "territory", "time": "day",
}  # fmt: skip
_TITLES: Final = {
    "rule": N_("Rule"), "service": N_("Service"), "channel": N_("Channel"), "territory": N_("Territory"),
    "time": N_("Period from"),
}  # fmt: skip
_COUNTS: Final = (
    ("now", N_("Points now")),
    ("then", N_("Points then")),
    ("appear", N_("Appear")),
    ("disappear", N_("Disappear")),
    ("stay", N_("Stay")),
    ("journeys_now", N_("Journeys now")),
    ("journeys_then", N_("Journeys then")),
)
_MINUTES: Final = (
    ("minutes_citizen_now", N_("Lost by citizens, now"), "now"),
    ("minutes_citizen_then", N_("Lost by citizens, then"), "then"),
    ("minutes_administration_now", N_("Lost by the administration, now"), "now"),
    ("minutes_administration_then", N_("Lost by the administration, then"), "then"),
)
_ERRORS: Final = (
    ("now_error", N_("± now"), "now"),
    ("then_error", N_("± then"), "then"),
    ("change_error", N_("± difference"), "then"),
)
_Z: Final = 1.96
"""Standard errors on each side of an interval of 95 %."""
SAMPLED: Final = N_("An estimate from a sample of people: counts are scaled up, and ± is the interval of 95 %.")


def find_run(ask: Ask) -> SimulationRun | None:
    """The simulation of the scenario that is asked for; `None` for one that was never made, or is forgotten.

    Raises `Problem` 422 for what is no scenario.
    """
    scenario = read_scenario(ask.filters, ask.parameters, ask.book.document)
    return None if ask.simulations is None else ask.simulations.find(scenario.name(ask.book.document))


def _compute(ask: Ask) -> Table:
    by, unit = ask.parameter("by") or "rule", ask.parameter("unit") or "month"
    if by not in BY:
        raise Problem(422, "invalid-group", N_("“by” must be one of: %(allowed)s."), allowed=", ".join(BY))
    if unit not in UNITS:
        raise Problem(422, "invalid-unit", N_("“unit” must be one of: %(allowed)s."), allowed=", ".join(UNITS))
    run = find_run(ask)
    if run is None or run.result is None:
        raise Problem(
            404, "no-simulation", N_("This simulation has not been made, or is not finished, or is forgotten.")
        )
    cells = _cells(run, by, unit)
    names = sorted(cells, key=_order(cells, by))
    counts = protect([_counts(cells[name]) for name in names], ask.small_cell_min)
    columns = _columns(by, sampled=run.one_in > 1)
    rows = tuple(
        _row(name, cells[name], hidden, columns, run.one_in) for name, hidden in zip(names, counts, strict=True)
    )
    notes = (SAMPLED,) if run.one_in > 1 else ()
    return Table(columns=columns, rows=rows[:MAX_ROWS], notes=notes, cut=len(rows) > MAX_ROWS)


def _order(cells: dict[str, Cell], by: str) -> Callable[[str], tuple[int, str]]:
    return lambda name: (0 if by == "time" else -max(cells[name].now, cells[name].then), name)


def _cells(run: SimulationRun, by: str, unit: str) -> dict[str, Cell]:
    assert run.result is not None
    found = run.result.cells["day" if by == "time" else by]
    if by == "rule":
        touched = {rule: cell for rule, cell in found.items() if cell.appear or cell.disappear}
        return {run.scenario.rule: found.get(run.scenario.rule, Cell())} | touched
    if by != "time":
        return found
    stretches: dict[str, Cell] = {}
    for day, cell in found.items():
        into = stretches.setdefault(_stretch(day, unit), Cell())
        for name in Cell.__struct_fields__:
            setattr(into, name, getattr(into, name) + getattr(cell, name))
    return stretches


def _stretch(day: str, unit: str) -> str:
    """The first day of the stretch of time in which a day lies."""
    if unit == "week":
        moment = date.fromisoformat(day)
        return (moment - timedelta(days=moment.weekday())).isoformat()
    return {"day": day, "month": day[:8] + "01", "year": day[:5] + "01-01"}[unit]


def _counts(cell: Cell) -> dict[str, int]:
    return {
        "now": cell.now,
        "then": cell.then,
        "appear": cell.appear,
        "disappear": cell.disappear,
        "stay": cell.now - cell.disappear,
        "journeys_now": cell.journeys_now,
        "journeys_then": cell.journeys_then,
    }


def _columns(by: str, *, sampled: bool) -> tuple[Column, ...]:
    return (
        Column(name="start" if by == "time" else by, title=_TITLES[by], kind=_KINDS[by]),
        *(Column(name=name, title=title, kind="count", small_cells=True) for name, title in _COUNTS),
        *(Column(name=name, title=title, kind="minutes", of=of) for name, title, of in _MINUTES),
        *(
            Column(name=name, title=title, kind="count", of=of)
            for name, title, of in _ERRORS
            if sampled and by == "rule"
        ),
    )


def _row(name: str, cell: Cell, hidden: set[str], columns: tuple[Column, ...], one_in: int) -> Row:
    values: dict[str, float | None] = {each: count * one_in for each, count in _counts(cell).items()}
    for who in ("citizen", "administration"):
        for when in ("now", "then"):
            known = getattr(cell, f"known_{who}_{when}")
            minutes = getattr(cell, f"{who}_{when}") * one_in
            values[f"minutes_{who}_{when}"] = round(minutes, 4) if known or not getattr(cell, when) else None
    for what in ("now", "then", "change"):
        squares = getattr(cell, f"{what}_squares")
        values[f"{what}_error"] = round(_Z * sqrt(one_in * (one_in - 1) * squares))
    withheld = hidden | {column.name for column in columns if column.of in hidden}
    shown = [None if column.name in withheld else values[column.name] for column in columns[1:]]
    return Row((name, *shown), frozenset(withheld & {column.name for column in columns}))


WHAT_IF: Final = Figure(
    name="what-if",
    title=N_("What other settings of a rule would have found"),
    definition=N_(
        "Points that the rule finds in the past events by the settings in force (now) and by those asked for (then): in both, "
        "only then (appear), or only now (disappear). Every event counts, those that came late included."
    ),
    parameters=(
        Parameter("by", f"How points are grouped: {', '.join(f'`{name}`' for name in BY)}; `rule` if left out."),
        Parameter("unit", f"With `by=time`: {', '.join(f'`{unit}`' for unit in UNITS)}; `month` if left out."),
        *(
            Parameter(name, "The rule's setting, in the units of the rule file; as in force if left out.")
            for name in OPTIONS
        ),
    ),
    compute=_compute,
)

FIGURES: Final = (WHAT_IF,)
