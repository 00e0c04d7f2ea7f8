"""Where the events of one (subject, service) are cut into journeys, without folding them.

Source: docs/definitions/frictions.md, "A journey". The fold cuts as it goes; this gives the same cuts to those who have the
events in order and need no points.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final

from shared.detection.fold import MAX_JOURNEY_EVENTS
from shared.detection.settings import RuleBook, ServiceRules

_CLOSING: Final = frozenset({"case.decided", "case.closed"})
_REOPENED: Final = "case.reopened"


def cuts(events: Iterable[tuple[int, str, str]], rules: ServiceRules) -> Iterator[int]:
    """The number of the journey of each event, from 0. Events are (time in us, type, case or '') in order."""
    cut, count, last_us = 0, 0, 0
    open_cases: set[str] = set()
    closed_cases: set[str] = set()
    for time_us, kind, case in events:
        limit_us = rules.open_case_gap_us if open_cases else rules.gap_us
        if count and (time_us - last_us > limit_us or count >= MAX_JOURNEY_EVENTS):
            cut, count = cut + 1, 0
            open_cases.clear()
            closed_cases.clear()
        count, last_us = count + 1, time_us
        if not case:
            pass
        elif kind in _CLOSING:
            open_cases.discard(case)
            closed_cases.add(case)
        elif kind == _REOPENED or case not in closed_cases:
            open_cases.add(case)
            closed_cases.discard(case)
        yield cut


def smallest_gap_us(book: RuleBook) -> int:
    """Events that are never further apart than this, and few enough, are one journey whatever else they are."""
    return min(min(gaps) for gaps in book.gaps_us().values())


def cutting(book: RuleBook) -> str:
    """A digest of everything that decides where journeys are cut."""
    default, *others = sorted(book.gaps_us().items())
    text = repr((MAX_JOURNEY_EVENTS, default, [each for each in others if each[1] != default[1]]))
    return blake2b(text.encode(), digest_size=16).hexdigest()
