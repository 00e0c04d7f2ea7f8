"""One process per ClickHouse folder: chDB's own refusal is opaque, and comes late."""

import fcntl
import os
from pathlib import Path

from shared.errors import FolderInUse, StoreError


class FolderLock:
    """An advisory lock beside the folder (`<folder>.lock`), released by the system when the process ends, however."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder.with_name(folder.name + ".lock")
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock without waiting. Raises `FolderInUse`, naming the holder, or `StoreError`."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"The folder {self._folder} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            by = f" (process {holder})" if holder else ""
            raise FolderInUse(f"Another process{by} holds the folder {self._folder}: stop it, or use its API") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; the file stays, so that no two processes lock different files of one name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
