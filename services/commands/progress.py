"""Progress on standard error: a bar on a terminal, else a line from time to time."""

import sys
import time
from collections.abc import Callable
from typing import Any, Final, TextIO

import click

from shared.client.progress import Progress

LINE_INTERVAL_S: Final = 5.0
_BYTES_UNIT: Final = "B"


class BarProgress:
    """A bar for each phase."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._bar: Any = None

    def begin(self, phase: str, total: int, unit: str) -> None:
        """A bar begins below the one before."""
        del unit
        self.end()
        self._bar = click.progressbar(length=max(total, 1), label=f"{phase:<30}", file=self._file)
        self._bar.__enter__()

    def advance(self, done: int) -> None:
        """Moves the bar to so many units."""
        self._bar.update(done - self._bar.pos)

    def end(self) -> None:
        """Ends the bar where it stands."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None


class LineProgress:
    """A line when a phase begins, then at most one each `LINE_INTERVAL_S`."""

    def __init__(self, file: TextIO, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._monotonic_s = monotonic_s
        self._phase = ""
        self._total = 0
        self._unit = ""
        self._shown_s = 0.0

    def begin(self, phase: str, total: int, unit: str) -> None:
        """A line says what begins."""
        self._phase, self._total, self._unit = phase, total, unit
        self._shown_s = self._monotonic_s()
        click.echo(f"{phase}: {self._amount(total)}", file=self._file)

    def advance(self, done: int) -> None:
        """A line, if the last is long enough ago."""
        now_s = self._monotonic_s()
        if now_s - self._shown_s >= LINE_INTERVAL_S:
            self._shown_s = now_s
            percent = 100 * done // max(self._total, 1)
            click.echo(
                f"{self._phase}: {self._amount(done)} of {self._amount(self._total)} ({percent} %)", file=self._file
            )

    def end(self) -> None:
        """Nothing."""

    def _amount(self, number: int) -> str:
        return f"{number / 1e6:.1f} MB" if self._unit == _BYTES_UNIT else f"{number:,} {self._unit}"


def stderr_progress() -> Progress:
    """What fits standard error."""
    return BarProgress(sys.stderr) if sys.stderr.isatty() else LineProgress(sys.stderr)
