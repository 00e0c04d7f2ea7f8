"""The contract of `shared.log.port`, to be run on every adapter.

An adapter's test module gives a `LogHarness` as the fixture `harness` and derives a test class from `LogContract`.
"""

import random
import threading
from collections.abc import Sequence
from typing import Protocol

import pytest

from shared.errors import ConfigurationError, LogError, LogMismatch
from shared.log.port import (
    MAX_RECORD_BYTES,
    MAX_RECORD_EVENTS,
    Kind,
    LogReader,
    LogWriter,
    Position,
    Record,
    StoredRecord,
)

NO_LIMIT = 1 << 40


class LogHarness(Protocol):
    """What a contract test needs of an adapter: one stream, and a clock that the test moves."""

    clock_ms: int

    def writer(self, partitions: int = 1) -> LogWriter:
        """A writer of the stream, which it makes if need be; closed by the harness at the end."""

    def reader(self) -> LogReader:
        """A reader of the stream; closed by the harness at the end."""

    def prune(self, writer: LogWriter, passed: dict[int, int]) -> None:
        """Let the log drop all records below these offsets, per partition."""

    def lag(self, reader: LogReader, after: dict[int, Position]) -> int:
        """What stands from the positions on, in the adapter's unit."""

    def lag_of(self, items: Sequence[int]) -> int:
        """The lag, in the adapter's unit, that records of so many items make."""

    def replace(self) -> None:
        """Close everything and remove the log, as if its disk had been swapped for an empty one."""


def record(text: str, partition: int = 0, items: int = 1, kind: Kind = Kind.EVENTS) -> Record:
    """A record that a test recognises by its text."""
    return Record(partition, kind, text.encode(), items)


def texts(records: Sequence[StoredRecord]) -> list[str]:
    """The texts of records made by `record`."""
    return [stored.value.decode() for stored in records]


def advance(after: dict[int, Position], log_id: str | None, records: Sequence[StoredRecord]) -> dict[int, Position]:
    """The positions once the records have been handled."""
    assert log_id is not None
    return {**after, **{stored.partition: Position(log_id, stored.offset + 1) for stored in records}}


def read_all(reader: LogReader, after: dict[int, Position], limit_bytes: int) -> list[StoredRecord]:
    """Everything from the positions on, in as many reads as the limit takes."""
    everything: list[StoredRecord] = []
    while batch := reader.read(after, limit_bytes):
        everything += batch
        after = advance(after, reader.log_id(), batch)
    return everything


