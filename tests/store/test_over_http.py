"""What is particular to ClickHouse as a server: passwords, servers that are away or busy, answers that are lost."""

import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import ConfigurationError, QueryLimitExceeded, StoreBusy, StoreError
from shared.store.client import Store
from shared.store.database import ensure_database
from shared.store.migrate import migrate
from tests.clickhouse_http.process import PASSWORD, QUOTED, ClickHouseOverHttp
from tests.fixtures_store import MEMORY_MB, QUERY_LIMIT_S


@pytest.fixture
def front(tmp_path: Path) -> Iterator[ClickHouseOverHttp]:
    """A front of the test's own, to be killed."""
    front = ClickHouseOverHttp(tmp_path / "clickhouse")
    front.start()
    yield front
    front.kill()


@pytest.fixture
def own(front: ClickHouseOverHttp) -> Iterator[Store]:
    """A store on it."""
    store = Store(front.dsn, MEMORY_MB, QUERY_LIMIT_S)
    yield store
    store.close()


def everything_said(error: BaseException, caplog: pytest.LogCaptureFixture) -> str:
    """What a person or a log could see: the error, what caused it, and every field of every line."""
    texts = [caplog.text, *(str(vars(record)) for record in caplog.records)]
    cause: BaseException | None = error
    while cause is not None:
        texts.append(f"{cause} {cause!r}")
        cause = cause.__cause__ or cause.__context__
    return "\n".join(texts)


def test_a_wrong_password_is_refused_and_said_nowhere(
    clickhouse_over_http: ClickHouseOverHttp, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the password nor the whole address is in the error, its causes or the log."""
    wrong = "another-secret-word"
    store = Store(clickhouse_over_http.dsn.replace(QUOTED, wrong), MEMORY_MB, QUERY_LIMIT_S)
    with caplog.at_level(logging.DEBUG), pytest.raises(StoreError, match="error 516") as raised:
        store.query("SELECT 1")
    assert wrong not in everything_said(raised.value, caplog)
    assert wrong not in repr(store)
    store.close()


def test_a_server_that_is_away_is_said_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """Within seconds, naming the setting, without the password."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        store = Store(f"http://parcours:{QUOTED}@127.0.0.1:{nobody.getsockname()[1]}/default", 512, 5)
        start_s = time.monotonic()
        with caplog.at_level(logging.DEBUG), pytest.raises(StoreError, match="PARCOURS_CLICKHOUSE") as raised:
            store.query("SELECT 1")
    assert time.monotonic() - start_s < 8
    said = everything_said(raised.value, caplog)
    assert QUOTED not in said
    assert PASSWORD not in said
    store.close()


@pytest.mark.parametrize("dsn", ["", "localhost:8123", "http://", "mysql://u:geheim@h/db", "http://u:geheim@h:port/db"])
def test_another_address_is_refused(dsn: str) -> None:
    """By the name of the setting, before anything is opened, without its password."""
    with pytest.raises(ConfigurationError, match="PARCOURS_CLICKHOUSE") as raised:
        Store(dsn, 512, 5)
    assert "geheim" not in str(raised.value)


def test_a_restarted_server_is_asked_again(front: ClickHouseOverHttp, own: Store) -> None:
    """While it is away a query fails by name; afterwards the same store answers, readers and writer alike."""
    migrate(own)
    assert own.query("SELECT 1").rows == [(1,)]
    front.kill()
    with pytest.raises(StoreError, match="does not answer"):
        own.query("SELECT 1")
    front.start()
    assert own.query("SELECT count() FROM events").rows == [(0,)]
    assert migrate(own) == []


@pytest.mark.parametrize(
    ("code", "error", "times"),
    [(202, StoreBusy, 3), (745, StoreBusy, 1), (159, QueryLimitExceeded, 1), (60, StoreError, 1)],
)
def test_busy_is_not_too_large(
    clickhouse_over_http: ClickHouseOverHttp, http_store: Store, code: int, error: type[StoreError], times: int
) -> None:
    """A server with too many queries asks to come again, which the driver does twice; a query over its limits has to ask for less."""
    clickhouse_over_http.order_error("SELECT 4711", code, times)
    with pytest.raises(StoreError) as raised:
        http_store.query("SELECT 4711")
    assert type(raised.value) is error
    assert http_store.query("SELECT 4711").rows == [(4711,)]


def test_a_read_whose_answer_is_lost_is_asked_again(
    clickhouse_over_http: ClickHouseOverHttp, http_store: Store
) -> None:
    """Reading changes nothing: the driver may repeat it."""
    struck = clickhouse_over_http.struck()
    clickhouse_over_http.order_cut("SELECT 4712", "before")
    assert http_store.query("SELECT 4712").rows == [(4712,)]
    assert clickhouse_over_http.struck() == struck + 1


def test_the_database_is_made_where_it_is_missing(front: ClickHouseOverHttp) -> None:
    """Once; a name that is none is refused."""
    dsn = front.dsn.replace("/default", "/parcours_1")
    for _ in range(2):
        ensure_database(dsn)
    store = Store(dsn, MEMORY_MB, QUERY_LIMIT_S)
    migrate(store)
    assert store.query("SELECT currentDatabase(), count() FROM events").rows == [("parcours_1", 0)]
    store.close()
    with pytest.raises(ConfigurationError, match="letters, digits"):
        ensure_database(front.dsn.replace("/default", "/a`b"))
