"""Rows of points (or of anything that has an identity) counted by series and quarter hour: the present of an engine.

Rows may come late, repeatedly and in any order; what is retracted is uncounted. A row takes 40 bytes. Pure.
"""

from array import array
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
from msgspec import Struct

from services.alerts.calendar_clock import MINUTE_US, SLOT_US, Bools, Ints
from services.alerts.counts import SeriesTable

MAX_ROWS: Final = 5_000_000
MAX_PLACES: Final = 200_000
_MINUTES: Final = SLOT_US // MINUTE_US
_MAX_CACHED: Final = 16
_SIDES: Final[tuple[Literal["left", "right"], ...]] = ("left", "right")
_COLUMNS: Final = 5
_PLACE: Final = 2
"""Of a row: identity, revision, place, journey, and minute and sign together."""

Place = tuple[str, str, str, str]
"""Rule, service, channel, territory; of refused events their source, and nothing else."""


class PointRow(NamedTuple):
    """One row of a point: it is in force while the signs of the rows with its id add up to more than 0."""

    id: str
    revision: int
    sign: int
    time_us: int
    place: Place
    journey: str


class _Kept(Struct, frozen=True):
    """What stands in a slot, a row each, in order of place: place, journey, minute, whether in force (else it was taken back)."""

    places: Ints
    journeys: Ints
    minutes: Ints
    in_force: Bools


class _Slot:
    """The rows of a quarter hour."""

    def __init__(self) -> None:
        self.columns = [array("q") for _ in range(_COLUMNS)]
        self.kept: _Kept | None = None
        self.counted: dict[tuple[int, int, bool], tuple[Ints, Ints]] = {}

    def add(self, identity: int, revision: int, place: int, journey: int, minute_and_sign: int) -> None:
        """Take a row."""
        for column, value in zip(self.columns, (identity, revision, place, journey, minute_and_sign), strict=True):
            column.append(value)
        self.kept = None
        self.counted.clear()

    def settle(self) -> int:
        """Work out what stands, and let go of repeated rows; how many."""
        table = np.array([np.frombuffer(column, dtype=np.int64) for column in self.columns])
        size = table.shape[1]
        order = np.lexsort((table[4] & 1, table[1], table[0]))
        table = table[:, order]
        again = np.zeros(size, dtype=np.bool_)
        again[1:] = (
            (table[0, 1:] == table[0, :-1]) & (table[1, 1:] == table[1, :-1]) & (table[4, 1:] & 1 == table[4, :-1] & 1)
        )
        table = table[:, ~again]
        if repeated := int(again.sum()):
            self.columns = [array("q", column.tobytes()) for column in table]
        starts = np.flatnonzero(np.r_[True, table[0, 1:] != table[0, :-1]])
        positive = table[4] & 1
        sums = np.add.reduceat(2 * positive - 1, starts)
        # Of each point the latest row that puts it in force says where it lies.
        latest = np.maximum.reduceat(np.where(positive == 1, np.arange(table.shape[1]), -1), starts)
        known = latest >= 0
        rows, in_force = latest[known], (sums > 0)[known]
        order = np.argsort(table[2, rows], kind="stable")
        rows = rows[order]
        self.kept = _Kept(table[2, rows], table[3, rows], table[4, rows] >> 1, in_force[order])
        return repeated


