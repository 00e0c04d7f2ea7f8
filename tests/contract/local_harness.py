"""One local log in a folder, as the contract of the port asks for it."""

from collections.abc import Sequence
from pathlib import Path

from shared.log.local import LocalLogReader, LocalLogWriter
from shared.log.port import LogReader, LogWriter, Position

STREAM = "journey-events.ingest"


class LocalHarness:
    """One stream in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.clock_ms = 1_700_000_000_000
        self.path = folder / "log" / f"{STREAM}.sqlite"
        self._opened: list[LocalLogWriter | LocalLogReader] = []

    def writer(self, partitions: int = 1) -> LocalLogWriter:
        writer = LocalLogWriter(self.path, STREAM, partitions, clock_ms=lambda: self.clock_ms)
        self._opened.append(writer)
        return writer

    def reader(self) -> LocalLogReader:
        reader = LocalLogReader(self.path, STREAM)
        self._opened.append(reader)
        return reader

    def prune(self, writer: LogWriter, passed: dict[int, int]) -> None:
        assert isinstance(writer, LocalLogWriter)
        writer.prune(self.clock_ms + 1, passed, 1_000)

    def lag(self, reader: LogReader, after: dict[int, Position]) -> int:
        assert isinstance(reader, LocalLogReader)
        return reader.lag_items(after)

    def lag_of(self, items: Sequence[int]) -> int:
        return sum(items)

    def replace(self) -> None:
        self.close()
        for file in self.path.parent.iterdir():
            file.unlink()

    def close(self) -> None:
        for opened in self._opened:
            opened.close()
