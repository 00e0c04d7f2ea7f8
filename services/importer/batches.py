"""Events in batches that a gateway takes."""

from collections.abc import Iterable, Iterator

from services.importer.build import BuiltEvent
from shared.client.send import MAX_BATCH_BYTES, MAX_BATCH_EVENTS


def batches(
    events: Iterable[BuiltEvent], max_events: int = MAX_BATCH_EVENTS, max_bytes: int = MAX_BATCH_BYTES
) -> Iterator[list[BuiltEvent]]:
    """The events in order, in batches within both bounds; an event that is larger by itself stands alone."""
    batch: list[BuiltEvent] = []
    size_bytes = 2
    for event in events:
        event_bytes = len(event.body) + 1
        if batch and (len(batch) >= max_events or size_bytes + event_bytes > max_bytes):
            yield batch
            batch, size_bytes = [], 2
        batch.append(event)
        size_bytes += event_bytes
    if batch:
        yield batch
