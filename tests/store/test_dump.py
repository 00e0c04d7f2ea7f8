"""Dump and restore: every row arrives as it was, in either kind of ClickHouse, and what is damaged is named."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from services.loader.targets import TARGETS
from shared.clock import now_us
from shared.errors import ConfigurationError, StoreError
from shared.journey.instants import DAY_US, to_text
from shared.log.port import Kind
from shared.store.client import Store
from shared.store.dump import TABLES, dump
from shared.store.dump_manifest import DumpFile, Slice, read_manifest
from shared.store.migrate import migrate
from shared.store.recount import problems, recount
from shared.store.restore import restore
from shared.store.slices import cut
from tests.clickhouse_http.process import ClickHouseOverHttp
from tests.fixtures_store import MEMORY_MB, QUERY_LIMIT_S
from tests.loader.samples import STREAMS, Logs, event, late_event, point

KEYS = {"routing.key": "0123456789abcdef"}
HOUR_S = 3_600


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Store:
    """The store to dump: the embedded one, unless a test asks for another."""
    store: Store = request.getfixturevalue(getattr(request, "param", "embedded_store"))
    return store


@pytest.fixture
def filled(empty_store: Store, tmp_path: Path) -> Store:
    """A store with rows of every table, of several years, with texts of every script, absences, and expired rejects."""
    logs = Logs(tmp_path / "log")
    full = {
        "comment": 'é☃"\\\n{a:b}\t',
        "attributes": {"a": "x", "ключ": "y"},
        "rating": 4.5,
        "due": "2030-01-01T00:00:00Z",
    }
    events = [event(number, **(full if number % 7 == 0 else {})) for number in range(900)]
    old = [
        msgspec.structs.replace(event(number), id=f"old-{number}", time=f"19{70 + number}-12-31T23:59:59.999999Z")
        for number in range(0, 30, 10)
    ]
    logs.append(Kind.EVENTS, [*events, *old])
    logs.append(Kind.POINTS, [point(number) for number in range(300)])
    logs.append(Kind.POINTS, [point(number, revision=2, sign=-1, minutes_citizen=None) for number in range(50)])
    logs.append(Kind.LATE, [late_event(number) for number in range(10)])
    rejects = [
        {
            "id": f"r{number}",
            "time": to_text(now_us() - number * 10 * DAY_US),
            "reason": "wrong_type",
            "payload": "c2VhbGVk",
        }
        for number in range(3)
    ]
    logs.append_value(Kind.REJECTS, msgspec.json.encode(rejects), 3, STREAMS[2])
    empty_store.writer().command("SYSTEM STOP MERGES rejects")
    logs.loader(empty_store).run_once()
    logs.close()
    return empty_store


@pytest.fixture
def front(tmp_path: Path) -> Iterator[ClickHouseOverHttp]:
    """A ClickHouse of its own behind HTTP."""
    front = ClickHouseOverHttp(tmp_path / "other" / "clickhouse")
    front.start()
    yield front
    front.kill()


@pytest.fixture
def other(front: ClickHouseOverHttp) -> Iterator[Store]:
    """A store on it, without tables."""
    store = Store(front.dsn, MEMORY_MB, QUERY_LIMIT_S)
    yield store
    store.close()


def rows(store: Store, table: str) -> list[tuple[object, ...]]:
    """Every row of a table, in an order of its own; without the expired reject, which a merge takes away."""
    where = "WHERE id != 'r2'" if table == "rejects" else ""
    return store.query(f"SELECT * FROM {table} {where} ORDER BY ALL").rows


@pytest.mark.parametrize("store", ["embedded_store", "http_store"], indirect=True)
def test_every_row_arrives_as_it_was(filled: Store, other: Store, tmp_path: Path) -> None:
    """Tables, points in force and aggregates of the restored store equal those of the dumped one; positions stay behind."""
    told: list[DumpFile] = []
    manifest = dump(filled, tmp_path / "dump", "1.0", KEYS, told.append, max_rows=200)
    assert manifest.rows == {"events": 903, "points": 350, "late_events": 10, "rejects": 3}
    assert told == manifest.files
    assert max(file.rows for file in told) <= 200
    assert len({file.name.split("-")[0] for file in told if file.table == "events"}) == 4  # a file holds one year
    restored = restore(other, tmp_path / "dump")
    assert restored == manifest
    for table in (*TABLES, "points_in_force"):
        assert rows(other, table) == rows(filled, table)
    assert problems(recount(other)) == {}
    assert other.query("SELECT count() FROM positions").rows == [(0,)]
    assert other.query("EXISTS TABLE restore_in_progress").rows == [(0,)]


def test_a_dump_of_nothing(empty_store: Store, other: Store, tmp_path: Path) -> None:
    """An empty store gives a dump without files, and an empty store again."""
    assert dump(empty_store, tmp_path / "dump", "1.0", KEYS).files == []
    assert restore(other, tmp_path / "dump").rows == dict.fromkeys(TABLES, 0)


def test_a_restored_store_can_be_loaded_again(filled: Store, other: Store, tmp_path: Path) -> None:
    """A loader that finds the same log reads it from its start and adds nothing."""
    dump(filled, tmp_path / "dump", "1.0", KEYS)
    restore(other, tmp_path / "dump")
    logs = Logs(tmp_path / "log")
    logs.append(Kind.EVENTS, [event(number) for number in range(895, 905)])
    logs.loader(other).run_once()
    assert other.query("SELECT count(), uniqExact(source, id) FROM events").rows == [(908, 908)]
    logs.close()


def test_a_damaged_file_is_named_before_anything_is_restored(filled: Store, other: Store, tmp_path: Path) -> None:
    """A byte changed, a file cut short or missing: the restore names it, and the store stays empty."""
    manifest = dump(filled, tmp_path / "dump", "1.0", KEYS)
    path = tmp_path / "dump" / manifest.files[-1].name
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:100] + b"!" + whole[101:]):
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=f"{path.name} is damaged"):
            restore(other, tmp_path / "dump")
    path.unlink()
    with pytest.raises(StoreError, match=f"{path.name} cannot be read"):
        restore(other, tmp_path / "dump")
    path.write_bytes(whole)
    assert restore(other, tmp_path / "dump") == manifest


def test_a_dump_without_or_with_a_damaged_manifest_is_refused(filled: Store, other: Store, tmp_path: Path) -> None:
    """What was not finished, is no dump, or is of a newer program is said in one line."""
    dump(filled, tmp_path / "dump", "1.0", KEYS)
    manifest = tmp_path / "dump" / "manifest.json"
    text = manifest.read_bytes()
    manifest.write_bytes(text[:-50])
    with pytest.raises(StoreError, match=r"manifest\.json is damaged"):
        restore(other, tmp_path / "dump")
    manifest.write_bytes(text.replace(b'"format": 1', b'"format": 2'))
    with pytest.raises(StoreError, match="format 2"):
        restore(other, tmp_path / "dump")
    manifest.write_bytes(text.replace(b'"0001_events.sql"', b'"9999_future.sql"'))
    with pytest.raises(StoreError, match=r"newer than this program.*9999_future\.sql"):
        restore(other, tmp_path / "dump")
    manifest.unlink()
    with pytest.raises(StoreError, match="not finished"):
        restore(other, tmp_path / "dump")


class Interrupted(Exception):
    """Stands for whatever ends a restore."""


@pytest.mark.parametrize("after", [1, 4])
def test_an_interrupted_restore_can_be_started_again(filled: Store, other: Store, tmp_path: Path, after: int) -> None:
    """Ended between two files, with half of another in: the next run goes on and ends with every row once."""
    manifest = dump(filled, tmp_path / "dump", "1.0", KEYS, max_rows=200)
    done: list[DumpFile] = []

    def interrupt(file: DumpFile) -> None:
        done.append(file)
        if len(done) == after:
            raise Interrupted

    with pytest.raises(Interrupted):
        restore(other, tmp_path / "dump", interrupt)
    half = manifest.files[after]
    names = ", ".join(f"`{column}`" for column in manifest.columns[half.table])
    other.writer().command(
        f"INSERT INTO {half.table} ({names}) SELECT * REPLACE (fromUnixTimestamp64Micro({half.slice.begin_s}000000, 'UTC') AS time) "
        f"FROM (SELECT {names} FROM {half.table} LIMIT 1)"
    )
    again: list[DumpFile] = []
    assert restore(other, tmp_path / "dump", again.append) == manifest
    assert again == manifest.files[after:]
    for table in TABLES:
        assert rows(other, table) == rows(filled, table)
    assert problems(recount(other)) == {}


def test_a_cut_connection_or_a_killed_server_is_an_interruption(
    filled: Store, other: Store, front: ClickHouseOverHttp, tmp_path: Path
) -> None:
    """The answer to an insert lost, then the server killed: started again, the restore ends with every row once."""
    manifest = dump(filled, tmp_path / "dump", "1.0", KEYS, max_rows=200)
    migrate(other)
    front.order_cut("INSERT INTO points")
    with pytest.raises(StoreError, match="does not answer"):
        restore(other, tmp_path / "dump")

    def kill(file: DumpFile) -> None:
        if file.table == "late_events":
            front.kill()

    with pytest.raises(StoreError, match="does not answer"):
        restore(other, tmp_path / "dump", kill)
    front.start()
    assert restore(other, tmp_path / "dump") == manifest
    assert problems(recount(other)) == {}


def test_a_store_with_rows_is_left_alone(
    filled: Store, other: Store, front: ClickHouseOverHttp, tmp_path: Path
) -> None:
    """A dump is never mixed with other rows, nor with an unfinished restore of another dump."""
    dump(filled, tmp_path / "dump", "1.0", KEYS)
    with pytest.raises(ConfigurationError, match=r"events holds 903 rows"):
        restore(filled, tmp_path / "dump")
    dump(filled, tmp_path / "second", "1.1", KEYS)
    migrate(other)
    front.order_error("INSERT INTO points", 241)
    with pytest.raises(StoreError):
        restore(other, tmp_path / "dump")
    with pytest.raises(ConfigurationError, match="another dump was interrupted"):
        restore(other, tmp_path / "second")


def test_a_dump_goes_into_an_empty_folder_only(filled: Store, tmp_path: Path) -> None:
    """A folder with something in it is refused, and what lies there stays; files are their owner's only."""
    dump(filled, tmp_path / "dump", "1.0", KEYS)
    before = read_manifest(tmp_path / "dump")
    with pytest.raises(ConfigurationError, match="not empty"):
        dump(filled, tmp_path / "dump", "1.0", KEYS)
    assert read_manifest(tmp_path / "dump") == before
    parquet = tmp_path / "dump" / before[0].files[0].name
    assert parquet.stat().st_mode & 0o077 == 0


