"""Counts by series and quarter hour: the past, as sums; the present, journey by journey.

A journey counts once a series and quarter hour, so that one person who clicks a hundred times is one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import numpy as np
from msgspec import Struct

from services.alerts.calendar_clock import MINUTE_US, SLOT_US, Floats, Ints
from shared.alerts.finding import Condition, Series

_MINUTES: Final = SLOT_US // MINUTE_US
_MAX_LEFT_OUT: Final = 100_000
"""So many series beyond the bound are told apart; of more it is only known that they are more."""


class Present(Protocol):
    """The counts of now, as a round asks for them; bounds are whole minutes, the second excluded."""

    def counts(self, from_us: int, to_us: int) -> Ints:
        """Journeys touched by series, each once a quarter hour."""

    def citizens(self, index: int, from_us: int, to_us: int) -> int:
        """Journeys touched of one series, each once."""


class SeriesTable:
    """The series that are watched, numbered as they are met: at most `limit`; of those beyond, how many are left out is kept."""

    def __init__(self, limit: int, territory_levels: int, condition: Condition = "rise") -> None:
        self.series: Final[list[Series]] = []
        self._limit = limit
        self._levels = territory_levels
        self._condition: Condition = condition
        self._numbers: dict[Series, int] = {}
        self._of: dict[tuple[str, str, str, str], tuple[int, ...]] = {}
        self._left_out: set[Series] = set()

    @property
    def left_out(self) -> int:
        """How many series are not watched, since there are too many: to be said loudly."""
        return len(self._left_out)

    def number(self, series: Series) -> int | None:
        """The number of a series, a new one if there is room; else `None`."""
        found = self._numbers.get(series)
        if found is None and len(self.series) < self._limit:
            found = self._numbers[series] = len(self.series)
            self.series.append(series)
        elif found is None and len(self._left_out) < _MAX_LEFT_OUT:
            self._left_out.add(series)
        return found

    def of_point(self, rule: str, service: str, channel: str, territory: str) -> tuple[int, ...]:
        """The numbers of all series that a point belongs to."""
        place = (rule, service, channel, territory)
        if (found := self._of.get(place)) is not None:
            return found
        numbers = [self.number(each) for each in series_of(self._condition, *place, self._levels)]
        found = tuple(number for number in numbers if number is not None)
        if len(self._of) < 4 * self._limit:
            self._of[place] = found
        return found


def series_of(condition: Condition, rule: str, service: str, channel: str, territory: str, levels: int) -> list[Series]:
    """The series of a point, the widest first: over all channels, on its channel, and for each prefix of its territory."""
    parts = territory.split("/")[:levels] if territory else []
    prefixes = ["/".join(parts[: length + 1]) for length in range(len(parts))]
    wide = [Series(condition, rule, service)] if channel else []
    return [*wide, *(Series(condition, rule, service, channel, prefix) for prefix in ("", *prefixes))]


class Past(Struct, frozen=True):
    """Sums by slot and series, in order of slot; one row where there is anything. `known_from`: each series' first known slot."""

    slots: Ints
    series: Ints
    counts: Floats
    known_from: Ints

    @property
    def size(self) -> int:
        """How many series there are."""
        return len(self.known_from)

    def sums(self, first: int, last: int) -> Floats:
        """The sum by series of the slots from `first` to `last`, both included."""
        start, end = np.searchsorted(self.slots, (first, last + 1))
        return np.bincount(self.series[start:end], self.counts[start:end], minlength=self.size).astype(np.float64)

    def between(self, first: int, end: int) -> "Past":
        """The rows from slot `first` up to `end`, the latter excluded."""
        low, high = np.searchsorted(self.slots, (first, end))
        return Past(self.slots[low:high], self.series[low:high], self.counts[low:high], self.known_from)


def past_of(rows: Iterable[tuple[int, int, float]], known_from: Sequence[int]) -> Past:
    """A past from rows (slot, series, count) in any order; those of one slot and series add up."""
    table = np.array(list(rows), dtype=np.float64).reshape(-1, 3)
    slots, series = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    keys, places = np.unique(slots * max(1, len(known_from)) + series, return_inverse=True)
    counts = np.bincount(places, table[:, 2], minlength=len(keys)).astype(np.float64)
    size = max(1, len(known_from))
    return Past(keys // size, keys % size, counts, np.array(known_from, dtype=np.int64))


class Touch(Struct, frozen=True):
    """A point in force, as counting sees it: when, where, whose journey."""

    time_us: int
    rule: str
    service: str
    channel: str
    territory: str
    journey: str


class TouchCounts:
    """The journeys touched in the latest slots, kept in memory: the present of rises and thresholds."""

    def __init__(self, table: SeriesTable) -> None:
        self._table = table
        # slot -> series -> journey -> minutes in the slot, one item a point
        self._slots: dict[int, dict[int, dict[str, list[int]]]] = {}

    def add(self, touch: Touch) -> None:
        """Count a point."""
        slot, minute = divmod(touch.time_us // MINUTE_US, _MINUTES)
        of_slot = self._slots.setdefault(slot, defaultdict(lambda: defaultdict(list)))
        for number in self._numbers(touch):
            of_slot[number][touch.journey].append(minute)

    def take_back(self, touch: Touch) -> None:
        """Uncount a point that was retracted; one that was not counted changes nothing."""
        slot, minute = divmod(touch.time_us // MINUTE_US, _MINUTES)
        of_slot = self._slots.get(slot, {})
        for number in self._numbers(touch):
            journeys = of_slot.get(number, {})
            minutes = journeys.get(touch.journey, [])
            if minute in minutes:
                minutes.remove(minute)
            if not minutes:
                journeys.pop(touch.journey, None)

    def forget_before(self, instant_us: int) -> None:
        """Drop the slots that end before the instant."""
        for slot in [slot for slot in self._slots if (slot + 1) * SLOT_US <= instant_us]:
            del self._slots[slot]

    def counts(self, from_us: int, to_us: int) -> Ints:
        """Journeys touched by series, each once a quarter hour."""
        found = np.zeros(len(self._table.series), dtype=np.int64)
        for slot in self._within(from_us, to_us):
            low, high = _minutes(slot, from_us, to_us)
            for number, journeys in self._slots.get(slot, {}).items():
                found[number] += _touched(journeys, low, high)
        return found

    def citizens(self, index: int, from_us: int, to_us: int) -> int:
        """Journeys touched of one series, each once."""
        found: set[str] = set()
        for slot in self._within(from_us, to_us):
            low, high = _minutes(slot, from_us, to_us)
            journeys = self._slots.get(slot, {}).get(index, {})
            found |= {name for name, minutes in journeys.items() if any(low <= each < high for each in minutes)}
        return len(found)

    def _within(self, from_us: int, to_us: int) -> list[int]:
        """The slots with anything in them that the bounds meet."""
        first, end = from_us // SLOT_US, -(-to_us // SLOT_US)
        return [slot for slot in self._slots if first <= slot < end]

    def _numbers(self, touch: Touch) -> tuple[int, ...]:
        return self._table.of_point(touch.rule, touch.service, touch.channel, touch.territory)


def _minutes(slot: int, from_us: int, to_us: int) -> tuple[int, int]:
    """The minutes of the slot that lie within the bounds."""
    start = slot * SLOT_US
    return max(0, (from_us - start) // MINUTE_US), min(_MINUTES, -((start - to_us) // MINUTE_US))


def _touched(journeys: dict[str, list[int]], low: int, high: int) -> int:
    if low == 0 and high == _MINUTES:
        return len(journeys)
    return sum(any(low <= each < high for each in minutes) for minutes in journeys.values())
