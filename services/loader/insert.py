"""Insert a batch by identity; find, by bisection, the rows that ClickHouse refuses."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from services.loader.targets import PROBE, TARGETS, Target
from services.loader.touched import note_touched
from shared.errors import StoreError
from shared.log.port import Kind
from shared.store.client import insert_rows
from shared.store.damage import damaged_part
from shared.store.failures import typed_errors

_NOTED: Final = {TARGETS[kind].table: kind for kind in (Kind.EVENTS, Kind.POINTS)}
"""Whose rows change what the assembler writes."""
_items = msgspec.json.Decoder(list[msgspec.Raw])

_NOT_THE_ROWS: Final = {
    3, 60, 81, 159, 164, 173, 202, 203, 209, 210, 241, 242, 243, 252, 279, 319, 394, 425, 439, 499, 516, 999,
}  # fmt: skip
"""Errors that are ClickHouse's own state (time, memory, disk, connections, missing tables), whatever the rows are."""


class Refused(NamedTuple):
    """A row that ClickHouse refuses: its JSON, and the error's number."""

    item: bytes
    code: int | None


class Inserted(NamedTuple):
    """What became of a batch: rows sent and accepted (whether new or repeats), and rows refused."""

    rows: int
    refused: list[Refused]


def join_arrays(values: Sequence[bytes]) -> bytes:
    """One JSON array of the items of several, none of them empty, without reading them.

    Raises `StoreError` for what is not an array.
    """
    for value in values:
        if value[:1] != b"[" or value[-1:] != b"]":
            raise StoreError("A record of the log is not a JSON array: it cannot be loaded")
    return b"[" + b",".join(value[1:-1] for value in values) + b"]"


def insert_batch(writer: Client, target: Target, values: Sequence[bytes], count: int) -> Inserted:
    """Insert `count` items, given as JSON arrays; repeats are left out by ClickHouse itself.

    Raises `StoreError` when ClickHouse fails for another reason than a row; then nothing, a part or all may be there, and
    the same call may be made again.
    """
    block = join_arrays(values)
    error = _try_insert(writer, target, block, count)
    if error is None:
        return Inserted(count, [])
    refused: list[Refused] = []
    _bisect(
        [bytes(item) for item in _items.decode(block)], error, lambda part: _try_items(writer, target, part), refused
    )
    return Inserted(count - len(refused), refused)


def _bisect(
    items: list[bytes],
    error: DatabaseError,
    try_items: Callable[[list[bytes]], DatabaseError | None],
    refused: list[Refused],
) -> None:
    """`items` were refused together: insert the halves, down to the single rows at fault."""
    if len(items) == 1:
        refused.append(Refused(items[0], error.code))
        return
    middle = len(items) // 2
    for half in (items[:middle], items[middle:]):
        half_error = try_items(half)
        if half_error is not None:
            _bisect(half, half_error, try_items, refused)


def _try_items(writer: Client, target: Target, items: list[bytes]) -> DatabaseError | None:
    return _try_insert(writer, target, b"[" + b",".join(items) + b"]", len(items))


def _try_insert(writer: Client, target: Target, block: bytes, count: int) -> DatabaseError | None:
    """Insert, or give the error if it may be the rows'. Raises `StoreError` when it is not.

    An error that is unknown here is the rows' only if ClickHouse takes a row known to be good at the same moment: a
    failing ClickHouse must not turn a whole batch into rejects.
    """
    with typed_errors(target.table):
        writer.command(f"TRUNCATE TABLE {target.staging}")
        parsed = False
        try:
            insert_rows(writer, target.staging, block)
            parsed = True
            writer.command(target.insert)
            kind = _NOTED.get(target.table)
            if kind is not None:
                note_touched(writer, kind, target.staging)
            _was_whole(writer, target, count)
        except DatabaseError as error:
            if error.code is None or (parsed and damaged_part(error)):
                raise
            if error.code in _NOT_THE_ROWS or not _takes_a_good_row(writer, target):
                raise StoreError(f"ClickHouse takes no rows for {target.table} now (error {error.code})") from error
            return error
    return None


def _was_whole(writer: Client, target: Target, count: int) -> None:
    """Raise `StoreError` unless the staging table still holds the batch.

    A server may begin a TRUNCATE whose connection was cut long before after the rows of the next try have come.
    """
    if writer.query(f"SELECT count() FROM {target.staging}").result_rows[0][0] != count:  # noqa: S608 - a name of `TARGETS`
        raise StoreError(f"{target.staging} was emptied by an earlier statement: the batch is loaded again")


def _takes_a_good_row(writer: Client, target: Target) -> bool:
    try:
        writer.command(f"TRUNCATE TABLE {target.staging}")
        insert_rows(writer, target.staging, PROBE)
    except (ClickHouseError, OSError):
        return False
    return True
