"""FILE.rejected.ndjson: what could not be imported, a line each, with line number and reason."""

from pathlib import Path
from typing import IO, Final

import msgspec

from services.importer.build import Rejection
from shared.errors import ParcoursError

ENDING: Final = ".rejected.ndjson"


class RejectedFile:
    """Written beside the imported file when there is a first rejection; what an earlier import left there goes."""

    def __init__(self, imported: Path) -> None:
        self._path = imported.with_name(imported.name + ENDING)
        self._file: IO[bytes] | None = None
        self._encode = msgspec.json.Encoder().encode

    @property
    def path(self) -> Path | None:
        """The file, once it holds something."""
        return self._path if self._file is not None else None

    def open(self) -> None:
        """Removes what an earlier import left. Raises `ParcoursError`."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise ParcoursError(f"{self._path} cannot be replaced: {error.strerror}") from error

    def add(self, rejection: Rejection) -> None:
        """Writes one rejection. Raises `ParcoursError` when the file cannot be written."""
        document = {name: value for name, value in rejection._asdict().items() if value != ""}
        try:
            if self._file is None:
                self._file = self._path.open("wb")
            self._file.write(self._line(document))
        except OSError as error:
            raise ParcoursError(f"{self._path} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Ends the file."""
        if self._file is not None:
            self._file.close()

    def _line(self, document: dict[str, object]) -> bytes:
        try:
            return self._encode(document) + b"\n"
        except UnicodeEncodeError:  # cells that are not of the file's encoding
            readable = {
                name: value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
                for name, value in document.items()
            }
            return self._encode(readable) + b"\n"
