"""Cuts the past of a journey into control events that fit into the log."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from shared.journey.control import JourneyReplayed
from shared.journey.event import Event
from shared.journey.point import Point

PART_BYTES: Final = 500_000
"""Of encoded events and points in one part; a record of the log holds 900,000, and one event at most 64 kB."""

_encoder = msgspec.json.Encoder()


def replay_parts(
    run: str, subject: str, service: str, events: Sequence[Event], points: Sequence[Point]
) -> list[JourneyReplayed]:
    """The parts of one (subject, service), numbered from 1; at least one."""
    chunks = list(_chunks([*events, *points])) or [[]]
    return [
        JourneyReplayed(
            run,
            subject,
            service,
            number,
            len(chunks),
            [item for item in chunk if isinstance(item, Event)],
            [item for item in chunk if isinstance(item, Point)],
            events[0].shard if events else 0,
        )
        for number, chunk in enumerate(chunks, start=1)
    ]


def _chunks(items: Sequence[Event | Point]) -> Iterator[list[Event | Point]]:
    chunk: list[Event | Point] = []
    size_bytes = 0
    for item in items:
        item_bytes = len(_encoder.encode(item))
        if chunk and size_bytes + item_bytes > PART_BYTES:
            yield chunk
            chunk, size_bytes = [], 0
        chunk.append(item)
        size_bytes += item_bytes
    if chunk:
        yield chunk
