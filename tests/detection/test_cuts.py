"""Cuts without a fold are the cuts of the fold."""

from hypothesis import given
from hypothesis import strategies as st

from shared.detection.cuts import cuts, cutting, smallest_gap_us
from shared.detection.draft import Deltas
from shared.detection.fold import MAX_JOURNEY_EVENTS, fold
from shared.detection.occurrence import TYPE_CODES, Occurrence
from shared.detection.settings import DEFAULTS, RuleBook, merged
from shared.detection.state import State
from shared.journey.instants import DAY_US

BOOK = RuleBook(DEFAULTS, 1)
KINDS = ["page.viewed", "call.queued", "case.opened", "case.progressed", "case.decided", "case.closed", "case.reopened"]
GAPS_US = [0, 1, DAY_US, 90 * DAY_US, 90 * DAY_US + 1, 200 * DAY_US, 400 * DAY_US, 400 * DAY_US + 1]


def folded(events: list[tuple[int, str, str]]) -> list[int]:
    """The cuts of the fold."""
    state, deltas, found = State(), Deltas(), []
    for number, (time_us, kind, case) in enumerate(events):
        event = Occurrence(time_us=time_us, source="/a", id=f"{number:05}", type=TYPE_CODES[kind], case=case or None)
        fold(state, event, {1: BOOK.for_service("x")}, deltas)
        found.append(state.cut)
    return found


@given(
    st.lists(
        st.tuples(st.sampled_from(GAPS_US), st.sampled_from(KINDS), st.sampled_from(["", "k1", "k2"])), max_size=12
    )
)
def test_cuts_are_those_of_the_fold(moves: list[tuple[int, str, str]]) -> None:
    """Whatever the gaps, and whichever cases are open in them."""
    events, time_us = [], 0
    for gap_us, kind, case in moves:
        time_us += gap_us
        events.append((time_us, kind, case))
    assert list(cuts(events, BOOK.for_service("x"))) == folded(events)


def test_a_journey_is_cut_before_its_5001st_event() -> None:
    """However close its events are, and whatever is open."""
    events = [(number, "case.progressed", "k1") for number in range(MAX_JOURNEY_EVENTS + 1)]
    assert list(cuts(events, BOOK.for_service("x"))) == folded(events)
    assert folded(events)[-2:] == [0, 1]


def test_what_decides_on_cuts_has_a_digest() -> None:
    """Other gaps of any service give another digest; a table that changes nothing about cuts gives the same."""
    other = RuleBook(merged(DEFAULTS, {"service": {"tax": {"journey": {"gap_s": 30 * 86_400}}}}), 2)
    same = RuleBook(merged(DEFAULTS, {"service": {"tax": {"low_rating": {"limit": 1}}}}), 3)
    assert smallest_gap_us(BOOK) == 90 * DAY_US
    assert smallest_gap_us(other) == 30 * DAY_US
    assert cutting(BOOK) == cutting(same) != cutting(other)
