"""The tables of a local log, on a connection that its caller owns: schema, append, prune, and what can be asked cheaply.

The detector keeps its journeys and the log `frictions` in one SQLite file, so that a checkpoint is one transaction;
everything here therefore works inside a transaction that is open already.
"""

import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from shared.errors import ConfigurationError, LogError, LogUnavailable
from shared.log.limits import check_records
from shared.log.port import Record

BUSY_TIMEOUT_S: Final = 5.0
MAX_PARTITIONS: Final = 1_024
VACUUM_PAGES: Final = 4_096
"""At most this many pages (16 MB) are given back to the file system by one `prune_records`."""

_WAL_LIMIT_BYTES: Final = 16 * 1024 * 1024
_FORMAT: Final = 1

# `value` stands last: SQLite reaches a column behind a large BLOB only by walking through all of its overflow pages.
# `items_before` counts the items of the partition before this record, so that a lag is one subtraction.
_RECORDS: Final = """
CREATE TABLE records (
    "offset" INTEGER PRIMARY KEY AUTOINCREMENT,
    partition INTEGER NOT NULL,
    kind TEXT NOT NULL,
    items INTEGER NOT NULL,
    items_before INTEGER NOT NULL,
    appended_ms INTEGER NOT NULL,
    traceparent TEXT NOT NULL DEFAULT '',
    value BLOB NOT NULL
)"""
_META: Final = """
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    format INTEGER NOT NULL,
    log_id TEXT NOT NULL,
    stream TEXT NOT NULL,
    partitions INTEGER NOT NULL
)"""
_PRUNED: Final = "CREATE TABLE pruned_through (partition INTEGER PRIMARY KEY, last_offset INTEGER NOT NULL)"
_ADD_TRACEPARENT: Final = "ALTER TABLE records ADD COLUMN traceparent TEXT NOT NULL DEFAULT ''"
_INSERT: Final = (
    "INSERT INTO records (partition, kind, items, items_before, appended_ms, traceparent, value) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_ITEMS_SO_FAR: Final = 'SELECT items_before + items FROM records WHERE partition = ? ORDER BY "offset" DESC LIMIT 1'  # 0 once all is pruned
_ITEMS_BEFORE: Final = (
    'SELECT items_before FROM records WHERE partition = ? AND "offset" >= ? ORDER BY "offset" LIMIT 1'
)


class LogMeta(NamedTuple):
    """What is fixed when a log is made."""

    log_id: str
    stream: str
    partitions: int


@contextmanager
def unavailable_on_failure(stream: str, path: Path) -> Iterator[None]:
    """Turn SQLite's and the file system's failures into `LogUnavailable`, one line; misuse of a connection stays a defect."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except (sqlite3.DatabaseError, OSError) as error:
        raise LogUnavailable(
            f"{stream}: the log {path} cannot be written ({error}); once there is space and permission, writing resumes"
        ) from error


def open_for_writing(path: Path, *, create: bool = True) -> sqlite3.Connection:
    """A connection in autocommit mode (transactions are begun by hand) with the settings a log needs.

    It may be used from several threads, one at a time. Raises `sqlite3.Error`.
    """
    uri = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    try:
        configure_connection(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def configure_connection(connection: sqlite3.Connection) -> None:
    """Make commits durable (WAL, synchronous FULL) and let a new file give pruned space back. Outside a transaction."""
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise sqlite3.OperationalError(
            f"the file system does not support SQLite's write-ahead log, journal mode {mode}"
        )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")


def create_schema(connection: sqlite3.Connection, stream: str, partitions: int = 1) -> LogMeta:
    """Make the tables of the log `stream` unless they are there, within the open transaction or one of its own.

    Raises `ConfigurationError` when the file holds another stream, or was made with another number of partitions.
    """
    if not 1 <= partitions <= MAX_PARTITIONS:
        raise ConfigurationError(f"{stream}: {partitions} partitions asked for; a log has 1 to {MAX_PARTITIONS}")
    if connection.in_transaction:
        return _create_or_check(connection, stream, partitions)
    connection.execute("BEGIN IMMEDIATE")
    try:
        meta = _create_or_check(connection, stream, partitions)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # a failed commit may have rolled back already
            connection.execute("ROLLBACK")
        raise
    return meta


def _create_or_check(connection: sqlite3.Connection, stream: str, partitions: int) -> LogMeta:
    meta = read_meta(connection)
    if meta is None:
        meta = LogMeta(secrets.token_hex(16), stream, partitions)
        connection.execute(_RECORDS)
        connection.execute(_META)
        connection.execute(_PRUNED)
        if partitions > 1:
            connection.execute("CREATE INDEX records_of_partition ON records (partition)")
        connection.execute("INSERT INTO meta VALUES (1, ?, ?, ?, ?)", (_FORMAT, *meta))
    if meta.stream != stream:
        raise ConfigurationError(f"the log of {stream} was asked for in a file that holds {meta.stream}")
    if meta.partitions != partitions:
        raise ConfigurationError(
            f"{stream}: the log was made with {meta.partitions} partitions and keeps them, but the settings say "
            f"{partitions}; set PARCOURS_PARTITIONS={meta.partitions}"
        )
    if not keeps_traces(connection):
        connection.execute(_ADD_TRACEPARENT)
    return meta


def keeps_traces(connection: sqlite3.Connection) -> bool:
    """Whether the records have a column for their trace: those of earlier versions get it when their writer opens them."""
    found = connection.execute("SELECT 1 FROM pragma_table_info('records') WHERE name = 'traceparent'").fetchone()
    return found is not None


def read_meta(connection: sqlite3.Connection) -> LogMeta | None:
    """What the file says of its log; `None` while it holds none. Raises `LogError` for a format of a later version."""
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").fetchone() is None:
        return None
    written, log_id, stream, partitions = connection.execute(
        "SELECT format, log_id, stream, partitions FROM meta"
    ).fetchone()
    if written != _FORMAT:
        raise LogError(f"{stream}: the log has format {written}, this version of Parcours reads {_FORMAT}; update it")
    return LogMeta(log_id, stream, partitions)


def append_records(connection: sqlite3.Connection, records: Sequence[Record], now_ms: int) -> list[int]:
    """Append within the caller's open transaction and give the offsets; they hold once the caller has committed.

    Raises `LogError` for records over the limits (nothing is written then) or without a transaction or log, and
    `sqlite3.Error` when SQLite fails: the caller then rolls back.
    """
    meta = read_meta(connection)
    if meta is None or not connection.in_transaction:
        raise LogError("records are appended within an open transaction, after create_schema")
    check_records(records, meta.stream, meta.partitions)
    items_so_far: dict[int, int] = {}
    offsets: list[int] = []
    for record in records:
        before = items_so_far.get(record.partition)
        if before is None:
            before = _first(connection, _ITEMS_SO_FAR, record.partition) or 0
        row = (record.partition, record.kind.value, record.items, before, now_ms, record.traceparent, record.value)
        offset = connection.execute(_INSERT, row).lastrowid
        offsets.append(offset or 0)
        items_so_far[record.partition] = before + record.items
    return offsets


def next_offset(connection: sqlite3.Connection) -> int:
    """The offset that the next record gets; never one that was given before, whatever has been pruned."""
    return (_first(connection, "SELECT seq FROM sqlite_sequence WHERE name = 'records'") or 0) + 1


def items_from(connection: sqlite3.Connection, partition: int, offset: int) -> int:
    """How many items the partition holds from the offset on; two look-ups, whatever the number of records."""
    before = _first(connection, _ITEMS_BEFORE, partition, offset)
    return 0 if before is None else (_first(connection, _ITEMS_SO_FAR, partition) or 0) - before


def pruned_through(connection: sqlite3.Connection) -> dict[int, int]:
    """The last offset pruned, per partition of which anything has been."""
    return dict(connection.execute("SELECT partition, last_offset FROM pruned_through").fetchall())


def prune_records(connection: sqlite3.Connection, before_ms: int, passed: Mapping[int, int], limit_records: int) -> int:
    """Delete records appended before `before_ms` that every consumer has passed, the oldest first, and count them.

    `passed` gives the next offset, per partition, that the slowest consumer wants; of a partition not named nothing goes.
    At most `limit_records` go in one call. Call within an open transaction, then `release_pruned_space`.
    """
    count = 0
    for partition, wanted in sorted(passed.items()):
        last = _last_prunable(connection, partition, wanted, before_ms, limit_records - count)
        if last is not None:
            count += connection.execute(
                'DELETE FROM records WHERE partition = ? AND "offset" <= ?', (partition, last)
            ).rowcount
            connection.execute("INSERT OR REPLACE INTO pruned_through VALUES (?, ?)", (partition, last))
    return count


def _last_prunable(
    connection: sqlite3.Connection, partition: int, wanted: int, before_ms: int, limit_records: int
) -> int | None:
    """The last of the oldest records that may go. What is kept stays whole: a record that must stay keeps those after it."""
    last = None
    rows = connection.execute(
        'SELECT "offset", appended_ms FROM records WHERE partition = ? AND "offset" < ? ORDER BY "offset" LIMIT ?',
        (partition, wanted, max(limit_records, 0)),
    )
    for offset, appended_ms in rows:
        if appended_ms >= before_ms:
            break
        last = offset
    rows.close()
    return last


def release_pruned_space(connection: sqlite3.Connection) -> None:
    """Give at most `VACUUM_PAGES` free pages back to the file system. Outside a transaction."""
    # `execute` would stop after one page: this pragma yields a row without columns for each.
    connection.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def fold_wal(connection: sqlite3.Connection) -> None:
    """Before closing: bring all into the file itself, so that a copy of it alone is whole. Not while others read."""
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _first(connection: sqlite3.Connection, sql: str, *parameters: int) -> int | None:
    row = connection.execute(sql, parameters).fetchone()
    return None if row is None else int(row[0])
