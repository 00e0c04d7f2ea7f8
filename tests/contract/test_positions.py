"""What consumers have passed: the files of `shared.log.positions`."""

from pathlib import Path

import pytest

from shared.errors import LogError, LogMismatch
from shared.log.local import LocalLogReader, LocalLogWriter
from shared.log.port import Position
from shared.log.positions import StreamPosition, lag, passed_by_all, read_positions, write_position
from tests.contract.log_contract import record


def test_positions_are_read_back_by_consumer_and_stream(tmp_path: Path) -> None:
    """Each consumer has one file, which keeps the position in each of its streams; only the latest counts."""
    folder = tmp_path / "positions"
    assert read_positions(folder) == {}
    write_position(folder, "loader", "frictions.detector", "l1", {0: 5})
    write_position(folder, "loader", "journey-events.ingest", "l2", {0: 3, 11: 4})
    write_position(folder, "loader", "frictions.detector", "l1", {0: 9})
    write_position(folder, "detector", "journey-events.ingest", "l2", {0: 7})
    assert read_positions(folder) == {
        "detector": {"journey-events.ingest": StreamPosition("l2", {0: 7})},
        "loader": {
            "frictions.detector": StreamPosition("l1", {0: 9}),
            "journey-events.ingest": StreamPosition("l2", {0: 3, 11: 4}),
        },
    }
    assert sorted(file.name for file in folder.iterdir()) == ["detector.json", "loader.json"]


def test_position_is_what_readers_take() -> None:
    """A position read from a file can be handed to a reader."""
    assert StreamPosition("l", {2: 8}).after() == {2: Position("l", 8)}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"s": {"log_id": 1}}', b'{"s": 3}', b"\xff\xfe", b'{"s":{"log_id":"l","next_offsets":{"x":1}}}'],
)
def test_damaged_file_is_named_and_written_anew(tmp_path: Path, content: bytes) -> None:
    """A damaged file stops reading in one line that names it; its consumer's next write repairs it."""
    (tmp_path / "loader.json").write_bytes(content)
    with pytest.raises(LogError, match=r"loader\.json.*delete it") as refusal:
        read_positions(tmp_path)
    assert "\n" not in str(refusal.value)
    write_position(tmp_path, "loader", "s", "l", {0: 1})
    assert read_positions(tmp_path) == {"loader": {"s": StreamPosition("l", {0: 1})}}


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    """What cannot be read for another reason than its content is said in one line too, not taken for damage."""
    (tmp_path / "loader.json").mkdir()
    with pytest.raises(LogError, match=r"loader\.json: the file of positions cannot be read \(Is a directory\)"):
        read_positions(tmp_path)


def test_slowest_consumer_says_what_all_have_passed() -> None:
    """Pruning follows the slowest consumer, and stops where one is missing or reads another log."""
    positions = {
        "detector": {"s": StreamPosition("l", {0: 9, 1: 3})},
        "loader": {"s": StreamPosition("l", {0: 4, 1: 8})},
        "behind": {"s": StreamPosition("l", {0: 2})},
        "astray": {"s": StreamPosition("other", {0: 99, 1: 99})},
    }
    assert passed_by_all(positions, ["detector", "loader"], "s", "l") == {0: 4, 1: 3}
    assert passed_by_all(positions, ["detector", "behind"], "s", "l") == {0: 2}
    assert passed_by_all(positions, ["detector", "astray"], "s", "l") == {}
    assert passed_by_all(positions, ["detector", "absent"], "s", "l") == {}
    assert passed_by_all(positions, [], "s", "l") == {}


def test_lag_is_counted_from_the_position(tmp_path: Path) -> None:
    """The lag counts items from the position on, all of them without one, and refuses another log's position."""
    writer = LocalLogWriter(tmp_path / "s.sqlite", "s")
    reader = LocalLogReader(tmp_path / "s.sqlite", "s")
    offsets = writer.append([record("a", items=10), record("b", items=5)])
    assert lag(reader, None) == 15
    assert lag(reader, StreamPosition(writer.log_id(), {0: offsets[1]})) == 5
    assert lag(reader, StreamPosition(writer.log_id(), {0: offsets[1] + 1})) == 0
    with pytest.raises(LogMismatch):
        lag(reader, StreamPosition("other", {0: 1}))
    reader.close()
    writer.close()
