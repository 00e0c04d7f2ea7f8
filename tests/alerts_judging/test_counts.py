"""Counts: which series a point belongs to, their bound, the past as sums, the present by journeys."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.calendar_clock import MINUTE_US, SLOT_US
from services.alerts.counts import SeriesTable, Touch, TouchCounts, past_of, series_of
from shared.alerts.finding import Series


def test_a_point_belongs_to_its_channel_its_territories_and_all_channels() -> None:
    """The widest first; no more levels than the site watches; empty parts make no series of their own."""
    found = series_of("rise", "long_wait", "housing", "phone", "fr/idf/75", 2)
    assert [(each.channel, each.territory) for each in found] == [
        ("", ""),
        ("phone", ""),
        ("phone", "fr"),
        ("phone", "fr/idf"),
    ]
    assert series_of("rise", "a", "b", "", "", 4) == [Series("rise", "a", "b")]
    assert [each.territory for each in series_of("rise", "a", "b", "", "fr", 4)] == ["", "fr"]


def test_series_beyond_the_bound_are_left_out_and_counted() -> None:
    """The first ones stay watched; how many are not is known."""
    table = SeriesTable(3, 4)
    assert table.of_point("a", "x", "web", "") == (0, 1)
    assert table.of_point("b", "x", "web", "") == (2,)
    assert table.of_point("c", "x", "web", "") == ()
    assert table.of_point("a", "x", "web", "") == (0, 1)
    assert (len(table.series), table.left_out) == (3, 3)


def test_the_past_adds_up_whatever_its_order() -> None:
    """Rows of one slot and series are one; bounds are both included."""
    past = past_of([(9, 1, 2.0), (7, 0, 1.0), (9, 1, 3.0), (8, 1, 4.0)], [0, 0])
    assert past.slots.tolist() == [7, 8, 9]
    assert past.sums(8, 9).tolist() == [0, 9]
    assert past.sums(7, 7).tolist() == [1, 0]
    assert past.between(8, 9).counts.tolist() == [4]
    assert past_of([], [3]).sums(0, 100).tolist() == [0]


def counted(*touches: tuple[int, str]) -> TouchCounts:
    """One series with points (minute, journey)."""
    counts = TouchCounts(SeriesTable(10, 0))
    for minute, journey in touches:
        counts.add(Touch(minute * MINUTE_US, "a", "b", "", "", journey))
    return counts


def test_a_journey_counts_once_a_quarter_hour_and_once_a_window() -> None:
    """Twice in one quarter hour is one, in two of them two; as a citizen it is one."""
    counts = counted((0, "x"), (14, "x"), (15, "x"), (16, "y"))
    assert counts.counts(0, 30 * MINUTE_US).tolist() == [3]
    assert counts.citizens(0, 0, 30 * MINUTE_US) == 2


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, 15, 1), (1, 14, 0), (1, 15, 1), (14, 29, 1), (15, 30, 0), (0, 1, 1)]
)
def test_a_window_takes_the_minutes_within_its_bounds(start: int, end: int, expected: int) -> None:
    """The first included, the last excluded, also where it cuts a quarter hour."""
    counts = counted((0, "x"), (14, "x"))
    assert counts.counts(start * MINUTE_US, end * MINUTE_US).tolist() == [expected]


def test_what_was_never_counted_cannot_be_taken_back() -> None:
    """Nothing falls below zero; the same point counted twice must be taken back twice."""
    counts = counted((3, "x"), (3, "x"))
    for expected in (1, 0, 0):
        counts.take_back(Touch(3 * MINUTE_US, "a", "b", "", "", "x"))
        assert counts.counts(0, SLOT_US).sum() == expected
    counts.take_back(Touch(99 * SLOT_US, "a", "b", "", "", "x"))
    assert counts.counts(0, 100 * SLOT_US).sum() == 0


def test_what_has_ended_is_forgotten() -> None:
    """Slots that end before the instant, no others."""
    counts = counted((0, "x"), (15, "y"))
    counts.forget_before(SLOT_US)
    assert counts.counts(0, 2 * SLOT_US).tolist() == [1]


@given(
    st.lists(st.tuples(st.integers(0, 59), st.sampled_from("abcd"), st.booleans()), max_size=30),
    st.integers(0, 59),
    st.integers(1, 60),
)
def test_counts_are_those_of_a_slow_count(points: list[tuple[int, str, bool]], start: int, length: int) -> None:
    """Whatever was added and taken back, in any order, and whatever the window."""
    counts = TouchCounts(SeriesTable(10, 0))
    held: list[tuple[int, str]] = []
    for minute, journey, again in points:
        touch = Touch(minute * MINUTE_US, "a", "b", "", "", journey)
        counts.add(touch)
        held.append((minute, journey))
        if again:
            counts.take_back(touch)
            held.remove((minute, journey))
    within = [(minute, journey) for minute, journey in held if start <= minute < start + length]
    bounds = start * MINUTE_US, (start + length) * MINUTE_US
    assert counts.counts(*bounds).sum() == len({(minute // 15, journey) for minute, journey in within})
    assert counts.citizens(0, *bounds) == len({journey for _, journey in within})
    assert isinstance(counts.counts(*bounds), np.ndarray)
