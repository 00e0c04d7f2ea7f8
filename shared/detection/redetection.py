"""Folding the past again under the rules in force, and what that changes of the points.

The past comes through the log, as it was loaded when the redetection started; what happened to a journey since then is in
its tail and in the rows it remembers. So nothing that arrives meanwhile is lost or counted twice.
Source: docs/architecture.md, "Detection".
"""

from collections.abc import Callable

import msgspec
from msgspec import Struct, field

from shared.detection.draft import Deltas, RulesByVersion, net, point_of
from shared.detection.fold import expire
from shared.detection.journey import Journey, append
from shared.detection.occurrence import Occurrence, Reference, occurrence_of
from shared.journey.control import JourneyReplayed
from shared.journey.instants import from_text
from shared.journey.point import Point

_encoder = msgspec.msgpack.Encoder()
_rows = msgspec.msgpack.Decoder(Point)


class Replay(Struct):
    """The parts received so far of one journey's past."""

    parts: dict[int, JourneyReplayed] = field(default_factory=dict)

    def add(self, part: JourneyReplayed) -> bool:
        """Take a part in; true once all are there. The same part again changes nothing."""
        self.parts[part.part] = part
        return len(self.parts) >= part.parts


def remember_row(journey: Journey, row: Point, run: str) -> None:
    """While a redetection runs, a journey remembers its rows of output; afterwards it forgets them."""
    if journey.redetection != run:
        journey.redetection = run
        journey.since = []
    if run:
        journey.since.append(_encoder.encode(row))


def replace_past(
    journey: Journey,
    replay: Replay,
    rules: RulesByVersion,
    version: int,
    keep_us: int,
    until_us: Callable[[Journey], int],
) -> list[Point]:
    """Fold the replayed events and those of the tail again by the rules of `version`, and give the rows that turn the
    points in force into those found now (signs set, revisions not).
    """
    part = next(iter(replay.parts.values()))
    in_force = _points_in_force(journey, replay, part.run)
    fresh = Journey()
    deltas: Deltas = []
    for event in _whole_past(journey, replay, version):
        append(fresh, event, keep_us, rules, deltas)
    expire(fresh.state, until_us(fresh), rules, deltas)
    found = [point_of(draft, 1, 0, part.subject, part.service) for sign, draft in net(deltas) if sign > 0]
    journey.state, journey.tail = fresh.state, fresh.tail
    journey.marks, journey.before_tail = fresh.marks, fresh.before_tail
    for points in (each.points for each in replay.parts.values()):
        journey.revision = max([journey.revision, *(point.revision for point in points)])
    return _difference(in_force, {point.id: point for point in found})


def _whole_past(journey: Journey, replay: Replay, version: int) -> list[Occurrence]:
    events: dict[Reference, Occurrence] = {}
    for _, part in sorted(replay.parts.items()):
        for event in part.events:
            occurrence = occurrence_of(event, from_text(event.time), version)
            events[occurrence.reference] = occurrence
    for occurrence in journey.tail:
        events[occurrence.reference] = msgspec.structs.replace(occurrence, version=version)
    return [events[reference] for reference in sorted(events)]


def _points_in_force(journey: Journey, replay: Replay, run: str) -> dict[str, Point]:
    points = {point.id: point for _, part in sorted(replay.parts.items()) for point in part.points}
    if journey.redetection == run:
        for row in map(_rows.decode, journey.since):
            if row.sign > 0:
                points[row.id] = row
            else:
                points.pop(row.id, None)
    return points


def _difference(before: dict[str, Point], after: dict[str, Point]) -> list[Point]:
    kept = {name for name, point in before.items() if name in after and _content(point) == _content(after[name])}
    retracted = [msgspec.structs.replace(point, sign=-1) for name, point in before.items() if name not in kept]
    return retracted + [point for name, point in after.items() if name not in kept]


def _content(point: Point) -> Point:
    """The point without what differs between two copies of one finding: place in the log, form of numbers."""
    figures = {name: _number(value) for name, value in point.figures.items()}
    return msgspec.structs.replace(point, revision=0, sign=1, partition=0, offset=0, figures=figures)


def _number(value: float | str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value
