"""Notices that an open SQLite file has lost its name: what is written to it then would be gone with the process."""

import os
from pathlib import Path
from typing import Final

_BESIDE: Final = ("-wal", "-shm")
"""SQLite keeps what was committed last in the first of these files, and who reads what in the second."""


class FileGuard:
    """Watches the file `path`, which is open, and the files that SQLite keeps beside it."""

    def __init__(self, path: Path) -> None:
        """Raises `OSError` when the file is not there."""
        self._path = str(path)
        self._known = {self._path: _identity(self._path)}

    def lost(self) -> str | None:
        """The first of the files that was removed or replaced since it was first seen; `None` while all are in place."""
        for path in (self._path, *(self._path + suffix for suffix in _BESIDE)):
            try:
                found = _identity(path)
            except FileNotFoundError:
                if path in self._known:
                    return path
                continue
            if self._known.setdefault(path, found) != found:
                return path
        return None

    def closed(self) -> None:
        """The connection was closed: SQLite itself removes the files beside it, and makes new ones."""
        self._known = {self._path: self._known[self._path]}


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116  # called for each append
    return status.st_dev, status.st_ino
