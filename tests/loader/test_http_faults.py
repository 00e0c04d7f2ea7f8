"""Loading over HTTP: connections cut at any moment, a server killed, two loaders; every row is there once."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.loader.loop import LoadStep
from shared.errors import StoreBusy, StoreError
from shared.log.port import Kind
from shared.store.client import Store
from shared.store.migrate import migrate
from shared.store.recount import problems, recount
from tests.clickhouse_http.faults import Moment
from tests.clickhouse_http.process import ClickHouseOverHttp
from tests.fixtures_store import MEMORY_MB, QUERY_LIMIT_S
from tests.loader.samples import Logs, event, point

STATEMENTS = (
    "TRUNCATE TABLE staging_events",
    "INSERT INTO staging_events",
    "INSERT INTO events",
    "INSERT INTO positions",
)


@pytest.fixture
def store(http_store: Store) -> Store:
    """Over HTTP only."""
    return http_store


@pytest.fixture
def front(tmp_path: Path) -> Iterator[ClickHouseOverHttp]:
    """A front of the test's own, to be killed."""
    front = ClickHouseOverHttp(tmp_path / "clickhouse")
    front.start()
    yield front
    front.kill()


def load_until_done(logs: Logs, store: Store, fence: int = 0, limit_s: float = 30) -> int:
    """Load as the loop does, again after each failure; how often it failed."""
    loader = logs.loader(store, fence=fence)
    failures = 0
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            if loader.run_once() == LoadStep():
                return failures
        except StoreError:
            failures += 1
            time.sleep(
                0.3
            )  # what runs on has begun by then: two inserts that begin at one moment are the recount's to find
    raise AssertionError("it never came to an end")


def distinct_and_stored(store: Store) -> tuple[int, int]:
    """Distinct events and rows of events."""
    return store.query("SELECT uniqExact(source, id), count() FROM events").rows[0]


@pytest.mark.parametrize("moment", ["before", "during", "after"])
@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_connection_cut_at_any_statement(
    clickhouse_over_http: ClickHouseOverHttp, empty_store: Store, logs: Logs, statement: str, moment: Moment
) -> None:
    """Whether the statement ran, runs on or never began: each event is there once, and aggregates equal a recount."""
    logs.append(Kind.EVENTS, [event(number) for number in range(300)])
    logs.append(Kind.POINTS, [point(number) for number in range(30)])
    before = clickhouse_over_http.struck()
    clickhouse_over_http.order_cut(statement, moment, delay_s=0.2)
    load_until_done(logs, empty_store)
    assert clickhouse_over_http.struck() == before + 1
    assert distinct_and_stored(empty_store) == (300, 300)
    assert problems(recount(empty_store)) == {}


def test_rows_are_sent_once(clickhouse_over_http: ClickHouseOverHttp, empty_store: Store, logs: Logs) -> None:
    """When the answer to an insert is lost, the driver does not send the rows again by itself: the loader decides."""
    logs.append(Kind.EVENTS, [event(1)])
    clickhouse_over_http.order_cut("INSERT INTO staging_events")
    with pytest.raises(StoreError, match="does not answer"):
        logs.loader(empty_store).run_once()
    assert empty_store.query("SELECT count() FROM staging_events").rows == [(1,)]


def test_an_insert_that_still_runs_is_waited_for(empty_store: Store, logs: Logs) -> None:
    """After a failure nothing is inserted while the server still runs an insert: two at once could double rows."""
    logs.append(Kind.EVENTS, [event(number) for number in range(10)])
    writer = empty_store.writer()
    writer.command("CREATE TABLE IF NOT EXISTS slow (a UInt8) ENGINE = Memory")
    slow = threading.Thread(
        target=lambda: writer.command(
            "INSERT INTO slow SELECT sleepEachRow(0.2) FROM numbers(8) SETTINGS max_block_size = 1"
        )
    )
    slow.start()
    while not empty_store.query("SELECT count() FROM system.processes WHERE query_kind = 'Insert'").rows[0][0]:
        time.sleep(0.01)
    loader = logs.loader(empty_store)
    with pytest.raises(StoreBusy, match="earlier insert"):
        loader.run_once()
    slow.join()
    loader.run_once()
    assert distinct_and_stored(empty_store) == (10, 10)
    writer.command("DROP TABLE slow")


def test_a_loader_that_lost_its_lease_can_load_nothing(empty_store: Store, logs: Logs) -> None:
    """The next holder's token takes the staging tables away: the earlier one is refused, and harms nothing."""
    logs.append(Kind.EVENTS, [event(number) for number in range(10)])
    earlier = logs.loader(empty_store, fence=3)
    assert earlier.run_once().events == 10
    logs.append(Kind.EVENTS, [event(number) for number in range(10, 20)])
    later = logs.loader(empty_store, fence=4)
    assert later.run_once().events == 10
    logs.append(Kind.EVENTS, [event(number) for number in range(20, 30)])
    with pytest.raises(StoreError):
        earlier.run_once()
    assert later.run_once().events == 10
    assert distinct_and_stored(empty_store) == (30, 30)
    tables = empty_store.query("SELECT name FROM system.tables WHERE match(name, '^staging_events_[0-9]+$')").rows
    assert tables == [("staging_events_4",)]


def test_a_server_killed_while_it_is_loaded(front: ClickHouseOverHttp, logs: Logs) -> None:
    """Killed with -9 and started again, several times: nothing acknowledged is lost, nothing is there twice."""
    store = Store(front.dsn, MEMORY_MB, QUERY_LIMIT_S)
    migrate(store)
    for record in range(60):
        logs.append(Kind.EVENTS, [event(record * 100 + number) for number in range(100)])
    done: list[int] = []
    loading = threading.Thread(target=lambda: done.append(load_slowly(logs, store)))
    loading.start()
    for _ in range(3):
        time.sleep(0.35)
        front.kill()
        front.start()
    loading.join(60)
    assert done
    assert done[0] >= 1, "no kill was noticed"
    assert distinct_and_stored(store) == (6_000, 6_000)
    assert problems(recount(store)) == {}
    store.close()


def load_slowly(logs: Logs, store: Store) -> int:
    """Load in small steps; how often one failed."""
    loader = logs.loader(store, batch_bytes=200_000, fence=1)
    failures = 0
    while True:
        try:
            if loader.run_once() == LoadStep():
                return failures
        except StoreError:
            failures += 1
            time.sleep(0.05)
