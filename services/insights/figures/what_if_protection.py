"""Which counts of a comparison stay unshown: now = stay + disappear and then = stay + appear would tell a hidden one.

Where any of the five is small, the row keeps one total alone; where a column hides a single row, a second is hidden with it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from services.insights.figures.suppression import is_few

_POINTS: Final = ("now", "then", "appear", "disappear", "stay")
_COLUMNS: Final = (*_POINTS, "journeys_now", "journeys_then")
Counts = Mapping[str, int]


def protect(rows: Sequence[Counts], minimum: int) -> list[set[str]]:
    """For each row the columns that stay unshown. Every count from 1 to `minimum` - 1 is among them."""
    hidden = [{name for name in _COLUMNS if is_few(row[name], minimum)} for row in rows]
    before = -1
    while (count := sum(map(len, hidden))) != before:
        before = count
        for row, names in zip(rows, hidden, strict=True):
            names.update(_within_row(row, names, minimum))
        for column in _COLUMNS:
            _within_column(column, rows, hidden)
    return hidden


def _within_row(row: Counts, names: set[str], minimum: int) -> set[str]:
    more = set()
    if names & set(_POINTS):
        kept = next((name for name in ("now", "then") if name not in names), None)
        more |= set(_POINTS) - {kept}
    if is_few(abs(row["journeys_then"] - row["journeys_now"]), minimum):
        more.add("journeys_then")
    return more


def _within_column(column: str, rows: Sequence[Counts], hidden: list[set[str]]) -> None:
    if sum(column in names for names in hidden) != 1:
        return
    others = [(row[column], place) for place, row in enumerate(rows) if row[column] and column not in hidden[place]]
    if others:
        hidden[min(others)[1]].add(column)
