"""Which journey the clock wakes next.

Every running import has a clock of its own, its latest time; all other journeys go by the last tick. A timer fires one
minute after its time by the clock of its journey. Source: docs/architecture.md, "The log".
"""

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Final

from shared.detection.occurrence import Arrival
from shared.journey.instants import to_us

GRACE_US: Final = 60 * 1_000_000
_DIGITS: Final = 18
"""A timer is one text, its instant in so many digits and its journey: half the memory of a tuple of both."""
LIVE: Final = ""
"""The clock of live sources: the last tick."""


class Clocks:
    """The clocks of a partition, by name: `LIVE`, and the source of each running import."""

    def __init__(self) -> None:
        self.now_us: dict[str, int] = {LIVE: 0}
        self._timers: dict[str, list[str]] = {LIVE: []}

    def of(self, source: str) -> str:
        """The clock that a journey goes by whose latest event is of `source`."""
        return source if source in self.now_us else LIVE

    def begin(self, source: str) -> None:
        """An import starts: its clock begins with its first event."""
        self.now_us.setdefault(source, 0)
        self._timers.setdefault(source, [])

    def end(self, source: str) -> None:
        """An import is finished: its journeys go by the last tick."""
        if source != LIVE and source in self.now_us:
            del self.now_us[source]
            for timer in self._timers.pop(source):
                heappush(self._timers[LIVE], timer)

    def advance(self, clock: str, now_us: int) -> None:
        """A clock never goes back."""
        self.now_us[clock] = max(now_us, self.now_us[clock])

    def advance_imports(self, arrivals: Iterable[Arrival]) -> list[str]:
        """Running imports go by the time of their own events that belong to journeys; gives the imports that had events."""
        if len(self.now_us) == 1:
            return []
        of_imports = [arrival for arrival in arrivals if arrival.source in self.now_us]
        for arrival in of_imports:
            if arrival.subject is not None:
                self.advance(arrival.source, to_us(arrival.time))
        return sorted({arrival.source for arrival in of_imports})

    def until_us(self, clock: str) -> int:
        """Timers up to here have fired by this clock."""
        return self.now_us[clock] - GRACE_US

    def set(self, clock: str, time_us: int, key: str) -> None:
        """Wake the journey `key` at `time_us`."""
        heappush(self._timers[clock], f"{time_us:0{_DIGITS}}{key}")

    def pop(self, clock: str) -> tuple[int, str] | None:
        """A timer that has come, as (instant, journey), or `None`."""
        timers = self._timers[clock]
        if timers and int(timers[0][:_DIGITS]) <= self.until_us(clock):
            timer = heappop(timers)
            return int(timer[:_DIGITS]), timer[_DIGITS:]
        return None
