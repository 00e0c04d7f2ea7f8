"""Rows of a CSV file, plain or compressed with gzip.

The first line names the columns. A blank line is no row. A byte-order mark is dropped. A row that is longer or shorter
than the header, or whose quotes do not close, is bad; reading goes on behind it.
"""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, BinaryIO, cast

from services.importer.mapping import Mapping
from services.importer.row import BadRow, Row
from shared.errors import ConfigurationError


class CsvRows:
    """A reader of `services.importer.rows.RowReader` over an open CSV file."""

    def __init__(self, file: BinaryIO, text: IO[str], path: Path, mapping: Mapping) -> None:
        self._file = file
        self._path = path
        self._encoding = mapping.encoding
        self._missing = mapping.missing
        self.columns: Sequence[str] = mapping.columns
        self.size_bytes = path.stat().st_size
        self._reader = csv.reader(_without_mark(text), delimiter=mapping.delimiter)
        self._header = self._read_header()
        self._indexes = self._find_columns()

    def position_bytes(self) -> int:
        """How much of the file on the disk has been read."""
        return self._file.tell()

    def rows(self) -> Iterator[Row | BadRow]:
        """The rows of data. Raises `ConfigurationError` when the file itself cannot be read on."""
        with self._reading():
            yield from self._rows()

    def _rows(self) -> Iterator[Row | BadRow]:
        number, line = 0, self._reader.line_num + 1
        while (cells := self._next_cells(line)) is not None:
            if cells:
                number += 1
                yield self._row(line, number, cells)
            line = self._reader.line_num + 1

    def _next_cells(self, line: int) -> list[str] | str | None:
        """The cells of the next row, which begins on `line`: none for a blank line, what is wrong with it, `None` at the end."""
        try:
            return next(self._reader, None)
        except csv.Error as error:
            return f"lines {line} to {self._reader.line_num} are no row: {error}; is a quote left open?"

    def _row(self, line: int, number: int, cells: list[str] | str) -> Row | BadRow:
        if isinstance(cells, str):
            return BadRow(line, number, "row_unreadable", cells)
        if len(cells) != len(self._header):
            return BadRow(line, number, "row_length", f"{len(cells)} cells, the header has {len(self._header)}")
        chosen = [cells[index].strip() for index in self._indexes]
        if not self._missing.isdisjoint(chosen):
            chosen = ["" if cell in self._missing else cell for cell in chosen]
        chosen.append(str(number))
        return Row(line, number, chosen)

    def _read_header(self) -> list[str]:
        with self._reading():
            try:
                header = next((cells for cells in self._reader if cells), None)
            except csv.Error as error:
                raise ConfigurationError(f"{self._path}: the first line cannot be read as a header: {error}") from error
        if header is None:
            raise ConfigurationError(f"{self._path} is empty: the first line must name the columns")
        return [name.strip() for name in header]

    def _find_columns(self) -> list[int]:
        absent = [column for column in self.columns if column not in self._header]
        if absent:
            raise ConfigurationError(
                f"{self._path} has no column {_quoted(absent)}, which the mapping names; it has {_quoted(self._header)}"
            )
        twice = [column for column in self.columns if self._header.count(column) > 1]
        if twice:
            raise ConfigurationError(f"{self._path} has more than one column {_quoted(twice)}")
        return [self._header.index(column) for column in self.columns]

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except UnicodeError as error:
            raise ConfigurationError(f"{self._path} is not {self._encoding}: {error}") from error
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ConfigurationError(f"{self._path} is not a whole gzip file: {error}") from error
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be read: {error.strerror or error}") from error


@contextmanager
def open_csv(path: Path, mapping: Mapping) -> Iterator[CsvRows]:
    """Opens a CSV file. Raises `ConfigurationError` if it cannot be read, or lacks a column that the mapping names."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        content = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if path.name.lower().endswith(".gz") else file
        # Bytes that are not of the encoding survive as lone surrogates, so that only the rows that need them are bad.
        with TextIOWrapper(content, encoding=mapping.encoding, errors="surrogateescape", newline="") as text:
            yield CsvRows(file, text, path, mapping)


def _without_mark(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line.removeprefix("\ufeff")
        break
    yield from lines


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
