"""Packing what several requests hand over into the records of one commit."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from shared.journey.codec import join_encoded
from shared.log.port import MAX_RECORD_BYTES, MAX_RECORD_EVENTS, Kind, Record

MAX_ITEM_BYTES: Final = MAX_RECORD_BYTES - 2
"""What one item may have, so that it fits into a record between its brackets."""


class Part(NamedTuple):
    """Encoded items of one kind for one partition, in order."""

    partition: int
    kind: Kind
    items: list[bytes]


class RawRecord(NamedTuple):
    """An event as it came without a request: `place` names it for good (partition and offset of a topic)."""

    place: str
    offset: int
    value: bytes


class _Open:
    """A record that still takes items."""

    __slots__ = ("items", "kind", "partition", "size_bytes")

    def __init__(self, partition: int, kind: Kind) -> None:
        self.partition = partition
        self.kind = kind
        self.items: list[bytes] = []
        self.size_bytes = 1

    def takes(self, kind: Kind, item: bytes) -> bool:
        return (
            kind is self.kind
            and kind is not Kind.CONTROL
            and len(self.items) < MAX_RECORD_EVENTS
            and self.size_bytes + len(item) + 1 <= MAX_RECORD_BYTES
        )


def pack(submissions: Sequence[Sequence[Part]]) -> tuple[list[Record], list[dict[int, int]]]:
    """The records that hold all items, and for each submission the index of its last record, by partition.

    A partition's items stay in order; items of successive submissions share records up to the port's limits, except
    control events, which have a record each.
    """
    opened: list[_Open] = []
    latest: dict[int, int] = {}
    placed: list[dict[int, int]] = []
    for parts in submissions:
        places: dict[int, int] = {}
        for part in parts:
            for item in part.items:
                _place(opened, latest, part, item)
            places[part.partition] = latest[part.partition]
        placed.append(places)
    records = [Record(o.partition, o.kind, join_encoded(o.items), len(o.items)) for o in opened]
    return records, placed


def _place(opened: list[_Open], latest: dict[int, int], part: Part, item: bytes) -> None:
    index = latest.get(part.partition)
    if index is None or not opened[index].takes(part.kind, item):
        index = latest[part.partition] = len(opened)
        opened.append(_Open(part.partition, part.kind))
    record = opened[index]
    record.items.append(item)
    record.size_bytes += len(item) + 1
