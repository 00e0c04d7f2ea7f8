"""The local log: the contract of the port, and what holds for SQLite files only."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shared.errors import ConfigurationError, LogError, LogMismatch, LogUnavailable
from shared.log.local import LocalLogReader, LocalLogWriter, append_records, create_schema, open_for_writing
from shared.log.port import Position
from tests.contract.local_harness import STREAM, LocalHarness
from tests.contract.log_contract import NO_LIMIT, LogContract, advance, record, texts


class TestLocalLog(LogContract):
    """The contract, on SQLite files."""


def test_writer_survives_readers_that_poll_while_it_is_made(harness: LocalHarness) -> None:
    """A reader that polls during the making of the file sees nothing or the whole log, and does not hinder it."""
    harness.path.parent.mkdir()
    harness.path.touch()
    reader = harness.reader()
    assert reader.read({}, NO_LIMIT) == []
    with sqlite3.connect(harness.path) as half_made:
        half_made.execute("PRAGMA journal_mode = WAL")
    half_made.close()
    assert (reader.read({}, NO_LIMIT), reader.ends(), reader.log_id()) == ([], {}, None)
    harness.writer().append([record("a")])
    assert texts(reader.read({}, NO_LIMIT)) == ["a"]


def test_commits_are_durable_and_space_comes_back(harness: LocalHarness) -> None:
    """The file is in WAL mode, commits with synchronous FULL, and shrinks after pruning."""
    writer = harness.writer()
    assert writer._connection is not None
    pragmas = [
        writer._connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "auto_vacuum")
    ]
    assert pragmas == ["wal", 2, 2]
    for _ in range(20):
        writer.append([record("x" * 500_000)])
    writer.append([record("last")])
    while writer.prune(harness.clock_ms + 1, writer.ends(), 5):
        pass
    assert harness.path.stat().st_size < 1_000_000


def test_pruning_takes_only_what_is_old_and_passed(harness: LocalHarness) -> None:
    """Records go when they are older than the limit and below what every consumer has passed, else they stay."""
    writer, reader = harness.writer(), harness.reader()
    offsets: list[int] = []
    for number in range(6):
        harness.clock_ms += 1_000
        offsets += writer.append([record(str(number))])
    old_ms = harness.clock_ms - 1_000  # the first four are older
    assert writer.prune(old_ms, {}, 100) == 0
    assert writer.prune(old_ms, {0: offsets[2]}, 100) == 2
    assert texts(reader.read({}, NO_LIMIT)) == ["2", "3", "4", "5"]
    assert writer.prune(old_ms, {0: offsets[5] + 1}, 100) == 2
    assert texts(reader.read({}, NO_LIMIT)) == ["4", "5"]
    assert reader.lag_items({}) == 2


def test_pruning_is_bounded(harness: LocalHarness) -> None:
    """One call deletes no more records than it may."""
    writer, reader = harness.writer(partitions=2), harness.reader()
    writer.append([record(str(number), number % 2) for number in range(20)])
    passed = reader.ends()
    assert [writer.prune(harness.clock_ms + 1, passed, 7) for _ in range(4)] == [7, 7, 6, 0]
    assert reader.read({}, NO_LIMIT) == []


def test_unchanged_log_costs_no_query(harness: LocalHarness) -> None:
    """Polling again at the same positions asks SQLite only whether anything was committed."""
    writer, reader = harness.writer(), harness.reader()
    writer.append([record("a")])
    after = advance({}, reader.log_id(), reader.read({}, NO_LIMIT))
    assert reader.read(after, NO_LIMIT) == []
    statements: list[str] = []
    assert reader._connection is not None
    reader._connection.set_trace_callback(statements.append)
    assert reader.read(dict(after), NO_LIMIT) == []
    assert statements == ["PRAGMA data_version"]
    writer.append([record("b")])
    assert texts(reader.read(after, NO_LIMIT)) == ["b"]


def test_quiet_reader_still_refuses_another_position(harness: LocalHarness) -> None:
    """That nothing changed never hides a mismatch: the shortcut holds for the same positions only."""
    harness.writer().append([record("a")])
    reader = harness.reader()
    after = advance({}, reader.log_id(), reader.read({}, NO_LIMIT))
    assert reader.read(after, NO_LIMIT) == []
    with pytest.raises(LogMismatch):
        reader.read({0: Position("another", after[0].next_offset)}, NO_LIMIT)


def test_reader_notices_that_the_file_was_replaced(harness: LocalHarness) -> None:
    """An open reader does not go on reading a deleted file: it finds the new one and refuses the old position."""
    harness.writer().append([record("old")])
    reader = LocalLogReader(harness.path, STREAM)
    after = advance({}, reader.log_id(), reader.read({}, NO_LIMIT))
    harness.replace()
    assert reader.read(after, NO_LIMIT) == []
    harness.writer().append([record("new")])
    with pytest.raises(LogMismatch, match="found log"):
        reader.read(after, NO_LIMIT)
    reader.close()


def test_reader_notices_a_file_put_in_the_place_of_its_own(harness: LocalHarness) -> None:
    """A log moved over the one that a reader has open, as when restoring, is told from it at the next poll."""
    writer, reader = harness.writer(), harness.reader()
    writer.append([record("old")])
    after = advance({}, reader.log_id(), reader.read({}, NO_LIMIT))
    writer.close()
    for ending in ("-wal", "-shm"):
        harness.path.with_name(harness.path.name + ending).unlink()
    other = LocalLogWriter(harness.path.with_name("other"), STREAM)
    other.close()
    harness.path.with_name("other").replace(harness.path)
    assert reader.log_id() == other.log_id()
    with pytest.raises(LogMismatch, match=other.log_id()):
        reader.read(after, NO_LIMIT)


def test_writer_refuses_to_write_into_a_deleted_file(harness: LocalHarness) -> None:
    """A writer whose file was deleted or replaced acknowledges nothing."""
    writer = harness.writer()
    other = harness.path.with_name("other")
    LocalLogWriter(other, STREAM).close()
    other.replace(harness.path)
    with pytest.raises(LogUnavailable, match="replaced"):
        writer.append([record("a")])
    harness.path.unlink()
    with pytest.raises(LogUnavailable, match="removed or replaced"):
        writer.append([record("a")])


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_writer_notices_that_a_file_beside_is_deleted(harness: LocalHarness, suffix: str) -> None:
    """Nothing more is acknowledged into a file without a name; closing keeps what was."""
    writer = harness.writer()
    writer.append([record("a")])
    writer.append([record("b")])
    harness.path.with_name(harness.path.name + suffix).unlink()
    with pytest.raises(LogUnavailable, match=f"{suffix} was removed or replaced"):
        writer.append([record("c")])
    writer.close()
    again = LocalLogWriter(harness.path, STREAM)
    again.append([record("d")])
    again.close()
    assert texts(harness.reader().read({}, NO_LIMIT)) == ["a", "b", "d"]


def test_file_of_another_stream_is_refused(harness: LocalHarness) -> None:
    """Neither a writer nor a reader takes one stream's file for another's."""
    harness.writer()
    with pytest.raises(ConfigurationError, match=r"rejected-events\.ingest.*journey-events\.ingest"):
        LocalLogWriter(harness.path, "rejected-events.ingest")
    reader = LocalLogReader(harness.path, "rejected-events.ingest")
    with pytest.raises(LogMismatch, match=STREAM):
        reader.read({}, NO_LIMIT)
    reader.close()


def test_file_that_is_no_log_is_refused_in_one_line(harness: LocalHarness) -> None:
    """Garbage in the log's place is an error of the log for writer and reader, naming the file."""
    harness.path.parent.mkdir()
    harness.path.write_bytes(b"not a database, and long enough to be read as one. " * 100)
    with pytest.raises(LogUnavailable, match="not a database"):
        harness.writer()
    with pytest.raises(LogError, match=r"journey-events\.ingest\.sqlite cannot be read") as refusal:
        harness.reader().read({}, NO_LIMIT)
    assert "\n" not in str(refusal.value)


