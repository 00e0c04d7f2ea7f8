"""Damage of ClickHouse's files: what an error says of it, and what ClickHouse has set aside by itself.

The rows of a table lie in parts, each a folder. A part that cannot be opened at the start is set aside (`detached`), and
its rows are simply missing; one that turns out damaged later fails every statement that reads it.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from clickhouse_connect.driver.exceptions import ClickHouseError

from shared.errors import StoreDamaged

_CODES: Final = {33, 39, 40, 107, 226, 228, 229, 246, 271, 354, 432, 713}
"""ClickHouse's errors for data that cannot be read back. Of these a row that is being parsed can only cause 33."""
_PART: Final = re.compile(r"(?P<path>[^\s:()]*/(?:store/[0-9a-f]{3}/[0-9a-f-]{36}|data/\w+/\w+)/(?P<part>\w+))/")
_TABLE: Final = re.compile(r"in table (?:\w+\.)?(\w+) ")
_DETACHED: Final = """
SELECT table, count(), sum(bytes_on_disk) FROM system.detached_parts
WHERE database = currentDatabase() AND reason LIKE '%broken%' GROUP BY table ORDER BY table
"""


SET_ASIDE_ADVICE: Final = (
    "restore the data folder from a backup, or accept the loss: delete the folders "
    "clickhouse/store/*/*/detached/broken-on-start*"
)


class SetAside(NamedTuple):
    """Parts of one table that ClickHouse found damaged when it started."""

    table: str
    parts: int
    size_bytes: int


class _Rows(Protocol):
    @property
    def rows(self) -> Sequence[Sequence[object]]: ...


def damaged_part(error: ClickHouseError) -> StoreDamaged | None:
    """The error as damage, if it is: which table, which part and what to do. Names of files hold no personal data.

    Not for errors of a statement that parses rows: their text may quote any path.
    """
    text = str(error)
    found = _PART.search(text)
    if getattr(error, "code", None) not in _CODES or found is None:
        return None
    table = _TABLE.search(text)
    name = f"ClickHouse's table {table[1]}" if table else "A table of ClickHouse"
    return StoreDamaged(
        f"{name} is damaged: its part {found['path']} cannot be read; restore the data folder from a backup, or stop "
        f"Parcours and move that part away, which loses its rows"
    )


def set_aside(query: Callable[[str], _Rows]) -> list[SetAside]:
    """Damaged parts that ClickHouse goes on without, by table. Raises `StoreError`."""
    return [SetAside(str(table), int(str(parts)), int(str(size))) for table, parts, size in query(_DETACHED).rows]


def set_aside_text(found: Sequence[SetAside]) -> str:
    """One line for a person."""
    tables = ", ".join(f"{each.parts} of table {each.table}" for each in found)
    return f"ClickHouse found damaged parts and goes on without them, their rows are missing: {tables}"
