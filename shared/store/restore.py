"""Fill an empty ClickHouse from a dump; every file is checked before, every row after.

Journeys, judged contacts and placed points are not dumped: once the platform runs, they are assembled from events and points again.

A restore that was interrupted is started again with the same dump: a table of its own says which files are in. Positions
are not restored: they belong to the log beside which the dump was made. Without them the loader reads the log it finds from
its start, and leaves out by identity what the dump brought; with those of another log it would stop, or skip.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from shared.errors import ConfigurationError, StoreError
from shared.store.client import Store, insert_rows
from shared.store.dump import TABLES, table_columns
from shared.store.dump_manifest import DumpFile, Manifest, check_files, read_manifest
from shared.store.failures import typed_errors
from shared.store.migrate import migrate, read_migrations
from shared.store.slices import Content, content, delete

_EMPTY: Final = (*TABLES, "positions")
_ASSEMBLED: Final = ("journeys", "judged_contacts", "placed_points", "touched_journeys", "assembled_journeys")
"""Not dumped: the assembler fills them again from the events."""
_MARK_TABLE: Final = """
CREATE TABLE IF NOT EXISTS restore_in_progress (dump String, file String)
ENGINE = MergeTree ORDER BY file SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""
_MARK: Final = "INSERT INTO restore_in_progress SELECT {dump:String}, {file:String}"
_RUNNING: Final = """
SELECT count() FROM system.processes WHERE query_kind = 'Insert' AND current_database = currentDatabase()
"""
_SETTLE_LIMIT_S: Final = 120.0
_SETTLE_POLL_S: Final = 0.2


def restore(store: Store, folder: Path, told: Callable[[DumpFile], None] = lambda _: None) -> Manifest:
    """Restore all of the dump, or what an interrupted run left; `told` is called after each file.

    The tables are brought to this program's version first. Raises `ConfigurationError` when ClickHouse holds other rows,
    `StoreError` naming what is missing, damaged, or not as it was dumped.
    """
    manifest, dump = read_manifest(folder)
    _refuse_newer(manifest)
    check_files(folder, manifest)
    migrate(store)
    _refuse_unknown_columns(store, manifest)
    done = _begin(store, dump)
    with _nothing_expires(store):
        for file in manifest.files:
            if file.name not in done:
                _restore_file(store, folder, manifest, file)
                _mark(store, dump, file.name)
                told(file)
        _check_totals(store, manifest)
    with typed_errors("restore"):
        for table in _ASSEMBLED:
            store.writer().command(f"TRUNCATE TABLE {table}")
        store.writer().command("DROP TABLE restore_in_progress")
    return manifest


@contextmanager
def _nothing_expires(store: Store) -> Iterator[None]:
    """Refused events that are past their time would otherwise go in a merge before they are counted."""
    with typed_errors("restore"):
        store.writer().command("SYSTEM STOP MERGES rejects")
    try:
        yield
    finally:
        with typed_errors("restore"):
            store.writer().command("SYSTEM START MERGES rejects")


def _refuse_newer(manifest: Manifest) -> None:
    unknown = sorted(set(manifest.migrations) - {migration.name for migration in read_migrations()})
    if unknown:
        raise StoreError(f"The dump is newer than this program: it does not know migration {unknown[0]}")


def _refuse_unknown_columns(store: Store, manifest: Manifest) -> None:
    for table, columns in manifest.columns.items():
        unknown = sorted(set(columns) - set(table_columns(store, table)))
        if unknown:
            raise StoreError(f"The dump's table {table} has columns unknown here: {', '.join(unknown)}")


def _begin(store: Store, dump: str) -> set[str]:
    """The files that an interrupted run of the same dump has restored; begins a new run on empty tables."""
    _await_inserts(store)
    if store.query("EXISTS TABLE restore_in_progress").rows[0][0]:
        marks = store.query("SELECT dump, file FROM restore_in_progress").rows
        if any(marked != dump for marked, _ in marks):
            raise ConfigurationError("A restore of another dump was interrupted here: finish that one first")
        done = {str(file) for _, file in marks}
    else:
        done = set()
    if not done:
        _refuse_rows(store)
        with typed_errors("restore"):
            store.writer().command(_MARK_TABLE)
        _mark(store, dump, "")
    return done


def _refuse_rows(store: Store) -> None:
    for table in _EMPTY:
        rows = store.query("SELECT count() FROM {table:Identifier}", {"table": table}).rows[0][0]
        if rows:
            raise ConfigurationError(
                f"{table} holds {rows:,} rows: a dump is restored into an empty ClickHouse, so that nothing is mixed"
            )


def _mark(store: Store, dump: str, file: str) -> None:
    with typed_errors("restore"):
        store.writer().command(_MARK, parameters={"dump": dump, "file": file})


def _restore_file(store: Store, folder: Path, manifest: Manifest, file: DumpFile) -> None:
    """Insert one file, after removing what an interrupted run may have left of it."""
    columns = manifest.columns[file.table]
    if content(store, file.table, columns, file.slice).rows:
        delete(store, file.table, file.slice)
    try:
        block = (folder / file.name).read_bytes()
    except OSError as error:
        raise StoreError(f"{folder / file.name} cannot be read: {error.strerror}") from error
    with typed_errors(f"restore {file.name}"):
        insert_rows(store.writer(), file.table, block, "Parquet")
    found = content(store, file.table, columns, file.slice)
    if found != Content(file.rows, file.digest):
        raise StoreError(
            f"{file.name}: ClickHouse holds {found.rows} rows of it, or others than were dumped ({file.rows}); "
            f"start the restore again"
        )


def _check_totals(store: Store, manifest: Manifest) -> None:
    for table, rows in manifest.rows.items():
        found = store.query("SELECT count() FROM {table:Identifier}", {"table": table}).rows[0][0]
        if found != rows:
            raise StoreError(
                f"{table} holds {found} rows after the restore, the dump {rows}: was something loaded meanwhile?"
            )


def _await_inserts(store: Store) -> None:
    """A server may still run an insert that an interrupted run began."""
    end_s = time.monotonic() + _SETTLE_LIMIT_S
    while not store.embedded and store.query(_RUNNING).rows[0][0]:
        if time.monotonic() > end_s:
            raise StoreError("ClickHouse still runs an insert: is a loader running?")
        time.sleep(_SETTLE_POLL_S)
