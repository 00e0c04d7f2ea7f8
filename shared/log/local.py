"""The log on one machine: one SQLite file per stream, one writer, readers in any number of processes.

All partitions share one sequence of offsets, which starts at 1 and never starts again.
"""

import heapq
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Final

from shared.clock import now_ms
from shared.errors import LogError, LogMismatch, LogUnavailable
from shared.log.file_guard import FileGuard
from shared.log.limits import check_records
from shared.log.port import Kind, Position, Record, StoredRecord
from shared.log.records_table import (
    BUSY_TIMEOUT_S,
    LogMeta,
    append_records,
    configure_connection,
    create_schema,
    fold_wal,
    items_from,
    keeps_traces,
    next_offset,
    open_for_writing,
    prune_records,
    pruned_through,
    read_meta,
    release_pruned_space,
    unavailable_on_failure,
)

__all__ = [
    "LocalLogReader",
    "LocalLogWriter",
    "LogMeta",
    "append_records",
    "configure_connection",
    "create_schema",
    "fold_wal",
    "next_offset",
    "open_for_writing",
    "prune_records",
    "release_pruned_space",
    "unavailable_on_failure",
]

_SELECT: Final = (
    'SELECT "offset", partition, kind, items, appended_ms, traceparent, value FROM records '
    'WHERE partition = ? AND "offset" >= ? ORDER BY "offset"'
)
_SELECT_EARLIER: Final = _SELECT.replace("traceparent", "''")
"""From a file that its writer has not opened since records have traces."""


class LocalLogWriter:
    """The writer of one stream; its methods may be called from several threads.

    Opening makes the log when there is none. Raises `ConfigurationError` when the file holds another stream or another
    number of partitions, `LogUnavailable` when it cannot be opened.
    """

    def __init__(self, path: Path, stream: str, partitions: int = 1, *, clock_ms: Callable[[], int] = now_ms) -> None:
        self._path = path
        self._stream = stream
        self._clock_ms = clock_ms
        self._lock = threading.Lock()
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        with unavailable_on_failure(stream, path):
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = open_for_writing(path)
            try:
                self._meta = create_schema(connection, stream, partitions)
                _sync_folder(path.parent)
                self._guard = FileGuard(path)
            except BaseException:
                connection.close()
                raise
        self._connection = connection

    @property
    def stream(self) -> str:
        """The name of the stream."""
        return self._stream

    @property
    def partitions(self) -> int:
        """The number of partitions, fixed when the log was made."""
        return self._meta.partitions

    def log_id(self) -> str:
        """The identity of the log, made when it was made."""
        return self._meta.log_id

    def append(self, records: Sequence[Record]) -> list[int]:
        """Make the records durable, all or none, in one transaction, and give their offsets.

        Raises `LogUnavailable` when they cannot be kept: nothing of them is, and the next call tries afresh. Raises
        `LogError` for a record over the limits or of a partition that does not exist.
        """
        check_records(records, self._stream, self._meta.partitions)
        if not records:
            return []
        with self._lock, self._transaction() as connection:
            return append_records(connection, records, self._clock_ms())

    def ends(self) -> dict[int, int]:
        """The next offset to be written, per partition."""
        with self._lock, unavailable_on_failure(self._stream, self._path):
            end = next_offset(self._connected())
        return dict.fromkeys(range(self._meta.partitions), end)

    def prune(self, before_ms: int, passed: Mapping[int, int], limit_records: int) -> int:
        """Delete at most `limit_records` records appended before `before_ms` that every consumer has passed; their number.

        `passed` gives the next offset, per partition, that the slowest consumer wants. Raises `LogUnavailable`.
        """
        with self._lock:
            with self._transaction() as connection:
                count = prune_records(connection, before_ms, passed, limit_records)
            with unavailable_on_failure(self._stream, self._path):
                release_pruned_space(connection)
        return count

    def close(self) -> None:
        """Release the stream; everything appended stays."""
        with self._lock:
            self._closed = True
            if self._connection is not None:
                fold_wal(self._connection)
            self._disconnect()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with unavailable_on_failure(self._stream, self._path):
            connection = self._connected()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                self._roll_back(connection)
                raise

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        """Undo; keep the connection if that works.

        After a failed sync the WAL may hold a complete commit that SQLite's shared index does not count. While the
        connection lives, the next commit overwrites it; opened afresh, recovery could bring it back.
        """
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            connection.execute("SELECT 1 FROM meta").fetchone()
        except sqlite3.Error:
            self._disconnect()

    def _connected(self) -> sqlite3.Connection:
        """The open connection, or a new one to the same log; never a new log, and never a file that has lost its name."""
        if self._closed:
            raise LogError(f"{self._stream}: the log is closed")
        lost = self._guard.lost()
        if lost is not None:
            raise LogUnavailable(f"{self._stream}: {lost} was removed or replaced while it was open; restart Parcours")
        if self._connection is None:
            self._connection = open_for_writing(self._path, create=False)
            if read_meta(self._connection) != self._meta:
                self._disconnect()
                raise LogUnavailable(f"{self._stream}: {self._path} holds another log than before; restart Parcours")
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._guard.closed()


