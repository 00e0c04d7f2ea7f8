"""Positions: where a loader resumes, and when it stops by name."""

import threading

import pytest

from shared.errors import LogMismatch, StoreError
from shared.journey.codec import encode
from shared.log.local import LocalLogWriter
from shared.log.port import Kind, Record
from shared.log.positions import read_positions
from shared.store.client import Store
from tests.loader.samples import STREAMS, Clock, Logs, event, point


def positions(store: Store) -> dict[str, int]:
    """The next offset of partition 0, by stream."""
    rows = store.query("SELECT stream, argMax(next_offset, at) FROM positions GROUP BY stream").rows
    return dict(rows)


def test_a_new_loader_resumes(empty_store: Store, logs: Logs) -> None:
    """A loader started anew reads only what the last one had not passed."""
    logs.append(Kind.EVENTS, [event(1)])
    logs.append(Kind.POINTS, [point(1)])
    assert logs.loader(empty_store).run_once()[:2] == (1, 1)
    logs.append(Kind.EVENTS, [event(2)])
    assert logs.loader(empty_store).run_once()[:2] == (1, 0)
    assert positions(empty_store) == {STREAMS[0]: 3, STREAMS[1]: 2}


def test_partitions_have_positions_of_their_own(empty_store: Store, logs: Logs) -> None:
    """Each partition resumes where it was, whatever the others hold."""
    stream = STREAMS[2]
    logs.writers[stream].close()
    (logs.folder / f"{stream}.sqlite").unlink()
    logs.writers[stream] = writer = LocalLogWriter(logs.folder / f"{stream}.sqlite", stream, partitions=3)
    for partition, first in ((2, 0), (0, 5), (2, 10)):
        events = [event(first + number) for number in range(5)]
        writer.append([Record(partition, Kind.EVENTS, encode(events), 5)])
        assert logs.loader(empty_store).run_once().events == 5
    rows = empty_store.query(
        "SELECT partition, argMax(next_offset, at) FROM positions GROUP BY partition ORDER BY partition"
    ).rows
    assert rows == [(0, 3), (2, 4)]
    assert empty_store.query("SELECT count() FROM events").rows == [(15,)]


def test_control_events_are_passed_not_loaded(empty_store: Store, logs: Logs) -> None:
    """Ticks are never rows; the position passes them all the same."""
    logs.tick()
    logs.tick()
    step = logs.loader(empty_store).run_once()
    assert sum(step[:4]) == 0
    assert positions(empty_store) == {STREAMS[0]: 3}


def test_detected_never_goes_back(empty_store: Store, logs: Logs) -> None:
    """The detector's progress is the furthest told in its log, and starts anew with another log."""
    for offset in (5, 9, 7):
        logs.progress(offset, "log-a")
    loader = logs.loader(empty_store)
    loader.run_once()
    assert positions(empty_store)["detected"] == 9
    assert loader.freshness().streams["detected"].next_offsets == {0: 9}
    logs.progress(2, "log-b")
    logs.loader(empty_store).run_once()
    assert positions(empty_store)["detected"] == 2


def test_the_last_row_wins_when_the_clock_goes_back(empty_store: Store, logs: Logs) -> None:
    """A clock that jumps back does not resurrect an older position."""
    logs.append(Kind.EVENTS, [event(1)])
    logs.loader(empty_store).run_once()
    logs.append(Kind.EVENTS, [event(2)])
    early = Clock()
    early.now_us -= 10_000_000_000
    logs.loader(empty_store, early).run_once()
    assert positions(empty_store) == {STREAMS[0]: 3}


def test_other_processes_see_what_is_passed(empty_store: Store, logs: Logs) -> None:
    """The file of positions says what is durably loaded, and freshness how far the logs go."""
    logs.append(Kind.EVENTS, [event(1)])
    loader = logs.loader(empty_store)
    loader.run_once()
    told = read_positions(logs.folder / "positions")["loader"]
    assert {stream: position.next_offsets for stream, position in told.items()} == {STREAMS[0]: {0: 2}}
    freshness = loader.freshness()
    assert freshness.streams[STREAMS[0]].next_offsets == freshness.streams[STREAMS[0]].ends == {0: 2}
    assert freshness.lag_s == freshness.failing_s == 0


def test_another_log_stops_by_name(empty_store: Store, logs: Logs) -> None:
    """A log that is not the one loaded before stops the loader at once, naming the stream."""
    logs.append(Kind.EVENTS, [event(1)])
    logs.loader(empty_store).run_once()
    logs.writers[STREAMS[0]].close()
    for file in logs.folder.glob(f"{STREAMS[0]}*"):
        file.unlink()
    logs.writers[STREAMS[0]] = LocalLogWriter(logs.folder / f"{STREAMS[0]}.sqlite", STREAMS[0])
    with pytest.raises(LogMismatch, match=r"journey-events\.ingest"):
        logs.loader(empty_store).run(threading.Event())


def test_failures_are_tried_again_then_raised(empty_store: Store, logs: Logs) -> None:
    """While ClickHouse fails nothing is rejected or passed; when it works again all is loaded; in the end it is raised."""
    logs.append(Kind.EVENTS, [event(1)])
    loader = logs.loader(empty_store)
    empty_store.writer().command("RENAME TABLE staging_events TO hidden")
    try:
        with pytest.raises(StoreError):
            loader.run_once()
        loader.run(StopAfter(waits=3))
        assert loader.freshness().failing_s > 0
        clock = Clock()
        with pytest.raises(StoreError):
            logs.loader(empty_store, clock).run(StopAfter(waits=100))
    finally:
        empty_store.writer().command("RENAME TABLE hidden TO staging_events")
    loader.run(StopAfter(waits=1))
    assert loader.freshness().failing_s == 0
    assert empty_store.query("SELECT count() FROM events").rows == [(1,)]
    assert empty_store.query("SELECT count() FROM rejects").rows == [(0,)]


class StopAfter(threading.Event):
    """Stops a loader after so many waits, without waiting."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self._waits = waits

    def wait(self, timeout: float | None = None) -> bool:
        self._waits -= 1
        if self._waits <= 0:
            self.set()
        return self.is_set()
