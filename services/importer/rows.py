"""The rows of a file, whatever its format: the port of the readers, and the choice of one.

A reader gives, for the columns that a mapping names, the cells of each row of data in that order, stripped; the
number of the row comes last. What cannot be read as a row is a `BadRow`, and reading goes on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from services.importer.csv_rows import open_csv
from services.importer.mapping import Mapping
from services.importer.row import BadRow, Row
from shared.errors import ConfigurationError


class RowReader(Protocol):
    """An open file. `columns` are those that `Row.cells` holds, in order, without the row number."""

    @property
    def columns(self) -> Sequence[str]: ...

    @property
    def size_bytes(self) -> int:
        """The size of the file as it lies on the disk."""

    def rows(self) -> Iterator[Row | BadRow]: ...

    def position_bytes(self) -> int:
        """How much of the file has been read, for progress."""


OpenRows = Callable[[Path, Mapping], AbstractContextManager[RowReader]]


class FormatChoice(NamedTuple):
    """A format by its name in mappings, with the endings of file names that mean it."""

    name: str
    endings: tuple[str, ...]
    open_rows: OpenRows | None


FORMAT_CHOICES: Final = (
    FormatChoice("csv", (".csv",), open_csv),
    FormatChoice("xes", (".xes",), None),
    FormatChoice("ndjson", (".ndjson", ".jsonl"), None),
)


def open_rows(path: Path, mapping: Mapping) -> AbstractContextManager[RowReader]:
    """The reader for a file: by the mapping's `format`, else by the file's name.

    Raises `ConfigurationError` for a format that cannot be read, or not be told.
    """
    name = path.name.lower().removesuffix(".gz")
    for choice in FORMAT_CHOICES:
        if mapping.format == choice.name or (mapping.format is None and name.endswith(choice.endings)):
            if choice.open_rows is None:
                raise ConfigurationError(
                    f"{path.name}: {choice.name} cannot be imported yet; supported: {_supported()}"
                )
            return choice.open_rows(path, mapping)
    raise ConfigurationError(
        f"{path.name}: the name does not tell the format; set `format` in the mapping (supported: {_supported()})"
    )


def _supported() -> str:
    return ", ".join(choice.name for choice in FORMAT_CHOICES if choice.open_rows is not None)
