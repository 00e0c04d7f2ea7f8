"""The one shape of every figure: a table with typed columns, of which what could tell who it was is withheld.

Pages, CSV, Parquet, Arrow and the API all show the same table; so a figure is counted once, and hidden once.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct, structs

from services.insights.figures.suppression import Shown, disclosure

Kind = Literal[
    "text", "rule", "service", "channel", "territory", "event", "day", "instant",
    "count", "decimal", "share", "rate", "seconds", "minutes", "euros", "flag",
]  # fmt: skip
"""What a column holds. Names are text; `day` is `2026-03-31`, `instant` microseconds since 1970 UTC; `count` whole numbers,
`decimal` any number, `share` 0 to 1, `rate` a number per so many; `seconds`, `minutes`, `euros` are sums or measures."""

Value = str | int | float | bool | None
"""`None` is not known, or withheld where the row's `withheld` names the column; '' is an absent name."""


class Column(Struct, frozen=True, kw_only=True):
    """One column: its name in the API and in files, its title (a message), and what it holds.

    small_cells: it counts points, journeys or citizens, so small numbers are withheld. of: the column (a count with
    `small_cells`) from which this one could be worked out; it is withheld with it. words: of a text column of codes, the
    message that pages show for each.
    """

    name: str
    title: str
    kind: Kind
    small_cells: bool = False
    of: str = ""
    words: Mapping[str, str] = {}


class Row(Struct, frozen=True):
    """One row: values in the order of the columns, and the names of those withheld (their value is `None`)."""

    values: tuple[Value, ...]
    withheld: frozenset[str] = frozenset()


class Table(Struct, frozen=True, kw_only=True):
    """A figure: columns, rows, and notes (messages) on what is missing, late or unknown.

    whole: the rows of a small-cells column add up to a total that is shown elsewhere, so one small count hidden alone could
    be worked out; a second is then hidden with it (complementary suppression). cut: rows beyond the bound were left out.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    whole: bool = True
    notes: tuple[str, ...] = ()
    cut: bool = False

    def place(self, name: str) -> int:
        """The index of a column."""
        return next(index for index, column in enumerate(self.columns) if column.name == name)

    def column(self, name: str) -> list[Value]:
        """All values of a column."""
        place = self.place(name)
        return [row.values[place] for row in self.rows]

    def records(self) -> list[dict[str, Any]]:
        """The rows by column name."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row.values, strict=True)) for row in self.rows]


def table(columns: Sequence[Column], rows: Sequence[Sequence[Value]], **more: object) -> Table:
    """A table of plain values; nothing is withheld yet."""
    return Table(columns=tuple(columns), rows=tuple(Row(tuple(row)) for row in rows), **more)  # type: ignore[arg-type]


def withhold(found: Table, minimum: int) -> Table:
    """The table as it may be shown: counts from 1 to `minimum` - 1 withheld, and what would tell them."""
    hidden: list[set[str]] = [set(row.withheld) for row in found.rows]
    for place, column in enumerate(found.columns):
        if not column.small_cells:
            continue
        for names, shown in zip(hidden, _shown(found, place, minimum), strict=True):
            if shown != "shown":
                names.add(column.name)
    for names in filter(None, hidden):
        _spread(names, found.columns)
    rows = tuple(_without(row, names, found.columns) for row, names in zip(found.rows, hidden, strict=True))
    return structs.replace(found, rows=rows)


def _spread(names: set[str], columns: tuple[Column, ...]) -> None:
    """Withhold what could be worked out from what is withheld, and so on."""
    while more := {column.name for column in columns if column.of in names} - names:
        names |= more


def _shown(found: Table, place: int, minimum: int) -> list[Shown]:
    counts = [_count(row.values[place]) for row in found.rows]
    if found.whole:
        return disclosure(counts, minimum)
    return ["few" if count is not None and 0 < count < minimum else "shown" for count in counts]


def _count(value: Value) -> int | None:
    return None if value is None or isinstance(value, str) else int(value)


def _without(row: Row, names: set[str], columns: tuple[Column, ...]) -> Row:
    if not names:
        return row
    values = tuple(None if column.name in names else value for column, value in zip(columns, row.values, strict=True))
    return Row(values, frozenset(names))


MAX_ROWS: Final = 10_000
"""Rows one figure gives at most."""
