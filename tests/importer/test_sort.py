"""Sorting with bounded memory, repeats, and batches."""

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.importer.batches import batches
from services.importer.build import BuiltEvent
from services.importer.repeats import RecentEvents, Repeat, neighbours
from services.importer.sort import EventSorter
from shared.errors import ParcoursError


def event(time_us: int, event_id: str, line: int = 1, body: bytes = b"{}") -> BuiltEvent:
    """An event of which only what matters here is told."""
    return BuiltEvent(time_us, event_id, line, line, "contact.made", "web", body)


def open_files() -> int:
    """How many files this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


EVENTS = st.lists(
    st.builds(
        event,
        st.integers(0, 3),
        st.sampled_from(["a", "é", "b", "😀", "\uffff", "aa"]),
        st.integers(1, 9),
        st.binary(max_size=3),
    ),
    max_size=40,
)


@given(EVENTS, st.integers(1, 5), st.integers(2, 4))
def test_events_come_in_order_however_small_the_memory(events: list[BuiltEvent], run_events: int, merge_width: int):
    """Runs and merges of any size give all events, by instant and then id as UTF-8 bytes, the earlier line first."""
    with closing(EventSorter(run_events, merge_width)) as sorter:
        for each in events:
            sorter.add(each)
        found = list(sorter.events())
    assert sorted(found) == sorted(events)
    keys = [(each.time_us, each.id.encode(), each.line) for each in found]
    assert keys == sorted(keys)
    assert sorter.total == len(events)


def test_memory_and_open_files_are_bounded():
    """Runs that were written are not kept in memory, and there are never more files than the merge is wide."""
    before = open_files()
    with closing(EventSorter(run_events=10, merge_width=4)) as sorter:
        for number in range(1_000):
            sorter.add(event(-number, str(number)))
            assert len(sorter._pending) < 10
            assert open_files() - before <= 5
        assert [each.time_us for each in sorter.events()] == list(range(-999, 1))
    assert open_files() == before


def test_a_temporary_folder_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where sorting has no room, the error says what to do."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with closing(EventSorter(run_events=1)) as sorter, pytest.raises(ParcoursError, match="TMPDIR"):
        sorter.add(event(1, "a"))


def test_repeats_are_told_from_other_content():
    """The same id with the same content is a repeat; with other content it is the publisher's error."""
    recent = RecentEvents()
    found = [
        recent.add(event(1, name, body=body)) for name, body in (("a", b"1"), ("b", b"1"), ("a", b"1"), ("a", b"2"))
    ]
    assert found == [Repeat.NONE, Repeat.NONE, Repeat.SAME, Repeat.OTHER_CONTENT]


def test_what_is_remembered_is_bounded():
    """At least the last `limit` ids are remembered, and never more than twice as many."""
    recent = RecentEvents(limit=10)
    for number in range(100):
        assert recent.add(event(1, str(number))) is Repeat.NONE
        assert recent.add(event(1, str(max(number - 9, 0)))) is Repeat.SAME
        assert len(recent._current) + len(recent._previous) <= 20
    assert recent.add(event(1, "0")) is Repeat.NONE


def test_repeats_far_apart_are_found_when_sorted():
    """Sorted, the same id and time stand side by side: the first is new, the others are judged against it."""
    events = [event(1, "a", 1, b"1"), event(1, "a", 5, b"1"), event(1, "a", 6, b"2"), event(2, "a", 7, b"1")]
    assert [repeat for _, repeat in neighbours(events)] == [Repeat.NONE, Repeat.SAME, Repeat.OTHER_CONTENT, Repeat.NONE]


@given(st.lists(st.integers(0, 30), max_size=50), st.integers(1, 7), st.integers(10, 60))
def test_batches_are_bounded_and_lose_nothing(sizes: list[int], max_events: int, max_bytes: int):
    """Batches keep the order and both bounds; only an event that is too large by itself stands alone."""
    events = [event(0, str(number), body=b"x" * size) for number, size in enumerate(sizes)]
    found = list(batches(events, max_events, max_bytes))
    assert [each for batch in found for each in batch] == events
    for batch in found:
        body = b"[" + b",".join(each.body for each in batch) + b"]"
        assert 1 <= len(batch) <= max_events
        assert len(body) <= max_bytes or len(batch) == 1
