"""ClickHouse, embedded (chDB) or a server, behind one small door.

Inserts and queries have clients of their own: on a shared one an insert waits behind whatever query runs. Queries are
read-only, bounded in time and memory, take values by binding only, and fail with typed errors whose text is fit for a
person.
"""

import io
import queue
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from shared.errors import ConfigurationError, StoreBusy, StoreDamaged, StoreError
from shared.store.failures import typed_errors
from shared.store.folder import FolderLock

_POOL_CLIENTS: Final = 4
_WRITER_SETTINGS: Final = {
    # The default of recent servers answers before the rows are there.
    "async_insert": 0,
    "date_time_input_format": "best_effort",
    "input_format_skip_unknown_fields": 1,
    "input_format_null_as_default": 1,
}
_ALL_PROCESSORS: Final = {"max_threads_min_free_memory_per_thread": 0}
"""The memory that chDB may use is bounded below what it wants free for each thread: by itself it would use one processor."""
_CONNECT_LIMIT_S: Final = 5
_WRITE_LIMIT_S: Final = 240
_GRACE_S: Final = 20
"""A server ends a statement by itself, this long before the connection is given up: nobody waits for what still runs."""
_WRITES_FILE: Final = re.compile(r"\boutfile\b", re.IGNORECASE)


class Rows(NamedTuple):
    """A query's answer: column names, and a tuple a row in their order.

    Without rows there may be no column names either: chDB then tells none.
    """

    columns: list[str]
    rows: list[tuple[Any, ...]]


