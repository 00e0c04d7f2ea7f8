"""Records of the log: what is encoded comes back, and what nobody wrote is refused by name."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.detection.occurrence import decode_arrivals
from shared.errors import DetectionError
from shared.journey.codec import decode_controls, decode_events, decode_points, encode, join_encoded
from shared.journey.control import ClockTicked, DetectionProgressed, ImportStarted
from shared.journey.event import SHARDS, Event, EventData, partition_of
from shared.journey.instants import from_text, from_us, to_text, to_us
from shared.journey.point import Point

EVENT = Event("1", "/x", "page.viewed", "2024-01-01T00:00:00.000000Z", "2024-01-01T00:00:01.000000Z", EventData("aid"))


def test_events_come_back() -> None:
    """Absent fields take no room and come back absent."""
    value = encode([EVENT])
    assert b"matter" not in value
    assert decode_events(value) == [EVENT]
    assert decode_events(join_encoded([value[1:-1], value[1:-1]])) == [EVENT, EVENT]


def test_partitions_share_the_shards_out() -> None:
    """Every partition has its part, and one that was split gives shards to the new one only."""
    assert {partition_of(shard, 8) for shard in range(SHARDS)} == set(range(8))
    assert {partition_of(shard, 16) % 8 for shard in range(SHARDS) if partition_of(shard, 8) == 3} == {3}


def test_controls_come_back_as_what_they_are() -> None:
    """Each control event names its type."""
    controls = [
        ClockTicked("2024-01-01T00:00:00.000000Z"),
        ImportStarted("/import/x"),
        DetectionProgressed(0, "l", 5, 1),
    ]
    assert decode_controls(encode(controls)) == controls


def test_points_come_back() -> None:
    """With figures of both kinds, and minutes that cannot be told."""
    point = Point(
        "0f", 3, -1, "repeat_contact", 1, {"window_s": 60.0}, {"gap_s": 5.0, "earlier_channel": "web"}, "/x", "2", "p1-a",
        "aid", "j", "phone", "", "", "fr/75", "", "2024-01-01T00:00:00.000000Z", ["1", "2"], ["/x", "/x"], None, 5.0, 0, 9,
    )  # fmt: skip
    assert decode_points(encode([point])) == [point]


@pytest.mark.parametrize("decode", [decode_events, decode_controls, decode_points, decode_arrivals])
@pytest.mark.parametrize("value", [b"", b"{}", b"[1]", b'[{"type":"unknown"}]', b"[" * 100_000, b'["\xff"]'])
def test_what_nobody_wrote_is_refused_by_name(decode: Callable[[bytes], Any], value: bytes) -> None:
    """A record that cannot be read is an error that stops the worker, never skipped."""
    with pytest.raises(DetectionError, match="cannot be read"):
        decode(value)


def test_instants_are_exact_across_a_change_of_clocks() -> None:
    """Elapsed time is that of the instants, whatever the offsets of the texts; texts sort as instants."""
    before, after = from_text("2024-03-31T01:59:59.999999+01:00"), from_text("2024-03-31T03:00:00+02:00")
    assert after - before == 1
    assert to_text(before) == "2024-03-31T00:59:59.999999Z"
    assert to_us(from_us(before)) == before
    assert to_text(before) < to_text(after)