class LocalLogReader:
    """Reads one stream, also before its writer has made it; its methods may be called from several threads.

    All methods raise `LogMismatch` when the file holds another stream, and `LogError` when it cannot be read now.
    """

    def __init__(self, path: Path, stream: str) -> None:
        self._path = path
        self._stream = stream
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._identity = (0, 0)
        self._meta: LogMeta | None = None
        self._nothing_new: tuple[int, dict[int, Position]] | None = None

    @property
    def stream(self) -> str:
        """The name of the stream."""
        return self._stream

    def read(self, after: dict[int, Position], limit_bytes: int) -> list[StoredRecord]:
        """Records from the positions on, in offset order, at most `limit_bytes` of values (but at least one record).

        A partition not named is read from the first record that the log still holds; a position with offset 0 insists
        on the very first. Raises `LogMismatch` as the port says.
        """
        with self._lock, self._snapshot() as snapshot:
            if snapshot is None:
                return []
            connection, meta = snapshot
            version = int(connection.execute("PRAGMA data_version").fetchone()[0])
            if self._nothing_new == (version, after):
                return []
            connection.execute("BEGIN")
            self._check(connection, meta, after)
            records = _read_merged(connection, _starts(meta, after), limit_bytes)
            self._nothing_new = None if records else (version, dict(after))
            return records

    def log_id(self) -> str | None:
        """The identity of the log, made when it was made; `None` while it does not exist."""
        with self._lock, self._snapshot() as snapshot:
            return None if snapshot is None else snapshot[1].log_id

    def ends(self) -> dict[int, int]:
        """The next offset to be written, per partition; empty while the log does not exist."""
        with self._lock, self._snapshot() as snapshot:
            if snapshot is None:
                return {}
            connection, meta = snapshot
            return dict.fromkeys(range(meta.partitions), next_offset(connection))

    def lag_items(self, after: dict[int, Position]) -> int:
        """How many items stand from the positions on, over all partitions. Raises `LogMismatch` as `read` does."""
        with self._lock, self._snapshot() as snapshot:
            if snapshot is None:
                return 0
            connection, meta = snapshot
            connection.execute("BEGIN")
            self._check(connection, meta, after)
            return sum(items_from(connection, partition, start) for partition, start in _starts(meta, after).items())

    def close(self) -> None:
        """Release the stream; a later call opens it again."""
        with self._lock:
            self._disconnect()

    @contextmanager
    def _snapshot(self) -> Iterator[tuple[sqlite3.Connection, LogMeta] | None]:
        """The connection and what the log is, `None` while there is none; ends the transaction that the caller began."""
        try:
            connection = self._connected()
            meta = None if connection is None else self._meta_of(connection)
            yield None if connection is None or meta is None else (connection, meta)
            if connection is not None and connection.in_transaction:
                connection.execute("COMMIT")
        except (sqlite3.DatabaseError, OSError) as error:
            self._disconnect()
            raise LogError(f"{self._stream}: the log {self._path} cannot be read now ({error})") from error
        except BaseException:
            self._disconnect()
            raise

    def _connected(self) -> sqlite3.Connection | None:
        """The connection to the file that bears the name now; `None` while none does, or it is still being made."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            status = None
        if status is None or status.st_size == 0:
            self._disconnect()
            return None
        if self._connection is None or self._identity != (status.st_dev, status.st_ino):
            self._disconnect()
            uri = f"{self._path.absolute().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(
                uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._identity = (status.st_dev, status.st_ino)
        return self._connection

    def _meta_of(self, connection: sqlite3.Connection) -> LogMeta | None:
        if self._meta is None:
            meta = read_meta(connection)
            if meta is not None and meta.stream != self._stream:
                raise LogMismatch(
                    f"{self._stream}: expected in {self._path}, which holds {meta.stream}; the file was moved or renamed, "
                    f"put back the right one"
                )
            self._meta = meta
        return self._meta

    def _check(self, connection: sqlite3.Connection, meta: LogMeta, after: Mapping[int, Position]) -> None:
        end = next_offset(connection)
        pruned = pruned_through(connection)
        for partition, position in after.items():
            problem = _mismatch(meta, partition, position, end, pruned.get(partition, -1))
            if problem:
                raise LogMismatch(f"{self._stream}: {problem} ({self._path})")

    def _disconnect(self) -> None:
        self._meta = None
        self._nothing_new = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _mismatch(meta: LogMeta, partition: int, position: Position, end: int, pruned: int) -> str | None:
    """Why a reader cannot go on from the position: what was expected, what was found, what to do; `None` if it can."""
    if position.log_id != meta.log_id:
        return (
            f"expected log {position.log_id}, found log {meta.log_id}; put back the log that this consumer has read, "
            f"or remove what the consumer keeps, to start over with this one"
        )
    if not 0 <= partition < meta.partitions:
        return (
            f"expected a partition {partition}, found {meta.partitions} partitions; restore log and consumer together"
        )
    if position.next_offset > end:
        return (
            f"expected offset {position.next_offset} of partition {partition}, found a log that ends before {end}: it is "
            f"older than its consumer; restore both from the same backup"
        )
    if position.next_offset <= pruned:
        return (
            f"the log no longer holds offset {position.next_offset} of partition {partition}, records through {pruned} "
            f"have been pruned; restore a later state of this consumer, or remove what it keeps, to start from what is left"
        )
    return None


def _starts(meta: LogMeta, after: Mapping[int, Position]) -> dict[int, int]:
    return {p: after[p].next_offset if p in after else 0 for p in range(meta.partitions)}


def _read_merged(connection: sqlite3.Connection, starts: Mapping[int, int], limit_bytes: int) -> list[StoredRecord]:
    """Records of all partitions in offset order, until the next would go over the limit."""
    records: list[StoredRecord] = []
    size_bytes = 0
    select = _SELECT if keeps_traces(connection) else _SELECT_EARLIER
    cursors = [connection.execute(select, start) for start in starts.items()]
    with closing(heapq.merge(*cursors, key=itemgetter(0))) as rows:
        for offset, partition, kind, items, appended_ms, traceparent, value in rows:
            size_bytes += len(value)
            if records and size_bytes > limit_bytes:
                break
            record = StoredRecord(partition, offset, _kind(kind, offset), value, items, appended_ms, traceparent)
            records.append(record)
    for cursor in cursors:
        cursor.close()
    return records


def _kind(text: str, offset: int) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise LogError(f"the record at offset {offset} is of kind {text}, which this version does not know") from None


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