def test_every_loaded_table_is_dumped() -> None:
    """A table that the loader fills is in the dump."""
    assert set(TABLES) == {target.table for target in TARGETS.values()}


@pytest.mark.parametrize(
    ("hours", "slices"),
    [
        ([], []),
        ([(0, 3), (1, 3), (2, 4)], [Slice(0, 3 * HOUR_S)]),
        ([(0, 3), (1, 8), (5, 4)], [Slice(0, HOUR_S), Slice(HOUR_S, 2 * HOUR_S), Slice(5 * HOUR_S, 6 * HOUR_S)]),
        (
            [(0, 1), (1, 25), (2, 1)],
            [
                Slice(0, HOUR_S),
                *(Slice(HOUR_S, 2 * HOUR_S, 3, number) for number in range(3)),
                Slice(2 * HOUR_S, 3 * HOUR_S),
            ],
        ),
        ([(8_759, 1), (8_760, 1)], [Slice(8_759 * HOUR_S, 8_760 * HOUR_S), Slice(8_760 * HOUR_S, 8_761 * HOUR_S)]),
    ],
)
def test_slices_are_of_bounded_size_and_of_one_year(hours: list[tuple[int, int]], slices: list[Slice]) -> None:
    """Hours are joined up to ten rows here, an hour above that is cut by a hash, a new year begins a new slice."""
    assert list(cut([(number * HOUR_S, rows) for number, rows in hours], 10)) == slices
