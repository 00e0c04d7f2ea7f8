"""Bytes a journey in the detector's memory: many journeys of five events, UUID ids, random types.

They are folded in a fresh process (`python -m tests.benchmarks.journey_memory`), which reads its records from another so
that nothing but detection takes memory in it; what counts is the growth of its resident memory.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from shared.detection.occurrence import decode_arrivals
from shared.detection.partition import Partition
from shared.journey.control import RulesPublished
from shared.journey.event import Event
from shared.journey.instants import HOUR_US
from shared.settings import Settings
from tests.benchmarks.folding import CHECKPOINT_RECORDS, MemoryRecords, collector_as_in_detector, tick_after
from tests.benchmarks.processes import resident_bytes
from tests.benchmarks.report import Figure, figure
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.workload import ALL_RULES, RANDOM_TYPES, RECORD_EVENTS, START_US, EventMaker, pseudonyms

EVENTS_EACH = 5
SPAN_US = 20 * HOUR_US
BLOCK_JOURNEYS = 25_000
"""The events of so many journeys come mixed: more than are held unpacked, so that each is packed and unpacked meanwhile."""

_LENGTH_BYTES = 4


class Memory(Struct):
    """What folding took of the memory of the process that did it."""

    resident_bytes: int


def measure(sizes: Sizes, folder: Path) -> list[Figure]:
    """Bytes a journey, resident and packed."""
    del folder
    memory = fold_elsewhere(sizes.journeys)
    packed = packed_sizes(min(sizes.journeys, BLOCK_JOURNEYS))
    return [
        figure("memory a journey, all included", [memory.resident_bytes / sizes.journeys], "bytes", aim="1,024"),
        figure("a packed journey", [sum(packed) / len(packed)], "bytes"),
    ]


def fold_elsewhere(journeys: int) -> Memory:
    """Fold the journeys in a fresh process."""
    with subprocess.Popen([sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for value in _records(journeys):
            child.stdin.write(len(value).to_bytes(_LENGTH_BYTES, "big") + value)
        child.stdin.close()
        answer = child.stdout.read()
    return msgspec.json.decode(answer, type=Memory)


def fold_all(values: Iterator[bytes]) -> Memory:
    """Fold the records as the detector does, checkpoints included, and see how much memory that takes."""
    settings = Settings()
    partition = Partition(
        0, MemoryRecords(), hot_journeys=settings.hot_journeys, young_journeys=settings.young_journeys
    )
    partition.control(0, RulesPublished(1, ALL_RULES))
    with collector_as_in_detector():
        before_bytes = resident_bytes()
        for offset, value in enumerate(values, 1):
            arrivals = decode_arrivals(value)
            partition.fold_events(offset, arrivals)
            partition.control(offset, tick_after(arrivals))
            if offset % CHECKPOINT_RECORDS == 0:
                partition.changes()
                partition.saved()
        partition.changes()
        partition.saved()
        return Memory(resident_bytes() - before_bytes)


def packed_sizes(journeys: int) -> list[int]:
    """Bytes of each journey as a checkpoint writes it."""
    partition = Partition(0, MemoryRecords(), hot_journeys=journeys, young_journeys=0)
    partition.control(0, RulesPublished(1, ALL_RULES))
    for offset, value in enumerate(_records(journeys), 1):
        partition.fold_events(offset, decode_arrivals(value))
    return [len(each.record) for each in partition.changes()[1]]


def _records(journeys: int) -> Iterator[bytes]:
    """Events in order: journeys in blocks, five events of each within the block's share of the time, mixed."""
    for first in range(0, journeys, BLOCK_JOURNEYS):
        maker = EventMaker(first, RANDOM_TYPES)
        order = pseudonyms(min(BLOCK_JOURNEYS, journeys - first), seed=first) * EVENTS_EACH
        maker.random.shuffle(order)
        start_us = START_US + SPAN_US * first // journeys
        yield from _block(maker, order, start_us, SPAN_US * BLOCK_JOURNEYS // max(journeys, BLOCK_JOURNEYS))


def _block(maker: EventMaker, order: Sequence[str], start_us: int, span_us: int) -> Iterator[bytes]:
    events: list[Event] = []
    for number, subject in enumerate(order):
        events.append(maker.event(subject, start_us + number * span_us // len(order)))
        if len(events) == RECORD_EVENTS:
            yield msgspec.json.encode(events)
            events = []
    if events:
        yield msgspec.json.encode(events)


def _received(pipe: IO[bytes]) -> Iterator[bytes]:
    while length := pipe.read(_LENGTH_BYTES):
        yield pipe.read(int.from_bytes(length, "big"))


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(fold_all(_received(sys.stdin.buffer))))
