"""Free space below the data folder."""

import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Final

_REMEMBERED_S: Final = 1.0


class FreeSpace:
    """Whether the file system of a folder has at least `min_free_bytes` left; looks at most once a second."""

    def __init__(self, folder: Path, min_free_bytes: int, clock_s: Callable[[], float] = monotonic) -> None:
        self._folder = folder
        self._min_free_bytes = min_free_bytes
        self._clock_s = clock_s
        self._looked_at_s = float("-inf")
        self._enough = False

    def enough(self) -> bool:
        """False also when the folder cannot be looked at."""
        now_s = self._clock_s()
        if now_s - self._looked_at_s >= _REMEMBERED_S:
            self._looked_at_s = now_s
            self._enough = self._look()
        return self._enough

    def _look(self) -> bool:
        try:
            status = os.statvfs(self._folder)
        except OSError:
            return False
        return status.f_bavail * status.f_frsize >= self._min_free_bytes
