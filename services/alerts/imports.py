"""Which sources are imported: their past never alerts. Pure.

An import is announced in the log before its first event and after its last; its source goes by a clock of its own meanwhile. What
it brings after its end (deadlines that pass) belongs to it as long as it lies before that end.
"""

from collections.abc import Mapping
from typing import Final

from shared.journey.instants import DAY_US

PREFIX: Final = "/import/"
"""The sources of Parcours' own importer begin so: they are imports for ever."""
MAX_SOURCES: Final = 1_000


class Imports:
    """The imports under way, since when, and until when those that are over reach (µs)."""

    def __init__(self, running: Mapping[str, int] | None = None, until_us: Mapping[str, int] | None = None) -> None:
        self._running = dict(running or {})
        self._until_us = dict(until_us or {})

    @property
    def running(self) -> Mapping[str, int]:
        """The sources being imported, and since when."""
        return self._running

    @property
    def until_us(self) -> Mapping[str, int]:
        """The end of each import that is over, the latest 1,000."""
        return self._until_us

    def started(self, source: str, at_us: int) -> None:
        """An import of the source has begun at this instant of the log."""
        if len(self._running) < MAX_SOURCES:
            self._running.setdefault(source, at_us)

    def finished(self, source: str, at_us: int) -> None:
        """It has ended at this instant of the log."""
        self._running.pop(source, None)
        self._until_us.pop(source, None)
        self._until_us[source] = at_us
        while len(self._until_us) > MAX_SOURCES:
            del self._until_us[next(iter(self._until_us))]

    def explain(self, detected_us: int, now_us: int) -> bool:
        """Whether detection that has come so far is late because of an import: one that runs, for a day at the most, or that had
        not ended then.
        """
        running = any(now_us - since_us < DAY_US for since_us in self._running.values())
        return running or any(
            detected_us <= until_us and now_us - until_us < DAY_US for until_us in self._until_us.values()
        )

    def brought(self, source: str, time_us: int) -> bool:
        """Whether what has this source and event time came by an import."""
        return source.startswith(PREFIX) or source in self._running or time_us <= self._until_us.get(source, -1)
