"""Write every row of ClickHouse into a folder of Parquet files: a backup, and the way to another ClickHouse.

Nothing may be loaded meanwhile: the caller holds the folder (embedded) or the loader's lease (server). What a file holds
is counted and hashed by ClickHouse before and after it is read; a difference ends the dump.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from shared.errors import ConfigurationError, StoreError
from shared.store.client import Store
from shared.store.dump_manifest import FORMAT, DumpFile, Manifest, Slice, sync_folder, write_manifest
from shared.store.migrate import plan, read_migrations
from shared.store.slices import WHERE, bounds, content, slices, year

TABLES: Final = ("events", "points", "late_events", "rejects")
"""What is dumped. Positions are not: they belong to the log beside which they were made."""
MAX_ROWS: Final = 200_000
"""In one file, which is held in memory while it is written or restored."""

_COLUMNS: Final = """
SELECT name FROM system.columns
WHERE database = currentDatabase() AND table = {table:String} AND default_kind != 'MATERIALIZED' ORDER BY position
"""


def dump(
    store: Store,
    folder: Path,
    program: str,
    keys: Mapping[str, str],
    told: Callable[[DumpFile], None] = lambda _: None,
    max_rows: int = MAX_ROWS,
) -> Manifest:
    """Write the dump into a folder that is empty or not there yet.

    `program` is this program's version, `keys` the fingerprints of the site's keys by name (the keys themselves are not
    dumped); `told` is called after each file. Raises `ConfigurationError` for a folder that holds something, `StoreError`.
    """
    if plan(store):
        raise ConfigurationError("The tables are older than this program: `parcours migrate` first, then dump")
    try:
        _make(folder)
        columns = {table: table_columns(store, table) for table in TABLES}
        files = [file for table in TABLES for file in _dump_table(store, folder, table, columns[table], told, max_rows)]
        rows = {table: sum(file.rows for file in files if file.table == table) for table in TABLES}
        names = [migration.name for migration in read_migrations()]
        manifest = Manifest(FORMAT, program, names, dict(keys), columns, rows, files)
        write_manifest(folder, manifest)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror}; delete it before the next try") from error
    return manifest


def table_columns(store: Store, table: str) -> list[str]:
    """The names of the columns in order, but those worked out from others. Raises `StoreError`."""
    return [str(name) for (name,) in store.query(_COLUMNS, {"table": table}).rows]


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigurationError(f"{folder} is not empty: name a folder that is, or does not exist")
    for table in TABLES:
        (folder / table).mkdir(mode=0o700)


def _dump_table(
    store: Store,
    folder: Path,
    table: str,
    columns: list[str],
    told: Callable[[DumpFile], None],
    max_rows: int,
) -> list[DumpFile]:
    files: list[DumpFile] = []
    for number, piece in enumerate(slices(store, table, max_rows), start=1):
        name = f"{table}/{year(piece)}-{number:05}.parquet"
        files.append(_dump_slice(store, folder, name, table, columns, piece))
        told(files[-1])
    sync_folder(folder / table)
    return files


def _dump_slice(store: Store, folder: Path, name: str, table: str, columns: list[str], piece: Slice) -> DumpFile:
    before = content(store, table, columns, piece)
    names = ", ".join(f"`{column}`" for column in columns)
    sql = f"SELECT {names} FROM {{table:Identifier}} WHERE {WHERE} ORDER BY time, id"  # noqa: S608  # the table's own names
    block = store.query_parquet(sql, {"table": table, **bounds(piece)})
    if content(store, table, columns, piece) != before:
        raise StoreError(f"{table} was changed while it was dumped: stop what changes it, and begin again")
    descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(block)
        file.flush()
        os.fsync(file.fileno())
    sha256 = hashlib.sha256(block).hexdigest()
    return DumpFile(name, table, piece, before.rows, before.digest, len(block), sha256)
