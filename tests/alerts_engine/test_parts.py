"""The small parts of an engine: imports, the time of detection, following the log, what is kept."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from services.alerts.counts import SeriesTable
from services.alerts.engine_state import MAX_ALERTED, MAX_FINDINGS, EngineState, begin_at, read_state, write_state
from services.alerts.imports import MAX_SOURCES, Imports
from services.alerts.judging_rises import Alerted
from services.alerts.live import Live
from services.alerts.tail import Tail
from services.alerts.watermark import Watermark
from shared.alerts.finding import Finding, Series
from shared.errors import LogError
from shared.journey.control import ClockTicked
from shared.journey.instants import DAY_US, SECOND_US, to_text
from shared.log.local import LocalLogReader
from shared.log.port import Kind, Position, Record
from tests.alerts_engine.site import EVENTS, POINTS, T0
from tests.loader.samples import Logs, event, point


def test_an_import_holds_while_it_runs_and_for_what_lies_before_its_end() -> None:
    """Its importer's sources always do."""
    imports = Imports()
    assert imports.brought("/import/x", T0)
    assert not imports.brought("/crm", T0)
    imports.started("/crm", T0)
    assert imports.brought("/crm", T0 + DAY_US)
    imports.finished("/crm", T0 + SECOND_US)
    assert imports.brought("/crm", T0 + SECOND_US)
    assert not imports.brought("/crm", T0 + 2 * SECOND_US)


def test_an_import_explains_lag_for_a_day_at_the_most() -> None:
    """While it runs, and until detection has passed its end; one that nobody ends does not hide a dead detector for ever."""
    imports = Imports()
    assert not imports.explain(T0, T0)
    imports.started("/crm", T0)
    assert imports.explain(T0, T0 + DAY_US - 1)
    assert not imports.explain(T0, T0 + DAY_US)
    imports.finished("/crm", T0 + 100)
    assert imports.explain(T0 + 50, T0 + 1_000)
    assert not imports.explain(T0 + 101, T0 + 1_000)


def test_ends_of_imports_are_bounded() -> None:
    """The latest thousand."""
    imports = Imports()
    for number in range(MAX_SOURCES + 10):
        imports.finished(f"/s{number}", T0)
    assert len(imports.until_us) == MAX_SOURCES
    assert "/s9" not in imports.until_us


def test_detection_is_as_far_as_its_slowest_partition() -> None:
    """By the latest tick that it has folded; a tick that is read again changes nothing."""
    mark = Watermark()
    assert mark.at_us() is None
    for offset in (10, 20, 30):
        mark.ticked(0, offset, offset * SECOND_US)
        mark.ticked(1, offset, offset * SECOND_US)
    mark.progressed(0, 31)
    mark.progressed(1, 20)
    mark.ticked(0, 10, 10 * SECOND_US)
    assert mark.at_us() == 10 * SECOND_US
    assert mark.lag_s() == 20
    mark.progressed(1, 21)
    assert mark.at_us() == 20 * SECOND_US


def test_a_restarted_watermark_knows_where_it_was() -> None:
    """Before a tick is read, the log is as late as detection was."""
    mark = Watermark({0: T0})
    assert (mark.at_us(), mark.ticked_us()) == (T0, T0)


class Follow:
    """A tail of two streams."""

    def __init__(self, folder: Path) -> None:
        self.logs = Logs(folder / "log")
        self.readers = [LocalLogReader(folder / "log" / f"{name}.sqlite", name) for name in (EVENTS, POINTS)]
        self.tail = Tail(self.readers[0], self.readers[1], [], {})
        self.live = Live(SeriesTable(100, 4), SeriesTable(100, 0, "rejects"), Imports(), Watermark())
        self.live.forget_before(0)

    def step(self) -> None:
        while self.tail.step(self.live, T0):
            pass


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Follow]:
    """One on an empty log."""
    made = Follow(tmp_path)
    yield made
    for reader in made.readers:
        reader.close()
    made.logs.close()


