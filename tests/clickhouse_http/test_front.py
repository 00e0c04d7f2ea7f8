"""The HTTP front speaks as much of ClickHouse's protocol as the driver uses; what it says is held to the driver itself."""

import gzip
import io
from collections.abc import Iterator
from http.client import HTTPConnection
from uuid import uuid4

import clickhouse_connect
import lz4.frame
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from tests.clickhouse_http.process import ClickHouseOverHttp


@pytest.fixture
def client(clickhouse_over_http: ClickHouseOverHttp) -> Iterator[Client]:
    """The driver's own client."""
    client = clickhouse_connect.get_client(dsn=clickhouse_over_http.dsn, autogenerate_session_id=False)
    client.command(
        "CREATE TABLE IF NOT EXISTS front (a UInt64, s LowCardinality(String)) ENGINE = MergeTree ORDER BY a"
    )
    client.command("TRUNCATE TABLE front")
    yield client
    client.close()


def test_bound_values_of_every_size(client: Client) -> None:
    """In the address, or in a form where they are too long for one."""
    for text in ("", "é'\t\\x\n{s:String}", "x" * 300_000):
        assert client.query("SELECT {s:String}", parameters={"s": text}).result_rows == [(text,)]


@pytest.mark.parametrize("compression", [None, "gzip", "lz4"])
def test_bodies_of_inserts(client: Client, compression: str | None) -> None:
    """As bytes or as a stream, compressed or not."""
    rows = b'[{"a":1,"s":"x"},{"a":2,"s":"y"}]'
    body = {"gzip": gzip.compress, "lz4": lz4.frame.compress}.get(compression or "", bytes)(rows)
    client.raw_insert("front", insert_block=body, fmt="JSONEachRow", compression=compression)
    summary = client.raw_insert("front", insert_block=io.BytesIO(body), fmt="JSONEachRow", compression=compression)
    assert summary.written_rows == 2
    assert client.command("SELECT count() FROM front") == 4


def test_native_blocks_in_both_directions(client: Client) -> None:
    """Rows as the driver packs them, and an answer that streams."""
    client.insert("front", [[number, str(number % 7)] for number in range(100_000)], column_names=["a", "s"])
    with client.query_row_block_stream("SELECT a, s FROM front ORDER BY a") as blocks:
        sizes = [len(block) for block in blocks]
    assert sum(sizes) == 100_000
    assert len(sizes) > 1


def test_settings_hold_for_one_request(client: Client) -> None:
    """What one request sets the next does not have."""
    asked = "SELECT value FROM system.settings WHERE name = 'max_threads'"
    assert client.query(asked, settings={"max_threads": 1}).result_rows == [("1",)]
    assert client.query(asked).result_rows != [("1",)]


def test_what_only_reads_cannot_write(client: Client) -> None:
    """`readonly` is the engine's own, whatever else is asked."""
    with pytest.raises(DatabaseError) as raised:
        client.command("INSERT INTO front SELECT 1, 'x'", settings={"readonly": 1})
    assert raised.value.code == 164


def test_errors_have_their_numbers(client: Client, clickhouse_over_http: ClickHouseOverHttp) -> None:
    """In the header, the text and the status, as a server has them."""
    with pytest.raises(DatabaseError) as raised:
        client.query("SELECT * FROM nowhere")
    assert (raised.value.code, raised.value.name) == (60, "UNKNOWN_TABLE")
    connection = HTTPConnection("127.0.0.1", clickhouse_over_http.port, timeout=10)
    connection.request("POST", "/", "SELECT * FROM nowhere", client.headers)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (404, "60")
    answer.read()
    connection.request("GET", "/ping")
    assert connection.getresponse().read() == b"Ok.\n"
    connection.close()


def test_sessions(clickhouse_over_http: ClickHouseOverHttp) -> None:
    """A session keeps its temporary tables, and only its own."""
    one, other = (
        clickhouse_connect.get_client(dsn=clickhouse_over_http.dsn, session_id=str(uuid4())) for _ in range(2)
    )
    one.command("CREATE TEMPORARY TABLE kept (a UInt8)")
    assert one.command("SELECT count() FROM kept") == 0
    with pytest.raises(DatabaseError):
        other.command("SELECT count() FROM kept")


@pytest.mark.parametrize(("moment", "rows"), [("before", 0), ("after", 1)])
def test_cut_connections(client: Client, clickhouse_over_http: ClickHouseOverHttp, moment: str, rows: int) -> None:
    """The driver learns that the connection is gone; the statement ran, or did not, as was ordered."""
    clickhouse_over_http.order_cut("INSERT INTO front SELECT", moment)  # type: ignore[arg-type]
    with pytest.raises(OperationalError):
        client.command("INSERT INTO front SELECT 1, 'x'")
    assert client.command("SELECT count() FROM front") == rows


def test_the_driver_sends_bytes_again_and_a_stream_once(
    client: Client, clickhouse_over_http: ClickHouseOverHttp
) -> None:
    """Why rows are handed over as a stream: of bytes whose answer was lost, a second copy arrives."""
    clickhouse_over_http.order_cut("INSERT INTO front FORMAT")
    client.raw_insert("front", insert_block=b'[{"a":1}]', fmt="JSONEachRow")
    assert client.command("SELECT count() FROM front") == 2
    clickhouse_over_http.order_cut("INSERT INTO front FORMAT")
    with pytest.raises(OperationalError):
        client.raw_insert("front", insert_block=io.BytesIO(b'[{"a":1}]'), fmt="JSONEachRow")
    assert client.command("SELECT count() FROM front") == 3