def test_log_of_a_later_version_is_refused(harness: LocalHarness) -> None:
    """A file in another format says so to reader and writer."""
    harness.writer().close()
    with sqlite3.connect(harness.path) as connection:
        connection.execute("UPDATE meta SET format = 2")
    connection.close()
    with pytest.raises(LogError, match="format 2"):
        harness.writer()
    with pytest.raises(LogError, match="format 2"):
        harness.reader().read({}, NO_LIMIT)


def test_record_of_an_unknown_kind_is_refused(harness: LocalHarness) -> None:
    """A record of a kind that a later version wrote stops the reader by name, rather than be skipped."""
    harness.writer().append([record("a")])
    with sqlite3.connect(harness.path) as connection:
        connection.execute("UPDATE records SET kind = 'summaries'")
    connection.close()
    with pytest.raises(LogError, match="offset 1 is of kind summaries"):
        harness.reader().read({}, NO_LIMIT)


def test_closed_writer_says_so(harness: LocalHarness) -> None:
    """Appending after closing is refused, not lost."""
    writer = harness.writer()
    writer.close()
    with pytest.raises(LogError, match="closed"):
        writer.append([record("a")])


def test_writer_goes_on_after_a_failed_commit(harness: LocalHarness) -> None:
    """SQLite refusing a commit (here: the page limit, as a full disk) keeps nothing, and the next append works."""
    writer, reader = harness.writer(), harness.reader()
    writer.append([record("before")])
    connection = writer._connection
    assert connection is not None
    connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0] + 1}")
    with pytest.raises(LogUnavailable, match="full"):
        writer.append([record("small"), record("x" * 800_000)])
    assert texts(reader.read({}, NO_LIMIT)) == ["before"]
    connection.execute("PRAGMA max_page_count = 1000000")
    writer.append([record("after")])
    assert texts(reader.read({}, NO_LIMIT)) == ["before", "after"]