class LogContract:
    """What every adapter of the log does."""

    def test_reader_waits_for_a_log_that_does_not_exist_yet(self, harness: LogHarness) -> None:
        """A reader made first sees an empty stream without identity or ends, then what the writer appends."""
        reader = harness.reader()
        assert (reader.read({}, NO_LIMIT), reader.log_id(), reader.ends()) == ([], None, {})
        assert harness.lag(reader, {}) == 0
        writer = harness.writer()
        assert reader.read({}, NO_LIMIT) == []
        writer.append([record("[1]")])
        assert texts(reader.read({}, NO_LIMIT)) == ["[1]"]
        assert reader.log_id()

    def test_record_comes_back_as_it_was_appended(self, harness: LogHarness) -> None:
        """Value, kind, number of items, partition, offset, time and trace of appending are read back unchanged."""
        writer, reader = harness.writer(), harness.reader()
        value = bytes(range(256)) * 3
        for step, kind in enumerate(Kind):
            harness.clock_ms += step
            traceparent = f"00-{step:032x}-{step:016x}-01" if step else ""
            (offset,) = writer.append([Record(0, kind, value, 7, traceparent)])
            after = advance({}, reader.log_id(), [])
            (stored,) = [found for found in reader.read(after, NO_LIMIT) if found.offset == offset]
            assert stored == StoredRecord(0, offset, kind, value, 7, harness.clock_ms, traceparent)

    def test_offsets_grow_and_ends_tell_the_next(self, harness: LogHarness) -> None:
        """Offsets grow within a partition, and its end is beyond each of them, whether or not there are records."""
        writer, reader = harness.writer(partitions=2), harness.reader()
        assert set(reader.ends()) == {0, 1}
        offsets = writer.append([record("a"), record("b")]) + writer.append([record("c")])
        assert offsets == sorted(set(offsets))
        assert reader.ends()[0] > offsets[-1]
        assert reader.read({0: Position(reader.log_id() or "", reader.ends()[0])}, NO_LIMIT) == []

    def test_reading_goes_on_from_a_position(self, harness: LogHarness) -> None:
        """From the offset after a record on, exactly the later records are read."""
        writer, reader = harness.writer(), harness.reader()
        offsets = writer.append([record(str(number)) for number in range(10)])
        for number, offset in enumerate(offsets):
            after = {0: Position(reader.log_id() or "", offset + 1)}
            assert texts(reader.read(after, NO_LIMIT)) == [str(later) for later in range(number + 1, 10)]

    def test_polling_again_finds_what_came_since(self, harness: LogHarness) -> None:
        """A reader that found nothing finds the next record at once, and nothing twice."""
        writer, reader = harness.writer(), harness.reader()
        after: dict[int, Position] = {}
        for number in range(5):
            assert reader.read(after, NO_LIMIT) == []
            assert reader.read(after, NO_LIMIT) == []
            writer.append([record(str(number))])
            found = reader.read(after, NO_LIMIT)
            assert texts(found) == [str(number)]
            after = advance(after, reader.log_id(), found)

    def test_same_position_reads_the_same_again(self, harness: LogHarness) -> None:
        """Reading moves nothing: a consumer that crashed reads the same records from the same position."""
        writer, reader = harness.writer(), harness.reader()
        writer.append([record("a"), record("b")])
        assert reader.read({}, NO_LIMIT) == reader.read({}, NO_LIMIT) == harness.reader().read({}, NO_LIMIT)

    def test_limit_bounds_a_read_but_never_starves(self, harness: LogHarness) -> None:
        """A read stops at the limit, yet gives one record even when that is larger; nothing is lost between reads."""
        writer, reader = harness.writer(), harness.reader()
        writer.append([record("x" * 100), *(record(str(number) * 10) for number in range(8))])
        assert [len(text) for text in texts(reader.read({}, 50))] == [100]
        after = advance({}, reader.log_id(), reader.read({}, 1))
        assert len(reader.read(after, 35)) == 3
        assert len(read_all(reader, {}, 25)) == 9

    def test_partitions_keep_their_own_order_and_positions(self, harness: LogHarness) -> None:
        """Each partition comes back in the order of appending, whatever the limit, and resumes by itself."""
        writer, reader = harness.writer(partitions=3), harness.reader()
        choices = random.Random(7)
        sent = [(choices.randrange(3), f"{number}") for number in range(200)]
        for start in range(0, 200, 9):
            writer.append([record(text, partition) for partition, text in sent[start : start + 9]])
        for limit_bytes in (1, 17, 400, NO_LIMIT):
            found = [(stored.partition, stored.value.decode()) for stored in read_all(reader, {}, limit_bytes)]
            for partition in range(3):
                assert [pair for pair in found if pair[0] == partition] == [
                    pair for pair in sent if pair[0] == partition
                ]
        position = Position(reader.log_id() or "", reader.ends()[1])
        assert {stored.partition for stored in reader.read({1: position}, NO_LIMIT)} == {0, 2}

    def test_several_readers_do_not_disturb_each_other(self, harness: LogHarness) -> None:
        """Readers in several threads each read everything, in order, while the writer appends."""
        writer = harness.writer()
        found: list[list[str]] = [[], [], []]

        def consume(mine: list[str]) -> None:
            reader, after = harness.reader(), dict[int, Position]()
            while len(mine) < 300:
                batch = reader.read(after, 50)
                mine += texts(batch)
                after = advance(after, reader.log_id(), batch)

        threads = [threading.Thread(target=consume, args=(mine,)) for mine in found]
        for thread in threads:
            thread.start()
        for number in range(0, 300, 3):
            writer.append([record(str(number + step)) for step in range(3)])
        for thread in threads:
            thread.join(timeout=60)
        assert found == [[str(number) for number in range(300)]] * 3

    def test_refused_record_refuses_the_whole_append(self, harness: LogHarness) -> None:
        """One refused record refuses the whole append; the writer then goes on."""
        writer, reader = harness.writer(), harness.reader()
        with pytest.raises(LogError, match="partition 1"):
            writer.append([record("kept?"), record("no such partition", partition=1)])
        assert reader.read({}, NO_LIMIT) == []
        writer.append([record("next")])
        assert texts(reader.read({}, NO_LIMIT)) == ["next"]

    @pytest.mark.parametrize(
        "refused",
        [
            Record(0, Kind.EVENTS, b"x" * (MAX_RECORD_BYTES + 1), 1),
            Record(0, Kind.EVENTS, b"[]", MAX_RECORD_EVENTS + 1),
            Record(0, Kind.EVENTS, b"[]", 0),
            Record(-1, Kind.EVENTS, b"[]", 1),
        ],
        ids=["bytes", "items", "empty", "partition"],
    )
    def test_records_beyond_the_limits_are_refused(self, harness: LogHarness, refused: Record) -> None:
        """A record over the port's limits is refused by type, and nothing is kept."""
        writer, reader = harness.writer(), harness.reader()
        with pytest.raises(LogError):
            writer.append([refused])
        assert reader.read({}, NO_LIMIT) == []

    def test_largest_record_is_kept(self, harness: LogHarness) -> None:
        """A record exactly at both limits is appended and read back."""
        writer, reader = harness.writer(), harness.reader()
        largest = Record(0, Kind.POINTS, b"y" * MAX_RECORD_BYTES, MAX_RECORD_EVENTS)
        writer.append([largest])
        (stored,) = reader.read({}, 1)
        assert (stored.value, stored.items) == (largest.value, largest.items)

    def test_appending_nothing_does_nothing(self, harness: LogHarness) -> None:
        """An empty append gives no offsets and moves no end."""
        writer, reader = harness.writer(), harness.reader()
        before = reader.ends()
        assert writer.append([]) == []
        assert reader.ends() == before

    def test_log_outlives_its_writer(self, harness: LogHarness) -> None:
        """Closed and opened again, the log is the same log, keeps its records, and its offsets go on."""
        first = harness.writer()
        offsets = first.append([record("a")])
        reader = harness.reader()
        log_id = reader.log_id()
        first.close()
        assert texts(reader.read({}, NO_LIMIT)) == ["a"]
        assert texts(harness.reader().read({}, NO_LIMIT)) == ["a"]
        (offset,) = harness.writer().append([record("b")])
        assert offset > offsets[0]
        assert harness.reader().log_id() == log_id
        after = {0: Position(log_id or "", offsets[0] + 1)}
        assert texts(reader.read(after, NO_LIMIT)) == ["b"]

    def test_number_of_partitions_is_kept(self, harness: LogHarness) -> None:
        """A log opened with another number of partitions is refused, naming both numbers."""
        harness.writer(partitions=3).close()
        with pytest.raises(ConfigurationError, match=r"(?s)3.*\b2\b"):
            harness.writer(partitions=2)
        harness.writer(partitions=3).append([record("a", partition=2)])

    def test_position_of_another_log_stops_by_name(self, harness: LogHarness) -> None:
        """A position of a log that was replaced is refused, naming the stream, both logs and what to do."""
        harness.writer().append([record("old")])
        old = harness.reader().log_id() or ""
        harness.replace()
        harness.writer().append([record("new"), record("newer")])
        reader = harness.reader()
        new = reader.log_id() or ""
        with pytest.raises(LogMismatch) as refusal:
            reader.read({0: Position(old, 2)}, NO_LIMIT)
        line = str(refusal.value)
        assert "\n" not in line
        assert all(part in line for part in (reader.stream, old, new, "put back"))
        with pytest.raises(LogMismatch):
            harness.lag(reader, {0: Position(old, 2)})
        assert texts(reader.read({}, NO_LIMIT)) == ["new", "newer"]

    def test_position_beyond_the_end_stops_by_name(self, harness: LogHarness) -> None:
        """A position beyond the end, as after restoring an old backup, is refused, naming both offsets."""
        writer, reader = harness.writer(), harness.reader()
        writer.append([record("a")])
        log_id, end = reader.log_id() or "", reader.ends()[0]
        assert reader.read({0: Position(log_id, end)}, NO_LIMIT) == []
        with pytest.raises(LogMismatch) as refusal:
            reader.read({0: Position(log_id, end + 1)}, NO_LIMIT)
        line = str(refusal.value)
        assert "\n" not in line
        assert all(part in line for part in (reader.stream, str(end + 1), "backup"))

    def test_position_in_an_unknown_partition_stops_by_name(self, harness: LogHarness) -> None:
        """A position in a partition that the log does not have is refused."""
        harness.writer(partitions=2)
        reader = harness.reader()
        with pytest.raises(LogMismatch, match="partition 2"):
            reader.read({2: Position(reader.log_id() or "", 0)}, NO_LIMIT)

    def test_lag_counts_what_is_not_yet_read(self, harness: LogHarness) -> None:
        """The lag is what stands from the positions on, over all partitions: items, or records where a log knows no more."""
        writer, reader = harness.writer(partitions=2), harness.reader()
        sizes = [3, 1, 1_000, 20, 7]
        writer.append([record("r", number % 2, size) for number, size in enumerate(sizes)])
        assert harness.lag(reader, {}) == harness.lag_of(sizes)
        after: dict[int, Position] = {}
        for number in range(len(sizes)):
            after = advance(after, reader.log_id(), reader.read(after, 1))
            assert harness.lag(reader, after) == harness.lag_of(sizes[number + 1 :])

    def test_position_in_the_pruned_part_stops_by_name(self, harness: LogHarness) -> None:
        """A consumer that wants what is gone is told so; one that stands behind it goes on."""
        writer, reader = harness.writer(partitions=2), harness.reader()
        offsets = writer.append([record("a"), record("b"), record("c")])
        log_id = reader.log_id() or ""
        harness.prune(writer, {0: offsets[2]})
        with pytest.raises(LogMismatch, match="no longer holds"):
            reader.read({0: Position(log_id, offsets[1])}, NO_LIMIT)
        assert texts(reader.read({0: Position(log_id, offsets[2]), 1: Position(log_id, 0)}, NO_LIMIT)) == ["c"]

    def test_offsets_never_start_again(self, harness: LogHarness) -> None:
        """After everything was pruned and the log opened again, offsets go on and consumers miss nothing."""
        writer, reader = harness.writer(), harness.reader()
        offsets = writer.append([record("a"), record("b", items=5)])
        after = advance({}, reader.log_id(), reader.read({}, NO_LIMIT))
        harness.prune(writer, reader.ends())
        writer.close()
        (offset,) = harness.writer().append([record("c", items=2)])
        assert offset > offsets[-1]
        assert harness.lag(reader, after) == harness.lag_of([2])
        assert texts(reader.read(after, NO_LIMIT)) == ["c"]
