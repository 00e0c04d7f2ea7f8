"""One row of a file, as every reader gives it."""

from typing import NamedTuple


class Row(NamedTuple):
    """A row of data: the line it begins on, its number from 1, and its cells with the row number as the last."""

    line: int
    number: int
    cells: list[str]


class BadRow(NamedTuple):
    """What should be a row and is not: `reason` is typed, `detail` is for a person."""

    line: int
    number: int
    reason: str
    detail: str
