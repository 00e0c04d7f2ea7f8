"""What each consumer has durably passed: one small file per consumer, for pruning, lag and diagnosis.

A consumer's own store says where it resumes; these files only repeat it, so that other processes need not open that store.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from shared.errors import LogError
from shared.log.local import LocalLogReader
from shared.log.port import Position

_SUFFIX: Final = ".json"


class StreamPosition(Struct, frozen=True):
    """Where a consumer stands in one stream: the log, and the next offset it wants per partition."""

    log_id: str
    next_offsets: dict[int, int]

    def after(self) -> dict[int, Position]:
        """The same, as readers take it."""
        return {partition: Position(self.log_id, offset) for partition, offset in self.next_offsets.items()}


Positions = dict[str, StreamPosition]
"""One consumer's positions by stream."""

_decoder = msgspec.json.Decoder(Positions)


def write_position(folder: Path, consumer: str, stream: str, log_id: str, next_offsets: Mapping[int, int]) -> None:
    """Replace, atomically, what the consumer has passed in one stream; what it has passed in others stays.

    Called by the consumer alone, from one thread. A damaged file is written anew. Raises `OSError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{consumer}{_SUFFIX}"
    try:
        positions = _read(path)
    except (LogError, FileNotFoundError):
        positions = {}
    positions[stream] = StreamPosition(log_id, dict(next_offsets))
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(msgspec.json.encode(positions))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_positions(folder: Path) -> dict[str, Positions]:
    """What every consumer has passed, by consumer and stream; empty while the folder does not exist.

    Raises `LogError`, naming the file, when one is damaged: then nothing may be pruned, since nobody knows what it said.
    """
    return {path.stem: _read(path) for path in sorted(folder.glob(f"*{_SUFFIX}"))}


def passed_by_all(
    positions: Mapping[str, Positions], consumers: Sequence[str], stream: str, log_id: str
) -> dict[int, int]:
    """The next offset, per partition, that the slowest of the consumers wants: what `LocalLogWriter.prune` takes.

    A partition in which one of them has no position in this log is left out. Without consumers nothing has been passed.
    """
    passed: list[dict[int, int]] = []
    for consumer in consumers:
        position = positions.get(consumer, {}).get(stream)
        passed.append(position.next_offsets if position is not None and position.log_id == log_id else {})
    shared = set(passed[0]).intersection(*passed[1:]) if passed else set()
    return {partition: min(offsets[partition] for offsets in passed) for partition in sorted(shared)}


def lag(reader: LocalLogReader, position: StreamPosition | None) -> int:
    """How many items of the stream the consumer has not passed; all of them without a position.

    Raises `LogMismatch` when the position does not belong to the log.
    """
    return reader.lag_items({} if position is None else position.after())


def _read(path: Path) -> Positions:
    try:
        return _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise LogError(f"{path}: the file of positions cannot be read ({error.strerror})") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LogError(
            f"{path}: not a file of positions ({error}); delete it, the running consumer writes it again"
        ) from error
