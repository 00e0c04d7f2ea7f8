"""Keys and values of `detector-state`: what is written is what is found again, whatever its size."""

from random import Random

import pytest

from services.detector.stored_state import MAX_VALUE_BYTES, STATE_KEY, JourneyRecords, StateEncoder, StoredState
from shared.detection.partition_state import Changed, PartitionState
from shared.errors import LogMismatch

LARGE = Random(1).randbytes(3 * MAX_VALUE_BYTES)


def state(offset: int = 1) -> StoredState:
    """A state at an offset."""
    return StoredState("log", offset, PartitionState(now_us={"": 5}, version=2))


def test_journeys_timers_and_state_are_found_again() -> None:
    """The latest record of each key counts; timers come with their clocks, and the state is no journey."""
    encoder, records = StateEncoder(), JourneyRecords()
    first = [
        Changed("a\x1fs", b"old", 7, ""),
        Changed("é\x1fs", b"other", 9, "/import/x"),
        Changed("c\x1fs", b"c", 0, ""),
    ]
    for changed in (first, [Changed("a\x1fs", b"new", 8, "")]):
        for key, value in encoder.encode(state(), changed):
            records.add(key, value)
    stored = records.take_state()
    assert stored == state()
    assert len(records) == 3
    assert sorted(records.timers()) == [(8, "", "a\x1fs"), (9, "/import/x", "é\x1fs")]
    assert records.load("a\x1fs") == b"new"
    assert records.load("é\x1fs") == b"other"
    assert records.load("a\x1fs") is None, "what was taken out is the partition's own"
    assert records.load("unknown") is None


def test_large_values_are_cut_into_chunks_and_leave_none_behind() -> None:
    """A journey of several chunks is whole again; when it shrinks, its chunks are deleted, also after a restart."""
    encoder, records = StateEncoder(), JourneyRecords()
    entries = encoder.encode(state(), [Changed("robot\x1fs", LARGE, 7, "")])
    assert max(len(value or b"") for _, value in entries) <= MAX_VALUE_BYTES
    for key, value in entries:
        records.add(key, value)
    assert len(records) == 2, "chunks are no journeys"
    assert records.timers() == [(7, "", "robot\x1fs")]
    again = StateEncoder()
    again.held_in_chunks(records.chunk_counts())
    assert records.load("robot\x1fs") == LARGE
    kept = dict(entries)
    for key, value in again.encode(state(), [Changed("robot\x1fs", b"small", 7, "")]):
        kept.pop(key, None)
        if value is not None:
            kept[key] = value
    assert kept.keys() == {b"robot\x1fs", STATE_KEY}


def test_a_large_state_is_cut_too() -> None:
    """What a redetection keeps in the partition's state may be larger than a record of Kafka."""
    encoder, records = StateEncoder(), JourneyRecords()
    large = StoredState("log", 3, PartitionState(redetection=LARGE.hex()))
    for key, value in encoder.encode(large, []):
        records.add(key, value)
    assert records.take_state() == large


def test_what_another_version_wrote_is_named() -> None:
    """Another format, or a state of other fields, is a mismatch rather than a guess; so is a missing chunk."""
    encoder = StateEncoder()
    [(_, value)] = encoder.encode(state(), [])
    assert value is not None
    records = JourneyRecords()
    records.add(STATE_KEY, b"\x02" + value[1:])
    with pytest.raises(LogMismatch, match="format 2"):
        records.take_state()
    records.add(b"a", b"\x02" + value[1:])
    with pytest.raises(LogMismatch, match="format 2"):
        records.timers()
    head, *_ = encoder.encode(state(), [Changed("robot\x1fs", LARGE, 7, "")])
    records.add(*head)
    with pytest.raises(LogMismatch, match="lacks chunks"):
        records.load("robot\x1fs")
