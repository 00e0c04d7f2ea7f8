"""One (subject, service): its state, the retained tail of its events, and what a late or misplaced event changes.

In order is the fast path: the state folds the event. Out of order, the tail is folded again from the nearest mark before
the event, once as it was and once with it, and the difference of the two is what changed. So no point given need be kept.
Source: docs/architecture.md, "Detection".
"""

from bisect import bisect_left
from typing import Final

import msgspec
from msgspec import Struct, field

from shared.detection.draft import Deltas, RulesByVersion, inverse, net
from shared.detection.fold import expire, expire_as, fold, has_fired
from shared.detection.occurrence import Occurrence, Reference
from shared.detection.state import State

MARK_EVERY_EVENTS: Final = 64
MIN_MARK_EVENTS: Final = 8
"""So many events are folded again sooner than a state is kept for them."""
MAX_UNSAID_EVENTS: Final = 12
"""A record leaves out the state that a tail of at most so many events gives again."""
MAX_TAIL_EVENTS: Final = 20_000
"""A tail keeps at least so many events if the lateness limit asks for them, and about a quarter more at most."""

_encoder = msgspec.msgpack.Encoder()
_state_decoder = msgspec.msgpack.Decoder(State)


class Mark(Struct, array_like=True, gc=False):
    """The packed state before the event at `index` of the tail."""

    index: int
    state: bytes


class Journey(
    Struct,
    omit_defaults=True,
    rename={
        "revision": "r",
        "state": "s",
        "tail": "t",
        "marks": "m",
        "before_tail": "b",
        "timer_us": "i",
        "clock": "c",
        "redetection": "d",
        "since": "x",
        "waiting": "w",
    },
):
    """One (subject, service) in memory; its packed form is the record of a checkpoint.

    revision: of the latest row of output. state: after all of the tail. tail: events in order, those that an event within
    the lateness limit may still precede. marks: states to fold again from; the first is at index 0 unless the tail holds
    all there is. before_tail: the event before the tail. timer_us, clock: the timer that is set for it, and by which clock
    (an import's source, or empty). redetection, since: while a redetection runs, its name and the rows of output since it
    started. waiting: events out of order that a long journey takes in together, later.
    """

    revision: int = 0
    state: State = field(default_factory=State)
    tail: list[Occurrence] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    before_tail: Reference | None = None
    timer_us: int = 0
    clock: str = ""
    redetection: str = ""
    since: list[bytes] = field(default_factory=list)
    waiting: list[Occurrence] = field(default_factory=list)


_decoder = msgspec.msgpack.Decoder(Journey)


_UNSAID: Final = State()


def pack(journey: Journey) -> bytes:
    """The journey as a record. The state is left out where folding a short tail gives it again: half of the bytes."""
    state = journey.state
    if len(journey.tail) <= MAX_UNSAID_EVENTS and journey.before_tail is None and not has_fired(state):
        journey.state = _UNSAID
    record = _encoder.encode(journey)
    journey.state = state
    return record


def unpack(record: bytes, rules: RulesByVersion) -> Journey:
    """The journey of a record; `rules` are those of its service."""
    journey = _decoder.decode(record)
    if journey.state.last is None:
        for event in journey.tail:
            fold(journey.state, event, rules, [])
    return journey


def is_held(journey: Journey, reference: Reference) -> bool:
    """Whether the tail holds this event already."""
    place = bisect_left(journey.tail, reference, key=_order)
    return place < len(journey.tail) and _order(journey.tail[place]) == reference


def append(journey: Journey, event: Occurrence, keep_us: int | None, rules: RulesByVersion, deltas: Deltas) -> None:
    """Fold the next event in order. The tail keeps what is at most `keep_us` behind it; all, for `None`."""
    tail, marks = journey.tail, journey.marks
    if keep_us is not None and len(tail) - (marks[-1].index if marks else 0) >= MIN_MARK_EVENTS:
        _mark(journey, event, keep_us)
    fold(journey.state, event, rules, deltas)
    tail.append(event)


def insert(
    journey: Journey, events: list[Occurrence], until_us: int, rules: RulesByVersion, keep_us: int | None
) -> Deltas:
    """Put events among the tail, in any order, and give what that changes, with the time `until_us` passed."""
    first = min(_order(event) for event in events)
    start = bisect_left(journey.tail, first, key=_order)
    mark = _mark_before(journey, start)
    index = mark.index if mark else 0
    before: Deltas = []
    state = _restore(mark)
    for event in journey.tail[index:]:
        fold(state, event, rules, before)
    expire_as(state, journey.state, rules, before)

    after: Deltas = []
    later = sorted(journey.tail[index:] + events, key=_order)
    del journey.tail[index:]
    journey.marks = [each for each in journey.marks if each.index <= index]
    journey.state = _restore(mark)
    for event in later:
        append(journey, event, keep_us, rules, after)
    expire(journey.state, until_us, rules, after)
    return net(inverse(before) + after)


def _order(event: Occurrence) -> Reference:
    return event.reference


def _mark_before(journey: Journey, place: int) -> Mark | None:
    found = None
    for mark in journey.marks:
        if mark.index <= place:
            found = mark
    return found


def _restore(mark: Mark | None) -> State:
    return State() if mark is None else _state_decoder.decode(mark.state)


def _mark(journey: Journey, event: Occurrence, keep_us: int) -> None:
    """Mark the state now and then, and drop from the tail what no event within the limit can precede any more.

    Marks are further apart the longer the tail, so that a journey that keeps growing stays cheap.
    """
    tail, marks = journey.tail, journey.marks
    horizon_us = event.time_us - keep_us
    index = marks[-1].index if marks else 0
    unmarked = len(tail) - index
    if unmarked < max(MARK_EVERY_EVENTS, len(tail) // 4) and tail[index].time_us >= horizon_us:
        return
    marks.append(Mark(len(tail), _encoder.encode(journey.state)))
    droppable = dropped = 0
    for position, mark in enumerate(marks):
        if mark.index and (tail[mark.index - 1].time_us < horizon_us or len(tail) - mark.index >= MAX_TAIL_EVENTS):
            droppable, dropped = position, mark.index
    if dropped:
        journey.before_tail = tail[dropped - 1].reference
        del tail[:dropped]
        journey.marks = [Mark(each.index - dropped, each.state) for each in marks[droppable:]]
