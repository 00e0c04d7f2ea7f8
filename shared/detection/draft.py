"""A point before it has a subject and a revision: what a fold gives."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from msgspec import Struct

from shared.detection.occurrence import Occurrence, Reference
from shared.detection.settings import ServiceRules
from shared.journey.instants import to_text
from shared.journey.point import Point

MINUTE_S: Final = 60.0


class Draft(Struct, frozen=True, array_like=True, gc=False):
    """A friction point of one (subject, service). `due_us` is the announced due of `deadline_missed`, else 0."""

    rule: str
    anchor: Occurrence
    cut: int
    time_us: int
    due_us: int
    evidence: list[tuple[str, str]]
    figures: dict[str, float | str]
    parameters: dict[str, float]
    minutes_citizen: float | None
    minutes_administration: float | None


DraftKey = tuple[str, str, str, int]
Deltas = list[tuple[int, Draft]]
"""(+1, a point that holds from now on) or (-1, a point that holds no longer), in the order they were found."""


def key_of(draft: Draft) -> DraftKey:
    """What makes a draft the same point as another: rule, anchor and announced due."""
    return (draft.rule, draft.anchor.source, draft.anchor.id, draft.due_us)


def draft_point(
    rule: str,
    anchor: Occurrence,
    cut: int,
    rules: ServiceRules,
    *,
    earlier: tuple[Reference, ...] = (),
    figures: dict[str, float | str] | None = None,
    parameters: dict[str, float] | None = None,
    time_us: int | None = None,
    due_us: int = 0,
    measured_wait: bool = False,
) -> Draft:
    """A draft whose evidence is `earlier` and the anchor; minutes from the wait where it was measured, else the table."""
    table = rules.minutes.get(rule)
    measured = anchor.wait_s / MINUTE_S if measured_wait and anchor.wait_s is not None else None
    return Draft(
        rule,
        anchor,
        cut,
        anchor.time_us if time_us is None else time_us,
        due_us,
        [*((each.source, each.id) for each in earlier), (anchor.source, anchor.id)],
        figures or {},
        parameters or {},
        measured if measured is not None or table is None else table.citizen(anchor.channel),
        None if table is None else table.administration(anchor.channel),
    )


def net(deltas: Deltas) -> Deltas:
    """The same change with nothing said twice or taken back within it: retractions first, then points."""
    if len(deltas) < 2:
        return deltas
    taken: dict[DraftKey, Draft] = {}
    given: dict[DraftKey, Draft] = {}
    for sign, draft in deltas:
        key = key_of(draft)
        if sign > 0:
            given[key] = draft
        elif given.pop(key, None) is None:
            taken[key] = draft
    unchanged = [key for key, draft in taken.items() if given.get(key) == draft]
    for key in unchanged:
        del taken[key], given[key]
    return [(-1, draft) for draft in taken.values()] + [(1, draft) for draft in given.values()]


def inverse(deltas: Deltas) -> Deltas:
    """What takes the deltas back."""
    return [(-sign, draft) for sign, draft in reversed(deltas)]


def point_id(rule: str, subject: str, service: str, anchor: tuple[str, str], due_us: int) -> str:
    """The identity of a point: 32 hexadecimal digits."""
    parts = (rule, subject, service, *anchor) if not due_us else (rule, subject, service, *anchor, str(due_us))
    return _digest(parts)


def journey_id(subject: str, service: str, cut: int) -> str:
    """The identity of a journey: 32 hexadecimal digits."""
    return _digest((subject, service, str(cut)))


def _digest(parts: tuple[str, ...]) -> str:
    return blake2b("\x00".join(parts).encode(), digest_size=16).hexdigest()


def point_of(draft: Draft, sign: int, revision: int, subject: str, service: str) -> Point:
    """The row of the log `frictions` for a draft."""
    anchor = draft.anchor
    return Point(
        id=point_id(draft.rule, subject, service, (anchor.source, anchor.id), draft.due_us),
        revision=revision,
        sign=sign,
        rule=draft.rule,
        version=anchor.version,
        parameters=dict(draft.parameters),
        figures=dict(draft.figures),
        source=anchor.source,
        anchor=anchor.id,
        subject=subject,
        service=service,
        journey=journey_id(subject, service, draft.cut),
        channel=anchor.channel or "",
        step=anchor.step or "",
        office=anchor.office or "",
        territory=anchor.territory or "",
        case=anchor.case or "",
        time=to_text(draft.time_us),
        evidence=[event_id for _, event_id in draft.evidence],
        evidence_sources=[source for source, _ in draft.evidence],
        minutes_citizen=draft.minutes_citizen,
        minutes_administration=draft.minutes_administration,
    )


RulesByVersion = Mapping[int, ServiceRules]
"""The rules of one service by version; an unknown version is a `DetectionError`."""
