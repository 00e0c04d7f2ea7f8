"""The detector's own SQLite file: journeys, what each partition remembers, the log `frictions`, and the offsets read.

One transaction writes all of a checkpoint, so that after a crash they agree. `positions` say how far the journeys are,
`output_positions` how far the log `frictions` is. Source: docs/architecture.md, "Detection".
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from shared.detection.partition_state import Changed, PartitionState
from shared.errors import DetectionError, LogMismatch, ParcoursError
from shared.log.local import (
    append_records,
    configure_connection,
    create_schema,
    fold_wal,
    open_for_writing,
    prune_records,
    release_pruned_space,
    unavailable_on_failure,
)
from shared.log.port import FRICTIONS, Position, Record

STREAM: Final = f"{FRICTIONS}.detector"

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS journeys (
    partition INTEGER NOT NULL, key TEXT NOT NULL, record BLOB NOT NULL, timer_us INTEGER NOT NULL, clock TEXT NOT NULL,
    PRIMARY KEY (partition, key));
CREATE INDEX IF NOT EXISTS journeys_with_timer ON journeys (partition, timer_us) WHERE timer_us != 0;
CREATE TABLE IF NOT EXISTS partitions (partition INTEGER PRIMARY KEY, state BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS positions (
    partition INTEGER PRIMARY KEY, log_id TEXT NOT NULL, next_offset INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS output_positions (partition INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL);
"""

# A rowid table and an update in place: records are large for the tree of the key, and replacing would move the row.
_WRITE_JOURNEY: Final = """
INSERT INTO journeys VALUES (?, ?, ?, ?, ?) ON CONFLICT (partition, key)
DO UPDATE SET record = excluded.record, timer_us = excluded.timer_us, clock = excluded.clock
"""

_state_decoder = msgspec.msgpack.Decoder(PartitionState)
_encoder = msgspec.msgpack.Encoder()


@contextmanager
def stops_if_damaged(path: Path) -> Iterator[None]:
    """A read that fails stops the detector by name. It is never tried again in place: a record may be half folded.

    Raises `DetectionError` for a damaged file, which starting again cannot help, else (I/O, locks) `StateUnreadable`.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StateUnreadable(f"{path}: the detector's file cannot be read now ({error})") from error
    except sqlite3.DatabaseError as error:
        raise DetectionError(
            f"{path}: the detector's file is damaged ({error}); restore the data folder from one backup"
        ) from error


class StateUnreadable(ParcoursError):
    """The detector's file cannot be read now; a detector started again may succeed."""


class Checkpoint(msgspec.Struct):
    """What one transaction writes: of some partitions their journeys, and of some their output."""

    partitions: Mapping[int, tuple[PartitionState, Sequence[Changed]]]
    positions: Mapping[int, Position]
    output: Sequence[Record]
    output_offsets: Mapping[int, int] = {}


class StateFile:
    """Opened for one detector; makes the file when there is none.

    Raises `ConfigurationError` for another stream's file, `LogUnavailable` when it cannot be opened or written.
    """

    def __init__(self, path: Path, partitions: int) -> None:
        self._path = path
        with unavailable_on_failure(STREAM, path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = open_for_writing(path)
            configure_connection(self._connection)
            self.meta = create_schema(self._connection, STREAM, partitions)
            self._connection.executescript(_SCHEMA)

    def positions(self) -> dict[int, Position]:
        """The next offset of `journey-events` that the journeys do not hold, per partition."""
        with stops_if_damaged(self._path):
            rows = self._connection.execute("SELECT partition, log_id, next_offset FROM positions")
            return {partition: Position(log_id, next_offset) for partition, log_id, next_offset in rows}

    def output_offsets(self) -> dict[int, int]:
        """The output of every offset before these is in `frictions`, per partition."""
        with stops_if_damaged(self._path):
            return dict(self._connection.execute("SELECT partition, next_offset FROM output_positions").fetchall())

    def state(self, partition: int) -> PartitionState | None:
        """What the partition remembered at the last checkpoint."""
        with stops_if_damaged(self._path):
            row = self._connection.execute("SELECT state FROM partitions WHERE partition = ?", (partition,)).fetchone()
        if row is None:
            return None
        try:
            return _state_decoder.decode(row[0])
        except msgspec.MsgspecError as error:
            raise LogMismatch(f"{self._path}: the detector's state was written by another version ({error})") from error

    def timers(self, partition: int) -> list[tuple[int, str, str]]:
        """(instant, clock, key) of every journey that waits for a time."""
        with stops_if_damaged(self._path):
            return self._connection.execute(
                "SELECT timer_us, clock, key FROM journeys WHERE partition = ? AND timer_us != 0", (partition,)
            ).fetchall()

    def journeys(self, partition: int) -> "JourneyTable":
        """The packed journeys of a partition."""
        return JourneyTable(self._connection, partition, self._path)

    def write(self, checkpoint: Checkpoint, now_ms: int) -> None:
        """All of a checkpoint or nothing. Raises `LogUnavailable`."""
        with self._transaction() as connection:
            for partition, (state, changed) in checkpoint.partitions.items():
                connection.execute("REPLACE INTO partitions VALUES (?, ?)", (partition, _encoder.encode(state)))
                connection.executemany(
                    _WRITE_JOURNEY,
                    ((partition, each.key, each.record, each.timer_us, each.clock) for each in changed),
                )
            connection.executemany(
                "REPLACE INTO positions VALUES (?, ?, ?)",
                ((partition, at.log_id, at.next_offset) for partition, at in checkpoint.positions.items()),
            )
            connection.executemany("REPLACE INTO output_positions VALUES (?, ?)", checkpoint.output_offsets.items())
            append_records(connection, checkpoint.output, now_ms)

    def prune(self, before_ms: int, passed: Mapping[int, int], limit_records: int) -> int:
        """Delete rows of `frictions` older than `before_ms` that every consumer has passed; their number."""
        with self._transaction() as connection:
            count = prune_records(connection, before_ms, passed, limit_records)
        with unavailable_on_failure(STREAM, self._path):
            release_pruned_space(self._connection)
        return count

    def close(self) -> None:
        """Release the file."""
        fold_wal(self._connection)
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with unavailable_on_failure(STREAM, self._path):
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


class JourneyTable:
    """Finds the packed journeys that are not in memory."""

    def __init__(self, connection: sqlite3.Connection, partition: int, path: Path) -> None:
        self._execute: Callable[..., sqlite3.Cursor] = connection.execute
        self._partition = partition
        self._path = path

    def load(self, key: str) -> bytes | None:
        """The record of the last checkpoint, or `None`."""
        with stops_if_damaged(self._path):
            row = self._execute(
                "SELECT record FROM journeys WHERE partition = ? AND key = ?", (self._partition, key)
            ).fetchone()
        return None if row is None else row[0]
