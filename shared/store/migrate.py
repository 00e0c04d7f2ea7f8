"""Bring ClickHouse's tables to the version of this program: numbered SQL files, each applied once, in order.

ClickHouse's DDL is not transactional. A file is noted as applied after its last statement; one cut short by a crash is
run again from its start, so every statement must be one that can be repeated (`IF NOT EXISTS`, `OR REPLACE`).
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

from clickhouse_connect.driver.client import Client

from shared.errors import StoreError
from shared.store.client import Store
from shared.store.complete_sums import complete_sums
from shared.store.failures import typed_errors
from shared.store.statements import split_statements

FOLDER: Final = Path(__file__).parent / "migrations"
LOCK_EXPIRY_S: Final = 600

_FILE_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_APPLIED_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations
(number UInt32, name String, checksum String, at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC'))
ENGINE = MergeTree ORDER BY number SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""
_LOCK_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_lock (owner String, until DateTime64(6, 'UTC')) ENGINE = MergeTree ORDER BY owner
"""


class Migration(NamedTuple):
    """One file: its number, name, the SHA-256 of its text, and its statements."""

    number: int
    name: str
    checksum: str
    statements: list[str]


def read_migrations(folder: Path = FOLDER) -> list[Migration]:
    """The files of a folder in order. Raises `StoreError` when their numbers are not 1, 2, 3 …"""
    migrations = [_read(path) for path in sorted(folder.glob("*.sql"))]
    for expected, migration in enumerate(migrations, start=1):
        if migration.number != expected:
            raise StoreError(f"Migration {migration.name}: its number should be {expected:04}")
    return migrations


def plan(store: Store, folder: Path = FOLDER) -> list[Migration]:
    """What `migrate` would apply, in order.

    Raises `StoreError`, naming the file, when an applied file has changed since or is unknown to this program.
    """
    migrations = read_migrations(folder)
    applied = _applied(store)
    unknown = sorted(set(applied) - {migration.name for migration in migrations})
    if unknown:
        raise StoreError(f"The tables are newer than this program: it does not know migration {unknown[0]}")
    for migration in migrations:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise StoreError(
                f"Migration {migration.name} was changed after it had been applied: put it back, add a new one"
            )
    return [migration for migration in migrations if migration.name not in applied]


def migrate(store: Store, folder: Path = FOLDER) -> list[Migration]:
    """Apply what is missing and give it; then make the stored sums that parts lack. Raises `StoreError`, also when another runner is at work."""
    writer = store.writer()
    with _locked(store, writer):
        pending = plan(store, folder)
        for migration in pending:
            _apply(writer, migration)
        with typed_errors("stored sums"):
            complete_sums(writer)
    return pending


def _apply(writer: Client, migration: Migration) -> None:
    with typed_errors(migration.name):
        writer.command(_APPLIED_TABLE)
        for statement in migration.statements:
            writer.command(statement)
        writer.command(
            "INSERT INTO schema_migrations (number, name, checksum) "
            "SELECT {number:UInt32}, {name:String}, {checksum:String}",
            parameters={"number": migration.number, "name": migration.name, "checksum": migration.checksum},
        )


def _applied(store: Store) -> dict[str, str]:
    """Checksums of the applied files by name."""
    if store.query("EXISTS TABLE schema_migrations").rows[0][0] == 0:
        return {}
    return dict(store.query("SELECT name, checksum FROM schema_migrations ORDER BY number").rows)


@contextmanager
def _locked(store: Store, writer: Client) -> Iterator[None]:
    """Keep other runners out: by the folder's lock when embedded, by a row that expires on a server."""
    if store.embedded:
        yield
        return
    with schema_lock(writer, uuid4().hex):
        yield


@contextmanager
def schema_lock(writer: Client, owner: str, expiry_s: int = LOCK_EXPIRY_S) -> Iterator[None]:
    """Hold the lock row of a server, or raise `StoreError` when another runner holds it.

    ClickHouse has no compare-and-set. Each runner inserts its row and then reads: only one that sees no other's row goes
    on, so two never do; two that start together may both give up. A row left by a killed runner expires, by the server's
    clock.
    """
    with typed_errors("schema_lock"):
        writer.command(_LOCK_TABLE)
        writer.command(
            "INSERT INTO schema_lock SELECT {owner:String}, now64(6, 'UTC') + toIntervalSecond({expiry:UInt32})",
            parameters={"owner": owner, "expiry": expiry_s},
        )
    try:
        with typed_errors("schema_lock"):
            others = writer.query(
                "SELECT count() FROM schema_lock WHERE owner != {owner:String} AND until > now64(6, 'UTC')",
                parameters={"owner": owner},
            ).result_rows[0][0]
        if others:
            raise StoreError("Another migration is running: wait for its end, then try again")
        yield
    finally:
        with typed_errors("schema_lock"):
            writer.command("DELETE FROM schema_lock WHERE owner = {owner:String}", parameters={"owner": owner})


def _read(path: Path) -> Migration:
    match = _FILE_NAME.fullmatch(path.name)
    if match is None:
        raise StoreError(f"Migration {path.name}: its name should be like 0001_name.sql")
    text = path.read_text(encoding="utf-8")
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return Migration(int(match[1]), path.name, checksum, split_statements(text))