def test_writer_goes_on_after_an_append_was_interrupted(harness: LocalHarness) -> None:
    """Whatever ends an append in the middle, here its clock, undoes it and leaves the writer usable."""
    moments = iter([1, 2])
    writer = LocalLogWriter(harness.path, STREAM, clock_ms=lambda: next(moments))
    writer.append([record("a")])
    writer.append([record("b")])
    with pytest.raises((StopIteration, RuntimeError)):
        writer.append([record("never")])
    moments = iter([3])
    writer.append([record("c")])
    assert texts(harness.reader().read({}, NO_LIMIT)) == ["a", "b", "c"]
    writer.close()


def test_writer_opens_its_file_again_after_the_connection_broke(harness: LocalHarness) -> None:
    """A connection that SQLite no longer serves is replaced by itself, to the same log."""
    writer, reader = harness.writer(), harness.reader()
    log_id = writer.log_id()
    writer._disconnect()
    writer.append([record("a")])
    assert (texts(reader.read({}, NO_LIMIT)), reader.log_id()) == (["a"], log_id)


def test_append_within_a_callers_transaction(tmp_path: Path) -> None:
    """The detector's way: state and records in one file become durable together or not at all."""
    path = tmp_path / "detector.sqlite"
    connection = open_for_writing(path)
    connection.execute("CREATE TABLE journeys (id TEXT)")
    meta = create_schema(connection, "frictions.detector")
    assert create_schema(connection, "frictions.detector") == meta
    reader = LocalLogReader(path, "frictions.detector")
    for name, ending in (("kept", "COMMIT"), ("undone", "ROLLBACK"), ("kept too", "COMMIT")):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO journeys VALUES (?)", (name,))
        append_records(connection, [record(name)], 5)
        connection.execute(ending)
    assert connection.execute("SELECT id FROM journeys").fetchall() == [("kept",), ("kept too",)]
    assert texts(reader.read({}, NO_LIMIT)) == ["kept", "kept too"]
    with pytest.raises(LogError, match="transaction"):
        append_records(connection, [record("no transaction")], 5)
    reader.close()
    connection.close()


def test_schema_is_part_of_an_open_transaction(tmp_path: Path) -> None:
    """The tables of the log can be made together with the caller's own, or not at all."""
    connection = open_for_writing(tmp_path / "detector.sqlite")
    connection.execute("BEGIN IMMEDIATE")
    create_schema(connection, "frictions.detector", 4)
    connection.execute("ROLLBACK")
    assert create_schema(connection, "frictions.detector", 2).partitions == 2
    connection.close()


@pytest.mark.parametrize("partitions", [0, -1, 1_025])
def test_impossible_number_of_partitions_is_refused(harness: LocalHarness, partitions: int) -> None:
    """A log has 1 to 1,024 partitions, as many as there are shards."""
    with pytest.raises(ConfigurationError, match=str(partitions)):
        harness.writer(partitions)


def test_clock_set_back_does_not_tear_the_log(harness: LocalHarness) -> None:
    """A record that must stay keeps those after it, even where a corrected clock makes them look older."""
    writer, reader = harness.writer(), harness.reader()
    for moment in (10, 50, 20, 60):
        harness.clock_ms = moment
        writer.append([record(str(moment))])
    assert writer.prune(40, writer.ends(), 100) == 1
    assert texts(reader.read({}, NO_LIMIT)) == ["50", "20", "60"]


def test_a_log_of_an_earlier_version_gets_the_column_of_traces_in_place(tmp_path: Path) -> None:
    """Its records are read before its writer has opened it and after, and new ones keep their trace."""
    path = tmp_path / "old.sqlite"
    writer = LocalLogWriter(path, "old")
    writer.append([record("[1]")])
    writer.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE records DROP COLUMN traceparent")
    reader = LocalLogReader(path, "old")
    assert texts(reader.read({}, NO_LIMIT)) == ["[1]"]
    writer = LocalLogWriter(path, "old")
    writer.append([record("[2]")._replace(traceparent="00-1-2-01")])
    assert [(found.value, found.traceparent) for found in reader.read({}, NO_LIMIT)] == [
        (b"[1]", ""),
        (b"[2]", "00-1-2-01"),
    ]
    reader.close()
    writer.close()
