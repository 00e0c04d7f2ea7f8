"""Repeated ids within one file: told apart from other content under the same id, with bounded memory.

A row may safely repeat what another row said. The same id with other content is the publisher's error.
Repeats that lie closer than `REMEMBERED_EVENTS` are found as they are read; repeats further apart, with the same time,
when the sorted events are merged; those further apart with another time are left to the recount.
"""

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final

from services.importer.build import BuiltEvent

REMEMBERED_EVENTS: Final = 250_000


class Repeat(Enum):
    """What an event is to those before it."""

    NONE = "none"
    SAME = "same"
    OTHER_CONTENT = "other content"


class RecentEvents:
    """Remembers the last `limit` to `2 * limit` ids with a hash of their content."""

    def __init__(self, limit: int = REMEMBERED_EVENTS) -> None:
        self._limit = limit
        self._current: dict[str, int] = {}
        self._previous: dict[str, int] = {}

    def add(self, event: BuiltEvent) -> Repeat:
        """What the event is to those remembered; it is remembered itself if it is new."""
        content = hash(event.body)
        earlier = self._current.get(event.id, self._previous.get(event.id))
        if earlier is not None:
            return Repeat.SAME if earlier == content else Repeat.OTHER_CONTENT
        if len(self._current) >= self._limit:
            self._previous, self._current = self._current, {}
        self._current[event.id] = content
        return Repeat.NONE


def neighbours(events: Iterable[BuiltEvent]) -> Iterator[tuple[BuiltEvent, Repeat]]:
    """Sorted events, each with what it is to the one before it."""
    before: BuiltEvent | None = None
    for event in events:
        if before is None or (event.time_us, event.id) != (before.time_us, before.id):
            before = event
            yield event, Repeat.NONE
        else:
            yield event, Repeat.SAME if event.body == before.body else Repeat.OTHER_CONTENT
