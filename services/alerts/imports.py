"""Which sources are imported: their past never alerts. Pure.

An import is announced in the log before its first event and after its last; its source goes by a clock of its own meanwhile. What
it brings after its end (deadlines that pass) belongs to it as long as it lies before that end.
"""

from collections.abc import Mapping
from typing import Final

PREFIX: Final = "/import/"
"""The sources of Parcours' own importer begin so: they are imports for ever."""
MAX_SOURCES: Final = 1_000


class Imports:
    """The imports under way, and until when those that are over reach (µs)."""

    def __init__(self, running: tuple[str, ...] = (), until_us: Mapping[str, int] | None = None) -> None:
        self._running = dict.fromkeys(running)
        self._until_us = dict(until_us or {})

    @property
    def running(self) -> tuple[str, ...]:
        """The sources being imported."""
        return tuple(self._running)

    @property
    def until_us(self) -> Mapping[str, int]:
        """The end of each import that is over, the latest 1,000."""
        return self._until_us

    def started(self, source: str) -> None:
        """An import of the source has begun."""
        if len(self._running) < MAX_SOURCES:
            self._running[source] = None

    def finished(self, source: str, at_us: int) -> None:
        """It has ended at this instant of the log."""
        self._running.pop(source, None)
        self._until_us.pop(source, None)
        self._until_us[source] = at_us
        while len(self._until_us) > MAX_SOURCES:
            del self._until_us[next(iter(self._until_us))]

    def brought(self, source: str, time_us: int) -> bool:
        """Whether what has this source and event time came by an import."""
        return source.startswith(PREFIX) or source in self._running or time_us <= self._until_us.get(source, -1)