class Store:
    """One ClickHouse: `chdb:///absolute/folder`, or a server's `http://user:password@host:8123/database` (or https).

    Nothing is opened before the first use. A folder is held by one process at a time (`FolderInUse`). All methods may
    be called from any thread; `writer()` gives one client, meant for one thread. Raises `ConfigurationError` for
    another DSN.
    """

    def __init__(self, dsn: str, memory_mb: int, query_limit_s: int) -> None:
        check_dsn(dsn)
        self._dsn = dsn
        self._memory_bytes = memory_mb * 1_048_576
        self._query_limit_s = query_limit_s
        self._folder = Path(urlsplit(dsn).path) if dsn.startswith("chdb:") else None
        self._folder_lock: FolderLock | None = None
        self._opening = threading.RLock()
        self._closed = False
        self._damage = ""
        self._writer: Client | None = None
        self._all: list[Client] = []
        self._idle: queue.LifoQueue[Client | None] = queue.LifoQueue()
        for _ in range(_POOL_CLIENTS):
            self._idle.put(None)

    @property
    def damage(self) -> str:
        """What was found damaged since this object was made, as a query said it; else empty."""
        return self._damage

    @property
    def embedded(self) -> bool:
        """Whether ClickHouse runs in this process."""
        return self._folder is not None

    def writer(self) -> Client:
        """The client for inserts and DDL. Raises `FolderInUse`, `StoreError`."""
        with self._opening:
            if self._writer is None:
                self._writer = self._open(self._writer_settings(), _WRITE_LIMIT_S)
            return self._writer

    def open_writer(self) -> Client:
        """A client for inserts beside `writer()`, for a thread of its own; bounded as a query is, and on one processor.

        Raises as `writer`.
        """
        bounds = self._bounds() | {"max_threads": 1, "max_insert_threads": 1}
        return self._open(self._writer_settings() | bounds, _WRITE_LIMIT_S)

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        """Run one read-only statement; `{name:Type}` in it takes its value from `parameters`.

        Raises `QueryLimitExceeded` beyond the time or memory of one query, `StoreBusy` when every client stays busy for
        `query_limit_s` (or the server says so), and `StoreError` for the rest.
        """
        _refuse_outfile(sql)
        with self._reader() as client, typed_errors(sql):
            result = client.query(sql, parameters=dict(parameters or {}))
            return Rows(list(result.column_names), [tuple(row) for row in result.result_rows])

    def query_json(self, sql: str, parameters: Mapping[str, Any] | None = None) -> bytes:
        """As `query`; the rows as one JSON array of objects, as ClickHouse writes it."""
        _refuse_outfile(sql)
        with self._reader() as client, typed_errors(sql):
            return client.raw_query(sql, parameters=dict(parameters or {}), fmt="JSONEachRow")

    def query_parquet(self, sql: str, parameters: Mapping[str, Any] | None = None) -> bytes:
        """As `query`; the rows as one Parquet file, held in memory: ask for a bounded number of rows."""
        _refuse_outfile(sql)
        with self._reader() as client, typed_errors(sql):
            return client.raw_query(sql, parameters=dict(parameters or {}), fmt="Parquet")

    def recount_query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        """As `query`, with ten times the time."""
        _refuse_outfile(sql)
        settings = self._reader_settings(self._query_limit_s * 10) | {"readonly": 1}
        client = self._open(settings, self._query_limit_s * 10)
        try:
            with typed_errors(sql):
                result = client.query(sql, parameters=dict(parameters or {}))
                return Rows(list(result.column_names), [tuple(row) for row in result.result_rows])
        finally:
            self._discard(client)

    def close(self) -> None:
        """Release the clients and the folder; what was inserted stays."""
        with self._opening:
            self._closed = True
            for client in self._all:
                client.close()
            self._all.clear()
            self._writer = None
            if self._folder_lock is not None:
                self._folder_lock.release()
                self._folder_lock = None

    @contextmanager
    def _reader(self) -> Iterator[Client]:
        try:
            client = self._idle.get(timeout=self._query_limit_s)
        except queue.Empty:
            raise StoreBusy("Too many queries at once: try again in a moment") from None
        try:
            if client is None:
                client = self._open(self._reader_settings(self._query_limit_s) | {"readonly": 1}, self._query_limit_s)
            yield client
        except StoreDamaged as error:
            self._damage = str(error)
            raise
        finally:
            self._idle.put(client)

    def _reader_settings(self, limit_s: int) -> dict[str, Any]:
        return {
            "max_execution_time": limit_s,
            # Stored sums are read by name (stored_sums.py): looking whether they answer a question costs more than most answers.
            "optimize_use_projections": 0,
            # Of every key of `journeys` all rows lie in one partition, that of the day in it: a quarter less for `FINAL`.
            "do_not_merge_across_partitions_select_final": 1,
            "output_format_json_array_of_rows": 1,
            "output_format_json_named_tuples_as_objects": 1,
            "output_format_json_quote_64bit_integers": 0,
        } | (self._bounds() | _ALL_PROCESSORS if self.embedded else self._bounds())

    def _bounds(self) -> dict[str, Any]:
        """The memory of one statement."""
        return {
            "max_memory_usage": self._memory_bytes // 2,
            "max_bytes_before_external_group_by": self._memory_bytes // 4,
            "max_bytes_before_external_sort": self._memory_bytes // 4,
        }

    def _writer_settings(self) -> dict[str, Any]:
        if self.embedded:
            return dict(_WRITER_SETTINGS)
        # The answer tells how the statement ended, not how it began; what runs too long ends on the server, too.
        return _WRITER_SETTINGS | {"wait_end_of_query": 1, "max_execution_time": _WRITE_LIMIT_S}

    def _open(self, settings: dict[str, Any], limit_s: int) -> Client:
        """A new client; `readonly`, where asked for, must come last: nothing can be set after it."""
        with self._opening:
            if self._closed:
                raise StoreError("The store has been closed")
            options: dict[str, Any] = {}
            if self._folder is not None:
                self._hold_folder(self._folder)
                options["chdb_options"] = {"max_server_memory_usage": self._memory_bytes}
            else:
                options |= {
                    # A session would refuse a second statement while the first, given up by us, still runs.
                    "autogenerate_session_id": False,
                    "connect_timeout": _CONNECT_LIMIT_S,
                    "send_receive_timeout": limit_s + _GRACE_S,
                }
            with typed_errors("open a client"):
                client = clickhouse_connect.get_client(dsn=self._dsn, settings=settings, tz_mode="aware", **options)
            self._all.append(client)
            return client

    def _discard(self, client: Client) -> None:
        with self._opening:
            if client in self._all:
                self._all.remove(client)
                client.close()

    def _hold_folder(self, folder: Path) -> None:
        """Lock the folder, and keep the driver's temporary files in it.

        The driver hands inserts to chDB as temporary files. They are personal data (if pseudonymous), and a kill leaves
        them behind: they belong in the data folder, and what a killed process left is deleted here.
        """
        if self._folder_lock is not None:
            return
        lock = FolderLock(folder)
        lock.acquire()
        self._folder_lock = lock
        inserts = folder / "inserts"
        try:
            inserts.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left_behind in inserts.iterdir():
                if left_behind.is_dir() and not left_behind.is_symlink():
                    shutil.rmtree(left_behind)
                else:
                    left_behind.unlink()
        except OSError as error:
            raise StoreError(f"The folder {inserts} cannot be written: {error.strerror}") from error
        tempfile.tempdir = str(inserts)


def check_dsn(dsn: str) -> None:
    """Raise `ConfigurationError`, without the password, for what is neither a folder's nor a server's DSN."""
    try:
        parts = urlsplit(dsn)
        good = parts.scheme == "chdb" or (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        )
    except ValueError:
        good = False
    if not good:
        raise ConfigurationError("PARCOURS_CLICKHOUSE is not like http://user:password@host:8123/database")


def insert_rows(writer: Client, table: str, block: bytes, fmt: str = "JSONEachRow") -> None:
    """Insert a block of rows, sent once. Raises the driver's errors.

    Given as a stream: bytes the driver would send again by itself when the connection ends before the answer.
    """
    writer.raw_insert(table, insert_block=io.BytesIO(block), fmt=fmt)


def _refuse_outfile(sql: str) -> None:
    """`readonly` refuses `file()` and `url()`, but chDB lets `INTO OUTFILE` write on this machine."""
    if _WRITES_FILE.search(sql):
        raise StoreError("A query may not write a file")
