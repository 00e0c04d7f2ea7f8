"""Events in time order with bounded memory: sorted runs in temporary files, merged.

The order is that of journeys: by instant, then id (the source is one) as UTF-8 bytes, which Python's order of texts equals.
"""

import heapq
import struct
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO, Final

import msgspec

from services.importer.build import BuiltEvent
from shared.errors import ParcoursError

RUN_EVENTS: Final = 100_000
MERGE_WIDTH: Final = 32
"""Runs that are merged at once: bounds open files and the blocks held in memory."""
_BLOCK_EVENTS: Final = 500
_LENGTH: Final = struct.Struct("<I")


class EventSorter:
    """Takes events in any order, gives them sorted. Its files have no name: nothing is left behind, even by a kill."""

    def __init__(self, run_events: int = RUN_EVENTS, merge_width: int = MERGE_WIDTH) -> None:
        self._run_events = run_events
        self._merge_width = merge_width
        self.total = 0
        self._pending: list[BuiltEvent] = []
        self._runs: list[IO[bytes]] = []
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(list[BuiltEvent]).decode

    def add(self, event: BuiltEvent) -> None:
        """Takes an event. Raises `ParcoursError` when the temporary files cannot be written."""
        self._pending.append(event)
        self.total += 1
        if len(self._pending) >= self._run_events:
            self._pending.sort()
            self._spill(iter(self._pending))
            self._pending = []

    def events(self) -> Iterator[BuiltEvent]:
        """All events in order."""
        self._pending.sort()
        yield from heapq.merge(*(self._read(run) for run in self._runs), self._pending)

    def close(self) -> None:
        """Releases the files."""
        for run in self._runs:
            run.close()
        self._runs = []

    def _spill(self, events: Iterator[BuiltEvent]) -> None:
        try:
            self._runs.append(self._write(events))
            if len(self._runs) >= self._merge_width:
                merged = self._write(heapq.merge(*(self._read(run) for run in self._runs)))
                self.close()
                self._runs = [merged]
        except OSError as error:
            raise ParcoursError(
                f"the temporary files for sorting cannot be written: {error.strerror}; TMPDIR names their folder"
            ) from error

    def _write(self, events: Iterator[BuiltEvent]) -> IO[bytes]:
        run = TemporaryFile(prefix="parcours-import-")  # noqa: SIM115 - it outlives this function; close() releases it
        block: list[BuiltEvent] = []
        for event in events:
            block.append(event)
            if len(block) >= _BLOCK_EVENTS:
                self._write_block(run, block)
                block = []
        self._write_block(run, block)
        run.flush()
        return run

    def _write_block(self, run: IO[bytes], block: list[BuiltEvent]) -> None:
        value = self._encode(block)
        run.write(_LENGTH.pack(len(value)))
        run.write(value)

    def _read(self, run: IO[bytes]) -> Iterator[BuiltEvent]:
        run.seek(0)
        while header := run.read(_LENGTH.size):
            (length,) = _LENGTH.unpack(header)
            yield from self._decode(run.read(length))
