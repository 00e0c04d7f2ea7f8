"""The parts of a territory along time: points per 100 contacts, one line a part, on one scale."""

from typing import Final

from services.insights.figures.figure import Ask, Figure, Parameter
from services.insights.figures.table import Column, Row, Table, Value
from services.insights.figures.territories_parts import WITHIN
from services.insights.figures.territories_paths import child_of, is_within
from services.insights.figures.territories_places import TERRITORY, View, view
from services.insights.figures.territories_protection import hidden_cells
from services.insights.figures.territories_queries import MAX_BINS, UNITS, contacts_over_time, points_over_time
from services.insights.language import N_
from services.insights.problems import Problem
from services.insights.queries import Question
from shared.journey.instants import SECOND_US, to_text

MAX_PARTS: Final = 24
"""Parts that are shown along time: those with most contacts."""

Series = dict[str, dict[int, int]]


def _over_time(ask: Ask) -> Table:
    unit = ask.parameter("unit") or "month"
    if unit not in UNITS:
        raise Problem(422, "invalid-unit", N_("“unit” must be one of: %(allowed)s."), allowed=", ".join(UNITS))
    found = view(ask)
    contacts = _series(ask, contacts_over_time(unit, found.filters), found.within)
    points = _series(ask, points_over_time(unit, found.filters), found.within)
    parts = [part for part in found.parts if part.level == TERRITORY][:MAX_PARTS]
    starts = sorted({start for series in (contacts, points) for each in series.values() for start in each})[-MAX_BINS:]
    names = [part.path for part in parts]
    counts = [[points.get(name, {}).get(start, 0) for start in starts] for name in names]
    hidden = hidden_cells(counts, ask.small_cell_min, [part.hidden_points for part in parts])
    rows = []
    for name, row, cells in zip(names, counts, hidden, strict=True):
        for place, start in enumerate(starts):
            rows.append(_row(name, start, contacts.get(name, {}).get(start, 0), row[place], hidden=place in cells))
    return Table(columns=COLUMNS, rows=tuple(rows), whole=False, cut=len(parts) < _territories(found))


def _territories(found: View) -> int:
    return sum(part.level == TERRITORY for part in found.parts)


def _series(ask: Ask, question: Question, within: str) -> Series:
    found: Series = {}
    series_of: Series = {}
    for start_s, path, count in ask.store.query(question.sql, question.parameters).rows:
        if path not in series_of:
            # There are few paths, each with many stretches of time: which part one belongs to is looked up once.
            part = found.setdefault(child_of(path, within), {}) if is_within(path, within) else {}
            series_of[path] = part
        series = series_of[path]
        series[start_s] = series.get(start_s, 0) + count
    return found


COLUMNS: Final = (
    Column(name="place", title=N_("Territory"), kind="territory"),
    Column(name="start", title=N_("Period from"), kind="day"),
    Column(name="contacts", title=N_("Contacts and steps"), kind="count"),
    Column(name="points", title=N_("Friction points"), kind="count", small_cells=True),
    Column(name="per_100", title=N_("Points per 100 contacts"), kind="rate", of="points"),
)


def _row(name: str, start_s: int, contacts: int, points: int, *, hidden: bool) -> Row:
    values: tuple[Value, ...] = (
        name, to_text(start_s * SECOND_US)[:10], contacts, points, points / (contacts / 100) if contacts else None,
    )  # fmt: skip
    if not hidden:
        return Row(values)
    return Row((*values[:3], None, None), frozenset({"points", "per_100"}))


TERRITORIES_OVER_TIME: Final = Figure(
    name="territories-over-time",
    title=N_("Points per 100 contacts over time, by territory"),
    definition=N_(
        "The parts of the territory with most contacts (at most 24), without points that stem from case work. A stretch of time "
        "without contacts has no rate; one with few points is not shown, and with it whatever would tell it."
    ),
    parameters=(
        WITHIN,
        Parameter("unit", f"How time is divided: {', '.join(f'`{unit}`' for unit in UNITS)}; `month` if left out."),
    ),
    compute=_over_time,
)
