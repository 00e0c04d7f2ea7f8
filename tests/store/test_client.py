"""The door to ClickHouse: read-only and bounded for queries, one process per folder, errors fit for people."""

import logging
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.errors import FolderInUse, QueryLimitExceeded, StoreBusy, StoreError
from shared.store.client import Store
from shared.store.folder import FolderLock
from tests.fixtures_store import MEMORY_MB


def folder_of(store: Store) -> Path:
    """Where the store of this test process lies."""
    return Path(store.writer().path)


def another(store: Store, query_limit_s: int) -> Store:
    """A second store of the same ClickHouse; a folder is this process's already."""
    second = Store(store._dsn, MEMORY_MB, query_limit_s)
    if store.embedded:
        second._folder_lock = FolderLock(folder_of(store))
    return second


def test_what_a_killed_process_left_is_deleted(tmp_path: Path) -> None:
    """Files of inserts, and folders too; what a link leads to stays."""
    inserts, elsewhere = tmp_path / "site" / "inserts", tmp_path / "elsewhere"
    for folder in (inserts / "left" / "deep", elsewhere):
        folder.mkdir(parents=True)
        (folder / "rows").write_text("{}", encoding="utf-8")
    (inserts / "rows").write_text("{}", encoding="utf-8")
    (inserts / "link").symlink_to(elsewhere)
    held, temporary = Store("chdb:///nowhere", MEMORY_MB, 1), tempfile.tempdir
    try:
        held._hold_folder(tmp_path / "site")
        assert list(inserts.iterdir()) == []
        assert (elsewhere / "rows").exists()
    finally:
        held.close()
        tempfile.tempdir = temporary


def test_values_are_bound(store: Store) -> None:
    """A value is never read as SQL, whatever it holds."""
    value = "x'; DROP TABLE events --\n\\{a:String}"
    rows = store.query("SELECT {a:String} AS a, {b:Array(UInt8)} AS b", {"a": value, "b": [1, 2]})
    assert rows.columns == ["a", "b"]
    assert rows.rows == [(value, [1, 2])]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:9/', 'LineAsString')",
        "SELECT 1 INTO OUTFILE '/tmp/parcours-test-outfile'",
        "INSERT INTO events (id) VALUES ('x')",
        "DROP TABLE events",
        "SET readonly = 0",
        "SELECT 1 SETTINGS readonly = 0, max_execution_time = 0",
        "SELECT * FROM executable('id', 'LineAsString', 'x String')",
    ],
)
def test_queries_only_read_tables(store: Store, sql: str) -> None:
    """A query reaches no file, no network, no process, writes nothing, and cannot lift its own limits."""
    with pytest.raises(StoreError):
        store.query(sql)
    with pytest.raises(StoreError):
        store.recount_query(sql)
    assert not Path("/tmp/parcours-test-outfile").exists()


def test_limits_of_time_and_memory(store: Store) -> None:
    """A query over its time or memory ends with an error that says what to do."""
    slow = another(store, query_limit_s=1)
    with pytest.raises(QueryLimitExceeded, match="takes too long"):
        slow.query("SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))")
    with pytest.raises(QueryLimitExceeded, match="too much memory"):
        store.query("SELECT uniqExact(number) FROM numbers(200000000)")
    assert store.query("SELECT 1").rows == [(1,)]
    slow.close()


def test_too_many_queries_at_once(store: Store) -> None:
    """Queries beyond the pool wait, and are refused after the limit."""
    busy = another(store, query_limit_s=2)
    for _ in range(4):
        busy.query("SELECT 1")
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(busy.query, "SELECT sleep(0.7)") for _ in range(4)]
        while busy._idle.qsize():
            time.sleep(0.001)
        busy._query_limit_s = 0.05
        with pytest.raises(StoreBusy, match="Too many queries"):
            busy.query("SELECT 1")
        assert {type(answer.exception()) for answer in answers} <= {type(None), StoreBusy}
    assert busy.query("SELECT 1").rows == [(1,)]
    busy.close()


def test_an_insert_does_not_wait_behind_queries(store: Store) -> None:
    """Inserts have a client of their own: one takes its usual time while a query runs."""
    store.writer().command("CREATE TABLE IF NOT EXISTS side_by_side (a UInt8) ENGINE = Memory")
    query = threading.Thread(target=store.query, args=("SELECT sleep(2)",))
    query.start()
    start = time.perf_counter()
    store.writer().command("INSERT INTO side_by_side SELECT 1")
    elapsed_s = time.perf_counter() - start
    query.join()
    store.writer().command("DROP TABLE side_by_side")
    assert elapsed_s < 1


def test_threads_share_the_pool(store: Store) -> None:
    """Queries from many threads each get their own answer."""
    with ThreadPoolExecutor(12) as pool:
        answers = pool.map(
            lambda n: store.query("SELECT {n:UInt32}, sum(number) FROM numbers(10000)", {"n": n}).rows, range(60)
        )
        assert [rows[0][0] for rows in answers] == list(range(60))


def test_errors_quote_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """What a person and the log see of a failure holds neither ClickHouse's own text nor any value."""
    with caplog.at_level(logging.WARNING), pytest.raises(StoreError) as caught:
        store.query("SELECT toDate({secret:String})", {"secret": "+33612345678"})
    seen = str(caught.value) + caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert "ClickHouse refused a statement (error" in str(caught.value)
    assert "33612345678" not in seen
    assert "DB::Exception" not in seen


def test_one_process_per_folder(embedded_store: Store) -> None:
    """A second process gets one clear line that names the folder and the process that holds it."""
    folder = folder_of(embedded_store)
    code = f"from shared.store.client import Store\nStore('chdb://{folder}', 512, 5).query('SELECT 1')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert "FolderInUse" in ended.stderr
    assert str(folder) in ended.stderr
    with pytest.raises(FolderInUse, match="holds the folder"):
        FolderLock(folder).acquire()


def test_nothing_is_opened_before_use_and_nothing_after_close(tmp_path: Path) -> None:
    """Making a store touches no file; a closed one refuses by name."""
    store = Store(f"chdb://{tmp_path / 'clickhouse'}", 512, 5)
    assert not list(tmp_path.iterdir())
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.query("SELECT 1")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A path that cannot be a folder is refused in one line that names it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file/clickhouse"):
        Store(f"chdb://{tmp_path / 'file' / 'clickhouse'}", 512, 5).query("SELECT 1")


def test_memory_is_bounded(embedded_store: Store) -> None:
    """The engine's own bound is the setting's, not nine tenths of the machine."""
    sql = "SELECT toUInt64(value) FROM system.server_settings WHERE name = 'max_server_memory_usage'"
    assert embedded_store.query(sql).rows == [(MEMORY_MB * 1_048_576,)]
