"""The present of an engine counts as the simple counts do, whatever the order and repetition of rows."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.calendar_clock import MINUTE_US, SLOT_US
from services.alerts.counts import SeriesTable, Touch, TouchCounts
from services.alerts.point_counts import PointCounts, PointRow
from shared.alerts.finding import Series

BEGIN = 2_000_000 * SLOT_US
PLACES = (
    ("error_loop", "housing", "web", "fr/idf"),
    ("error_loop", "housing", "web", "fr/bre"),
    ("error_loop", "housing", "phone", ""),
    ("long_wait", "housing", "phone", "fr"),
)


def made(number: int, sign: int = 1, revision: int = 1) -> PointRow:
    """A row whose content goes by its number."""
    time_us = BEGIN + number * 7 % 120 * MINUTE_US + number
    return PointRow(f"p{number}", revision, sign, time_us, PLACES[number % 4], f"j{number % 5}")


def touch(row: PointRow) -> Touch:
    """The same, as the simple counts take it."""
    return Touch(row.time_us, *row.place, row.journey)


def agree(rows: Sequence[PointRow], in_force: Sequence[PointRow], window: tuple[int, int]) -> None:
    """Counts of the rows are those of what is in force."""
    table, other = SeriesTable(100, 4), SeriesTable(100, 4)
    counted, simple = PointCounts(table), TouchCounts(other)
    for row in rows:
        assert counted.add(row)
    for row in in_force:
        simple.add(touch(row))
    from_us, to_us = BEGIN + window[0] * MINUTE_US, BEGIN + window[1] * MINUTE_US
    found = dict(zip(table.series, counted.counts(from_us, to_us).tolist(), strict=True))
    expected = dict(zip(other.series, simple.counts(from_us, to_us).tolist(), strict=True))
    assert {series: n for series, n in found.items() if n} == {series: n for series, n in expected.items() if n}
    for series in other.series:
        number = other.series.index(series)
        assert counted.citizens(table.series.index(series), from_us, to_us) == simple.citizens(number, from_us, to_us)


@given(
    numbers=st.sets(st.integers(0, 200), max_size=60),
    back=st.sets(st.integers(0, 200)),
    again=st.sets(st.integers(0, 200)),
    window=st.tuples(st.integers(0, 60), st.integers(60, 120)),
    order=st.randoms(use_true_random=False),
)
def test_any_order_of_rows_counts_what_is_in_force(
    numbers: set[int], back: set[int], again: set[int], window: tuple[int, int], order: Random
) -> None:
    """Points, retractions, points that come back after them, each row up to twice, shuffled."""
    rows = [made(number) for number in numbers]
    rows += [made(number, -1, 2) for number in numbers & back]
    rows += [made(number, 1, 3) for number in numbers & back & again]
    in_force = [made(number) for number in numbers if number not in back or number in again]
    rows += rows[::2]
    order.shuffle(rows)
    agree(rows, in_force, window)


def test_a_point_that_moved_counts_where_it_is_now() -> None:
    """Taken back in one quarter hour and said in another; had nothing been taken back, it would count in both."""
    table = SeriesTable(100, 4)
    counted = PointCounts(table)
    first, later = made(0), made(0, 1, 3)._replace(time_us=BEGIN + SLOT_US)
    for row in (first, made(0, -1, 2), later):
        counted.add(row)
    number = table.series.index(Series("rise", "error_loop", "housing"))
    assert counted.counts(BEGIN, BEGIN + SLOT_US)[number] == 0
    assert counted.counts(BEGIN, BEGIN + 2 * SLOT_US)[number] == 1
    assert counted.taken_back()
    kept = counted.as_if_kept()
    assert kept.counts(BEGIN, BEGIN + SLOT_US)[number] == 1
    assert kept.citizens(number, BEGIN, BEGIN + SLOT_US) == 1


def test_another_table_counts_the_same_by_other_numbers() -> None:
    """The past was read again, and its series come in another order."""
    table = SeriesTable(100, 4)
    counted = PointCounts(table)
    for number in range(40):
        counted.add(made(number))
    before = dict(zip(table.series, counted.counts(BEGIN, BEGIN + 8 * SLOT_US).tolist(), strict=True))
    other = SeriesTable(100, 4)
    for series in reversed(table.series):
        other.number(series)
    counted.use(other)
    after = dict(zip(other.series, counted.counts(BEGIN, BEGIN + 8 * SLOT_US).tolist(), strict=True))
    assert after == before


def test_what_is_too_much_is_said() -> None:
    """Beyond the bound rows are refused and counted; room comes back with the slots that no window reaches."""
    counted = PointCounts(SeriesTable(100, 4), max_rows=10)
    assert [counted.add(made(number)) for number in range(12)] == [True] * 10 + [False] * 2
    assert (counted.rows, counted.refused) == (10, 2)
    counted.forget_before(BEGIN + 100 * SLOT_US)
    assert counted.rows == 0
    assert counted.add(made(1)._replace(time_us=BEGIN + 200 * SLOT_US))


def test_repeated_rows_take_no_room_for_long() -> None:
    """They go when their quarter hour is counted."""
    counted = PointCounts(SeriesTable(100, 4), max_rows=50)
    for _ in range(50):
        counted.add(made(3))
    counted.counts(BEGIN, BEGIN + 8 * SLOT_US)
    assert counted.rows == 1


def test_places_that_are_over_leave_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over months there are more of them than there is room for; what still counts goes on counting, whatever came before it."""
    monkeypatch.setattr("services.alerts.point_counts.MAX_PLACES", 4)
    table = SeriesTable(100, 0)
    counted = PointCounts(table)
    later_us = BEGIN + 100 * SLOT_US
    for number in range(4):
        counted.add(made(number))
    lasting = made(5)._replace(time_us=later_us)
    assert counted.add(lasting)
    other = made(6)._replace(time_us=later_us, place=("long_wait", "passport", "web", ""))
    assert not counted.add(other)
    counted.forget_before(later_us)
    counted.use(table)
    assert counted.add(other)
    found = dict(zip(table.series, counted.counts(later_us, later_us + SLOT_US).tolist(), strict=True))
    assert found[Series("rise", "error_loop", "housing", "web")] == 1
    assert found[Series("rise", "long_wait", "passport", "web")] == 1
    assert sum(found.values()) == 4
    counted.add(lasting._replace(sign=-1, revision=2))
    assert sum(counted.counts(later_us, later_us + SLOT_US).tolist()) == 2