class PointCounts:
    """Counts by the series of a table, as `services.alerts.counts.Present`; `use` puts another table in its place.

    `numbers_of` gives the series of a place; without it they are those of a point. Beyond `max_rows` nothing is taken, and
    `refused` grows: to be said loudly.
    """

    def __init__(
        self,
        table: SeriesTable,
        numbers_of: Callable[[SeriesTable, Place], Sequence[int]] | None = None,
        max_rows: int = MAX_ROWS,
    ) -> None:
        self._table = table
        self._numbers_of = numbers_of or (lambda table, place: table.of_point(*place))
        self._max_rows = max_rows
        self._slots: dict[int, _Slot] = {}
        self._places: dict[Place, int] = {}
        self._members: list[Ints] = []
        self._places_of: dict[int, list[int]] | None = None
        self.rows = 0
        self.refused = 0

    def add(self, row: PointRow) -> bool:
        """Take a row; whether there was room. What repeats another changes nothing."""
        place = self._place(row.place)
        if place is None or self.rows >= self._max_rows:
            self.refused += 1
            return False
        slot, minute = divmod(row.time_us // MINUTE_US, _MINUTES)
        minute_and_sign = 2 * minute + (row.sign > 0)
        self._slots.setdefault(slot, _Slot()).add(hash(row.id), row.revision, place, hash(row.journey), minute_and_sign)
        self.rows += 1
        return True

    def use(self, table: SeriesTable) -> None:
        """Count by this table from now on."""
        self._table = table
        if len(self._places) > MAX_PLACES // 2:
            self._forget_places()
        self._members = [self._series(place) for place in self._places]
        self._places_of = None
        for slot in self._slots.values():
            slot.counted.clear()

    def forget_before(self, instant_us: int) -> None:
        """Drop the slots that end before the instant."""
        for slot in [slot for slot in self._slots if (slot + 1) * SLOT_US <= instant_us]:
            self.rows -= len(self._slots.pop(slot).columns[0])

    def counts(self, from_us: int, to_us: int) -> Ints:
        """Journeys touched by series, each once a quarter hour."""
        return self._counts(from_us, to_us, ever=False)

    def citizens(self, index: int, from_us: int, to_us: int) -> int:
        """Journeys touched of one series, each once."""
        return self._citizens(index, from_us, to_us, ever=False)

    def counts_ever(self, from_us: int, to_us: int) -> Ints:
        """The same, with those whose points were all retracted."""
        return self._counts(from_us, to_us, ever=True)

    def citizens_ever(self, index: int, from_us: int, to_us: int) -> int:
        """The same, with those whose points were all retracted."""
        return self._citizens(index, from_us, to_us, ever=True)

    def taken_back(self) -> bool:
        """Whether any point that is kept was retracted."""
        return any(not self._settled(slot).in_force.all() for slot in self._slots.values())

    def as_if_kept(self) -> "AsIfKept":
        """The same counts, had nothing been retracted."""
        return AsIfKept(self)

    def _counts(self, from_us: int, to_us: int, *, ever: bool) -> Ints:
        found = np.zeros(len(self._table.series), dtype=np.int64)
        for number, slot, low, high in self._within(from_us, to_us):
            key = low, high, ever
            if (counted := slot.counted.get(key)) is None:
                if len(slot.counted) >= _MAX_CACHED:
                    slot.counted.clear()
                counted = slot.counted[key] = self._count(self._slots[number], low, high, ever=ever)
            found[counted[0]] += counted[1]
        return found

    def _citizens(self, index: int, from_us: int, to_us: int, *, ever: bool) -> int:
        if self._places_of is None:
            self._places_of = {}
            for place, members in enumerate(self._members):
                for member in members.tolist():
                    self._places_of.setdefault(member, []).append(place)
        places = np.array(self._places_of.get(index, []), dtype=np.int64)
        found: set[int] = set()
        for _, slot, low, high in self._within(from_us, to_us):
            kept = self._settled(slot)
            starts, ends = (np.searchsorted(kept.places, places, side).tolist() for side in _SIDES)
            for rows in map(slice, starts, ends):
                minutes = kept.minutes[rows]
                chosen = (minutes >= low) & (minutes < high)
                found.update(kept.journeys[rows][chosen if ever else chosen & kept.in_force[rows]].tolist())
        return len(found)

    def _within(self, from_us: int, to_us: int) -> list[tuple[int, _Slot, int, int]]:
        """The slots with anything in them that the bounds meet, and the minutes of each that lie within."""
        first, end = from_us // SLOT_US, -(-to_us // SLOT_US)
        found = []
        for number, slot in self._slots.items():
            if first <= number < end:
                start = number * SLOT_US
                low, high = max(0, (from_us - start) // MINUTE_US), min(_MINUTES, -((start - to_us) // MINUTE_US))
                found.append((number, slot, low, high))
        return found

    def _settled(self, slot: _Slot) -> _Kept:
        if slot.kept is None:
            self.rows -= slot.settle()
        assert slot.kept is not None
        return slot.kept

    def _count(self, slot: _Slot, low: int, high: int, *, ever: bool) -> tuple[Ints, Ints]:
        """The series touched in these minutes, and by how many journeys."""
        kept = self._settled(slot)
        chosen = (kept.minutes >= low) & (kept.minutes < high)
        if not ever:
            chosen &= kept.in_force
        places, journeys = kept.places[chosen], kept.journeys[chosen]
        none = np.zeros(0, dtype=np.int64)
        if not len(places):
            return none, none
        _, journeys = np.unique(journeys, return_inverse=True)
        met, inverse = np.unique(places, return_inverse=True)
        members = [self._members[place] for place in met.tolist()]
        lengths = np.array([len(each) for each in members], dtype=np.int64)
        if not lengths.sum():
            return none, none
        of_row = lengths[inverse]
        starts = np.r_[0, np.cumsum(lengths)[:-1]][inverse]
        inner = np.arange(of_row.sum()) - np.repeat(np.cumsum(of_row) - of_row, of_row)
        series = np.concatenate(members)[np.repeat(starts, of_row) + inner]
        width = int(journeys.max()) + 1
        pairs = _distinct(series * width + np.repeat(journeys, of_row))
        numbers, touched = np.unique(pairs // width, return_counts=True)
        return numbers, touched.astype(np.int64)

    def _forget_places(self) -> None:
        """Let go of the places that no slot holds any more: over months there are more than there is room for."""
        columns = [np.frombuffer(slot.columns[_PLACE], dtype=np.int64) for slot in self._slots.values()]
        held = np.unique(np.concatenate([*columns, np.zeros(0, dtype=np.int64)]))
        numbers = np.zeros(len(self._places), dtype=np.int64)
        numbers[held] = np.arange(len(held))
        names = list(self._places)
        self._places = {names[old]: new for new, old in enumerate(held.tolist())}
        for slot, column in zip(self._slots.values(), columns, strict=True):
            slot.columns[_PLACE] = array("q", numbers[column].tobytes())
            slot.kept = None

    def _place(self, place: Place) -> int | None:
        found = self._places.get(place)
        if found is None and len(self._places) < MAX_PLACES:
            found = self._places[place] = len(self._places)
            self._members.append(self._series(place))
            self._places_of = None
        return found

    def _series(self, place: Place) -> Ints:
        return np.array(self._numbers_of(self._table, place), dtype=np.int64)


def _distinct(values: Ints) -> Ints:
    """In order, each once; `numpy.unique` hashes them, which takes twenty times as long for millions."""
    ordered = np.sort(values)
    return ordered[np.r_[True, ordered[1:] != ordered[:-1]]]


class AsIfKept:
    """Counts to which no retraction has come: what would be found had nothing been taken back."""

    def __init__(self, counts: PointCounts) -> None:
        self._all = counts

    def counts(self, from_us: int, to_us: int) -> Ints:
        """Journeys touched by series, each once a quarter hour."""
        return self._all.counts_ever(from_us, to_us)

    def citizens(self, index: int, from_us: int, to_us: int) -> int:
        """Journeys touched of one series, each once."""
        return self._all.citizens_ever(index, from_us, to_us)
