"""A timeline for people: events on lanes by channel, and as a list that tells how long after each other they came."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from services.insights.journey_events import TimelineEvent
from services.insights.language import Language
from shared.journey.instants import SECOND_US
from shared.journey.vocabulary import CITIZEN_TYPES

CLOSE: Final = 6.0
"""Marks nearer than this, in per cent of a lane, would lie upon each other."""
_EDGE: Final = 4.0
"""Room left at both ends, in per cent."""


class Mark(Struct, frozen=True):
    """One event on its channel's lane, or several close together: their numbers in the list, their place in per cent."""

    numbers: tuple[int, ...]
    x: float
    evidence: bool
    """Whether any of them is evidence."""

    @property
    def label(self) -> str:
        """`3`; `2–5` for all of 2 to 5; `2, 5`; `2 … 9` for several from 2 to 9."""
        first, last, count = self.numbers[0], self.numbers[-1], len(self.numbers)
        if count == 1:
            return str(first)
        if last - first == count - 1:
            return f"{first}–{last}"
        return f"{first}, {last}" if count == 2 else f"{first} … {last}"


class Lane(Struct, frozen=True):
    """One channel of the timeline; '' for events without a channel, which `case_work` says are work on a case."""

    channel: str
    case_work: bool
    marks: list[Mark]


class Entry(Struct, frozen=True):
    """One entry of the list; `after` says how long after the entry before, in words. `evidence` is drawn in colour."""

    number: int
    event: TimelineEvent
    evidence: bool
    anchor: bool
    after: str | None


class Axis(Struct, frozen=True):
    """The time that the lanes span."""

    start_us: int
    end_us: int

    def place(self, time_us: int) -> float:
        """Where an instant lies, in per cent."""
        if self.end_us <= self.start_us:
            return 50.0
        share = (min(max(time_us, self.start_us), self.end_us) - self.start_us) / (self.end_us - self.start_us)
        return round(_EDGE + (100 - 2 * _EDGE) * share, 2)


def axis(events: Sequence[TimelineEvent]) -> Axis:
    """From the first event to the last, of events in order."""
    return Axis(events[0].time_us, events[-1].time_us)


def entries(
    events: Sequence[tuple[TimelineEvent, bool]], language: Language, anchor: tuple[str, str] | None = None
) -> list[Entry]:
    """The events in order, each with whether it is evidence; `anchor` is the (source, id) of the one that is the point."""
    found = []
    before_us: int | None = None
    for number, (event, evidence) in enumerate(events, start=1):
        after = None if before_us is None else language.duration((event.time_us - before_us) / SECOND_US)
        found.append(Entry(number, event, evidence, (event.source, event.id) == anchor, after))
        before_us = event.time_us
    return found


def lanes(events: Sequence[tuple[TimelineEvent, bool]]) -> list[Lane]:
    """The events by channel, in order of first use; those without a channel last."""
    if not events:
        return []
    scale = axis([event for event, _ in events])
    found: dict[str, list[Mark]] = {}
    for number, (event, evidence) in enumerate(events, start=1):
        _place(Mark((number,), scale.place(event.time_us), evidence), found.setdefault(event.channel, []))
    of_citizens = any(event.channel == "" and event.type in CITIZEN_TYPES for event, _ in events)
    return [
        Lane(channel, channel == "" and not of_citizens, marks)
        for channel, marks in sorted(found.items(), key=lambda each: each[0] == "")
    ]


def _place(mark: Mark, marks: list[Mark]) -> None:
    """Add a mark to its lane; one that would cover the mark before becomes one with it."""
    if marks and mark.x - marks[-1].x < CLOSE:
        before = marks[-1]
        marks[-1] = Mark(before.numbers + mark.numbers, before.x, before.evidence or mark.evidence)
    else:
        marks.append(mark)
