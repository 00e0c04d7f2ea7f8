"""Rows of a table in pieces of bounded size, each told from the others by time and id; and what a piece holds."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from shared.store.client import Store
from shared.store.dump_manifest import Slice
from shared.store.failures import typed_errors

_HOUR_S: Final = 3_600

WHERE: Final = """
time >= fromUnixTimestamp64Micro({begin_us:Int64}, 'UTC') AND time < fromUnixTimestamp64Micro({end_us:Int64}, 'UTC')
AND cityHash64(id) % {of:UInt32} = {number:UInt32}
"""
_HOURS: Final = """
SELECT toUnixTimestamp(toStartOfHour(time)) AS hour, count() FROM {table:Identifier} GROUP BY hour ORDER BY hour
"""


class Content(NamedTuple):
    """How many rows, and the sum of their hashes as text."""

    rows: int
    digest: str


def slices(store: Store, table: str, max_rows: int) -> Iterator[Slice]:
    """The slices of a table in order, each within a year and of about `max_rows` at most. Raises `StoreError`."""
    return cut(store.query(_HOURS, {"table": table}).rows, max_rows)


def cut(hours: Iterable[Sequence[int]], max_rows: int) -> Iterator[Slice]:
    """Join hours, given as (second of its start, rows) in order, into slices; cut those that are too large."""
    begin_s, end_s, rows = 0, 0, 0
    for hour_s, count in hours:
        full = rows + count > max_rows or (rows and _year(hour_s) != _year(begin_s))
        if rows and full:
            yield Slice(begin_s, end_s)
            rows = 0
        if count > max_rows:
            parts = -(-count // max_rows)
            yield from (Slice(hour_s, hour_s + _HOUR_S, parts, number) for number in range(parts))
            continue
        if not rows:
            begin_s = hour_s
        end_s, rows = hour_s + _HOUR_S, rows + count
    if rows:
        yield Slice(begin_s, end_s)


def year(piece: Slice) -> int:
    """The year of all of its rows."""
    return _year(piece.begin_s)


def bounds(piece: Slice) -> dict[str, Any]:
    """The parameters of `WHERE`."""
    return {
        "begin_us": piece.begin_s * 1_000_000,
        "end_us": piece.end_s * 1_000_000,
        "of": piece.of,
        "number": piece.number,
    }


def content(store: Store, table: str, columns: Sequence[str], piece: Slice) -> Content:
    """What the slice holds in these columns; projections do not answer. Raises `StoreError`."""
    names = ", ".join(f"`{name}`" for name in columns)
    sql = f"""
SELECT count(), toString(sum(sipHash64(formatRowNoNewline('JSONEachRow', {names}))))
FROM {{table:Identifier}} WHERE {WHERE}"""  # noqa: S608  # names are those of the table's own columns
    rows, digest = store.query(sql, {"table": table, **bounds(piece)}).rows[0]
    return Content(int(rows), str(digest))


def delete(store: Store, table: str, piece: Slice) -> None:
    """Delete the rows of a slice; when it returns, no query sees them. Raises `StoreError`."""
    with typed_errors("DELETE of a slice"):
        store.writer().command(
            f"DELETE FROM {{table:Identifier}} WHERE {WHERE}",  # noqa: S608  # values are bound
            parameters={"table": table, **bounds(piece)},
            settings={"lightweight_deletes_sync": 2},
        )


def _year(second: int) -> int:
    return datetime.fromtimestamp(second, UTC).year
