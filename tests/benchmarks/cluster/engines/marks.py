"""What an engine says of itself while it is measured: a line on stdout at its first record and at half of them.

Only the standard library: engines run in environments of their own.
"""

import sys
import time


def mark(name: str) -> None:
    """`name`, the monotonic clock that all processes share, and the processor seconds used so far."""
    sys.stdout.write(f"mark {name} {time.monotonic():.6f} {time.process_time():.6f}\n")
    sys.stdout.flush()


class Marks:
    """Counts records as they are read."""

    def __init__(self, records: int) -> None:
        self._half = records // 2
        self._next = 1
        self._count = 0

    def read(self, records: int = 1) -> None:
        """So many more were read."""
        self._count += records
        if self._count >= self._next:
            self._pass()

    def _pass(self) -> None:
        if self._next == 1:
            mark("first")
            self._next = max(self._half, 2)
        else:
            mark("half")
            self._next = sys.maxsize
