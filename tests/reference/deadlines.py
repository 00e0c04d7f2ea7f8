"""The clock of a case: `deadline_missed`, walked as the page tells it."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.reference.journeys import CASE_ENDS, Event, Journey, instant_text
from tests.reference.rules import Found


@dataclass
class _Due:
    """A due that is set: as announced, moved by pauses so far, and since when it pauses."""

    anchor: Event
    announced_us: int
    paused_us: int
    pause_began_us: int | None

    @property
    def due_us(self) -> int:
        return self.announced_us + self.paused_us


def deadline_missed(journey: Journey) -> Iterator[Found]:
    """A due that passes while its case is open and the clock runs."""
    for events in journey.cases().values():
        yield from _missed_in_case(events)


def _missed_in_case(events: list[Event]) -> Iterator[Found]:
    due: _Due | None = None
    last_announced_us: int | None = None
    is_open = True
    awaited = False
    for event in events:
        # Before each event: is the due spent, and a point?
        if due is not None and not awaited and due.due_us < event.time_us:
            yield from _point(due, is_open)
            due = None
        # A due not before the event's own time and other than the one last set sets the due anew.
        if event.due_us is not None and event.due_us >= event.time_us and event.due_us != last_announced_us:
            due = _Due(event, event.due_us, 0, event.time_us if awaited else None)
            last_announced_us = event.due_us
        if event.type == "information.requested" and not awaited:
            awaited = True
            if due is not None:
                due.pause_began_us = event.time_us
        if event.type == "information.received" and awaited:
            awaited = False
            if due is not None and due.pause_began_us is not None:
                due.paused_us += event.time_us - due.pause_began_us
                due.pause_began_us = None
        if event.type in CASE_ENDS:
            is_open = False
        if event.type == "case.reopened":
            is_open = True
    # And at the end.
    if due is not None and not awaited:
        yield from _point(due, is_open)


def _point(due: _Due, is_open: bool) -> Iterator[Found]:
    if is_open and due.anchor.rules["deadline_missed"]["enabled"]:
        text = instant_text(due.announced_us)
        yield Found(
            "deadline_missed",
            due.anchor,
            due.due_us,
            figures={"due": text, "paused_s": due.paused_us / 1_000_000},
            timer=True,
            due_text=text,
        )
