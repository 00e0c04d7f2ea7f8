"""Journeys are cut without being folded as the fold cuts them."""

from hypothesis import given, settings

from shared.detection.cuts import cuts
from shared.detection.draft import Deltas
from shared.detection.fold import fold
from shared.detection.occurrence import TYPE_CODES, UNKNOWN_TYPE, Occurrence
from shared.detection.settings import DEFAULTS, RuleBook
from shared.detection.state import State
from tests.loader.histories import Event, histories
from tests.reference.journeys import instant_us

BOOK = RuleBook(DEFAULTS, 1)


@settings(max_examples=300, deadline=None)
@given(histories())
def test_cuts_are_those_of_the_fold(events: list[Event]) -> None:
    """Where events are cut without being folded is where the fold cuts them."""
    rules = {1: BOOK.for_service("x")}
    ordered = [_occurrence(each) for each in events]
    state, deltas = State(), Deltas()
    folded = []
    for occurrence in sorted(ordered, key=lambda each: each.reference):
        fold(state, occurrence, rules, deltas)
        folded.append(state.cut)
    kinds = {_occurrence(each).reference: each["type"] for each in events}
    inputs = [
        (each.time_us, kinds[each.reference], each.case or "")
        for each in sorted(ordered, key=lambda each: each.reference)
    ]
    assert list(cuts(inputs, rules[1])) == folded


def _occurrence(found: Event) -> Occurrence:
    return Occurrence(
        time_us=instant_us(found["time"]),
        source=found["source"],
        id=found["id"],
        type=TYPE_CODES.get(found["type"], UNKNOWN_TYPE),
        contact=found["data"].get("contact"),
        channel=found["data"].get("channel"),
        case=found["data"].get("case"),
    )
