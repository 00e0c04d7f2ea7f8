"""One stored event as people look at it."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

_CLOSING: Final = frozenset({"case.decided", "case.closed"})
_REOPENED: Final = "case.reopened"


class TimelineEvent(Struct, frozen=True, kw_only=True):
    """One stored event. Times are instants; '' is absent; `late` ones were not detected.
    `recorded_us` is when it arrived.
    """

    id: str
    source: str
    type: str
    time_us: int
    service: str
    matter: str
    channel: str
    step: str
    contact: str
    case: str
    office: str
    team: str
    territory: str
    wait_s: float | None
    duration_s: float | None
    due_us: int | None
    reason: str
    invited: bool
    document: str
    outcome: str
    rating: float | None
    recorded_us: int
    late: bool


class CaseSpan(Struct, frozen=True):
    """A case within a journey: from its first event to the one that closed it, or to the last while it is `open`."""

    case: str
    start_us: int
    end_us: int
    open: bool


def case_spans(events: Sequence[TimelineEvent]) -> list[CaseSpan]:
    """The cases of events in order, in order of their first event."""
    found: dict[str, CaseSpan] = {}
    for event in events:
        if not event.case:
            continue
        span = found.get(event.case)
        start_us = event.time_us if span is None else span.start_us
        if event.type in _CLOSING:
            found[event.case] = CaseSpan(event.case, start_us, event.time_us, open=False)
        elif span is None or span.open or event.type == _REOPENED:
            found[event.case] = CaseSpan(event.case, start_us, event.time_us, open=True)
    end_us = events[-1].time_us if events else 0
    return [CaseSpan(each.case, each.start_us, end_us, open=True) if each.open else each for each in found.values()]


def out_of_order(events: Sequence[TimelineEvent]) -> list[TimelineEvent]:
    """Of events in order, those that arrived after a later one had arrived."""
    found = []
    earliest_us: int | None = None
    for event in reversed(events):
        if earliest_us is not None and event.recorded_us > earliest_us:
            found.append(event)
        earliest_us = event.recorded_us if earliest_us is None else min(earliest_us, event.recorded_us)
    return found[::-1]