def test_a_record_that_cannot_be_read_is_named_and_not_passed_over(follow: Follow) -> None:
    """What stood before it is taken once; the position stays before it."""
    follow.logs.append(Kind.POINTS, [point(1)])
    follow.logs.writers[POINTS].append([Record(0, Kind.POINTS, b'[{"id": 1}]', 1)])
    for _ in range(3):
        with pytest.raises(LogError, match="offset 2 cannot be read"):
            follow.step()
    assert follow.tail.positions[POINTS][0].next_offset == 2
    assert follow.live.points.rows == 1


def test_a_log_that_does_not_exist_yet_is_no_failure(tmp_path: Path) -> None:
    """There is nothing to take."""
    readers = [LocalLogReader(tmp_path / f"{name}.sqlite", name) for name in (EVENTS, POINTS)]
    tail = Tail(readers[0], readers[1], [], {})
    live = Live(SeriesTable(1, 0), SeriesTable(1, 0, "rejects"), Imports(), Watermark())
    assert tail.step(live, T0) is False


def test_channels_are_heard_by_their_latest_event(follow: Follow) -> None:
    """Not by an import, and not by an event of another year."""
    first = msgspec.structs.replace(event(1), time="2026-03-11T10:00:00.000000Z")
    follow.logs.append(Kind.EVENTS, [first, msgspec.structs.replace(first, time="2027-03-11T10:00:00.000000Z")])
    follow.logs.append(
        Kind.EVENTS, [msgspec.structs.replace(first, source="/import/x", time="2026-03-11T10:15:00.000000Z")]
    )
    follow.step()
    (heard,) = follow.live.heard.values()
    assert heard == T0 // (900 * SECOND_US)


def test_a_source_that_is_ahead_hides_no_silence_and_makes_none(follow: Follow) -> None:
    """Its events count as of the log's clock; so the ones of others after it do, also when that clock was put back since."""
    slot_us, slots = 900 * SECOND_US, follow.live.heard

    def hear(time_us: int, ticked_us: int) -> int:
        follow.logs.append(Kind.CONTROL, [ClockTicked(to_text(ticked_us))], EVENTS)
        follow.logs.append(Kind.EVENTS, [msgspec.structs.replace(event(1), time=to_text(time_us))])
        follow.step()
        (heard,) = slots.values()
        return heard - T0 // slot_us

    assert hear(T0 + slot_us + SECOND_US, T0 + 600 * SECOND_US) == 0
    assert hear(T0 + slot_us, T0 + slot_us) == 1
    assert hear(T0, T0 + slot_us) == 1
    assert hear(T0 + 50 * slot_us, T0 + 50 * slot_us) == 50
    assert hear(T0 + 2 * slot_us, T0 + 2 * slot_us) == 2


def test_state_comes_back_as_it_was_and_is_bounded() -> None:
    """What cannot be read is as if there were none: counts come from ClickHouse and the log."""
    series = Series("rise", "long_wait", "housing")
    found = Finding(series=series, window="fast", from_us=1, to_us=2, since_us=1, observed=3)
    state = EngineState(
        positions={"s": {0: ("log", 5)}},
        detected_us={0: T0},
        imports={"/crm": 1},
        import_ends={"/old": 2},
        found=(found,) * (MAX_FINDINGS + 1),
        alerted=(Alerted(series, 1, 2),) * MAX_ALERTED + (Alerted(series, 3, 4),),
    )
    back = read_state(write_state(state))
    assert back.positions == state.positions
    assert (back.detected_us, back.imports, back.import_ends) == (state.detected_us, state.imports, state.import_ends)
    assert len(back.found) == MAX_FINDINGS
    assert (len(back.alerted), back.alerted[-1].from_us) == (MAX_ALERTED, 3)
    assert read_state(b"") == read_state(b"{") == read_state(b'{"version": 99}') == EngineState()


def test_it_reads_on_where_nothing_is_missed() -> None:
    """From its own place or the loader's, whichever comes first; a place in another log is none."""
    kept = EngineState(positions={"a": {0: ("x", 5), 1: ("x", 50)}, "b": {0: ("old", 1)}, "c": {0: ("x", 9)}})
    loaded = {"a": {0: Position("x", 9), 1: Position("x", 9)}, "b": {0: Position("new", 7)}}
    assert begin_at(kept, loaded, ["a", "b", "c"]) == {
        "a": {0: Position("x", 5), 1: Position("x", 9)},
        "b": {0: Position("new", 7)},
        "c": {},
    }
