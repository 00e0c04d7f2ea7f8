"""What other rule settings would find in the same past: two folds of the same events, and what they share.

"Now" is what the settings in force find when the whole past is judged by them, "then" the same for the changed ones; both
from the same events, late ones included. A point is the same in both if rule, anchor and announced due are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from shared.detection.draft import Deltas, Draft, key_of, net
from shared.detection.fold import expire, fold
from shared.detection.occurrence import Arrival, Occurrence, occurrence_of
from shared.detection.settings import RULE_PARAMETERS, RuleBook, ServiceRules, merged
from shared.detection.state import State
from shared.errors import ParcoursError
from shared.journey.instants import SECOND_US, to_text, to_us

_ONE_VERSION: Final = 0


class SimulationRefused(ParcoursError):
    """Other settings cannot be tried now: another simulation runs, or the host offers none."""


class Scenario(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Other settings of one rule, for one service or all, and the points that are looked at.

    `settings` holds what differs, as in the rule file. `[from_us, to_us)` is the period of the points; `channel`,
    `territory` (itself and below) and `source` restrict them, not the events they are found in.
    """

    rule: str
    settings: dict[str, Any]
    from_us: int
    to_us: int
    service: str | None = None
    channel: str | None = None
    territory: str | None = None
    source: str | None = None

    def changes(self) -> dict[str, Any]:
        """What is laid over the resolved document."""
        table = {self.rule: self.settings}
        return table if self.service is None else {"service": {self.service: table}}

    def document(self, in_force: Mapping[str, Any]) -> dict[str, Any]:
        """The resolved document with the other settings."""
        return merged(in_force, self.changes())

    def name(self, in_force: Mapping[str, Any]) -> str:
        """The same for the same question on the same settings in force: 32 hexadecimal digits."""
        content = msgspec.json.encode([self, in_force], order="deterministic")
        return blake2b(content, digest_size=16).hexdigest()


class Cell(Struct):
    """Counts of one group. `known_*` are the points whose minutes can be told; `*_squares` sums over people of the square
    of a person's count, from which the error of a sample follows.
    """

    now: int = 0
    then: int = 0
    appear: int = 0
    disappear: int = 0
    journeys_now: int = 0
    journeys_then: int = 0
    citizen_now: float = 0.0
    citizen_then: float = 0.0
    administration_now: float = 0.0
    administration_then: float = 0.0
    known_citizen_now: int = 0
    known_citizen_then: int = 0
    known_administration_now: int = 0
    known_administration_then: int = 0
    now_squares: int = 0
    then_squares: int = 0
    change_squares: int = 0


GROUPS: Final = ("rule", "service", "channel", "territory", "day")


class Comparison(Struct):
    """What was found: cells by group and name. Other groups than `rule` hold the points of the scenario's rule alone.

    Days are `2026-03-31`. `events` were folded, of `people` (a person counts once for each service they deal with).
    """

    cells: dict[str, dict[str, Cell]] = field(default_factory=lambda: {group: {} for group in GROUPS})
    events: int = 0
    people: int = 0


class Comparing:
    """Folds people's events by both settings, one (subject, service) after the other, and counts."""

    def __init__(self, scenario: Scenario, in_force: Mapping[str, Any], until_us: int) -> None:
        """Points whose time has come by `until_us` are in force. Raises `DetectionError` for an unreadable document."""
        self.result = Comparison()
        self._scenario = scenario
        self._now = RuleBook(in_force, _ONE_VERSION)
        self._then = RuleBook(scenario.document(in_force), _ONE_VERSION)
        self._until_us = until_us

    def add(self, service: str, events: Sequence[Arrival]) -> None:
        """Take in all events of one (subject, service), in order of (time, source, id)."""
        occurrences = [occurrence_of(event, to_us(event.time), _ONE_VERSION) for event in events]
        now = self._found(occurrences, self._now.for_service(service))
        then = self._found(occurrences, self._then.for_service(service))
        self.result.events += len(occurrences)
        self.result.people += 1
        if not now and not then:
            return
        touched: dict[tuple[str, str], _Person] = {}
        for draft in now:
            self._count(touched, draft, service, then, 0)
        for draft in then:
            self._count(touched, draft, service, now, 1)
        for (group, name), person in touched.items():
            person.add_to(self.result.cells[group].setdefault(name, Cell()))

    def _found(self, events: Iterable[Occurrence], rules: ServiceRules) -> "_Found":
        drafts = judge(events, rules, self._until_us)
        kept = [draft for draft in drafts if self._is_asked_for(draft)]
        return _Found(kept)

    def _is_asked_for(self, draft: Draft) -> bool:
        asked, anchor = self._scenario, draft.anchor
        territory = anchor.territory or ""
        return (
            asked.from_us <= draft.time_us < asked.to_us
            and asked.channel in {None, anchor.channel}
            and asked.source in {None, anchor.source}
            and (asked.territory is None or f"{territory}/".startswith(f"{asked.territory}/"))
        )

    def _count(
        self, touched: dict[tuple[str, str], "_Person"], draft: Draft, service: str, other: "_Found", side: int
    ) -> None:
        for place in self._places(draft, service):
            person = touched.get(place)
            if person is None:
                person = touched[place] = _Person()
            person.count(draft, side, alone=key_of(draft) not in other.keys)

    def _places(self, draft: Draft, service: str) -> list[tuple[str, str]]:
        if draft.rule != self._scenario.rule:
            return [("rule", draft.rule)]
        anchor = draft.anchor
        return [
            ("rule", draft.rule),
            ("service", service),
            ("channel", anchor.channel or ""),
            ("territory", anchor.territory or ""),
            ("day", to_text(draft.time_us)[:10]),
        ]


def judge(events: Iterable[Occurrence], rules: ServiceRules, until_us: int) -> list[Draft]:
    """The points of one (subject, service) by one version of the rules, once time has come to `until_us`."""
    state, deltas = State(), Deltas()
    versions = {_ONE_VERSION: rules}
    for event in events:
        fold(state, event, versions, deltas)
    expire(state, until_us, versions, deltas)
    return [draft for sign, draft in net(deltas) if sign > 0]


def lead_us(in_force: Mapping[str, Any], scenario: Scenario) -> int:
    """How long before the period an event may lie that brings a point within it by time alone: the longest window."""
    documents = (in_force, scenario.document(in_force))
    tables = [each for document in documents for each in (document, *document["service"].values())]
    windows: list[float] = [
        table[rule][name]
        for table in tables
        for rule, parameters in RULE_PARAMETERS.items()
        for name in parameters
        if name.endswith("window_s") and name in table.get(rule, {})
    ]
    return round(max(windows) * SECOND_US)


class _Found:
    """Points of one person, and their keys."""

    def __init__(self, drafts: list[Draft]) -> None:
        self.drafts = drafts
        self.keys = {key_of(draft) for draft in drafts}

    def __iter__(self) -> Iterator[Draft]:
        return iter(self.drafts)

    def __bool__(self) -> bool:
        return bool(self.drafts)


class _Person:
    """What one person adds to a cell."""

    def __init__(self) -> None:
        self.points = [0, 0]
        self.alone = [0, 0]
        self.journeys: tuple[set[int], set[int]] = (set(), set())
        self.minutes = [[0.0, 0, 0.0, 0], [0.0, 0, 0.0, 0]]

    def count(self, draft: Draft, side: int, *, alone: bool) -> None:
        self.points[side] += 1
        self.alone[side] += alone
        self.journeys[side].add(draft.cut)
        minutes = self.minutes[side]
        for place, figure in ((0, draft.minutes_citizen), (2, draft.minutes_administration)):
            if figure is not None:
                minutes[place] += figure
                minutes[place + 1] += 1

    def add_to(self, cell: Cell) -> None:
        now, then = self.points
        cell.now, cell.then = cell.now + now, cell.then + then
        cell.disappear, cell.appear = cell.disappear + self.alone[0], cell.appear + self.alone[1]
        cell.journeys_now += len(self.journeys[0])
        cell.journeys_then += len(self.journeys[1])
        for side, when in enumerate(("now", "then")):
            citizen, known_citizen, administration, known_administration = self.minutes[side]
            _add(cell, f"citizen_{when}", citizen)
            _add(cell, f"known_citizen_{when}", known_citizen)
            _add(cell, f"administration_{when}", administration)
            _add(cell, f"known_administration_{when}", known_administration)
        cell.now_squares += now * now
        cell.then_squares += then * then
        cell.change_squares += (then - now) ** 2


def _add(cell: Cell, name: str, amount: float) -> None:
    setattr(cell, name, getattr(cell, name) + amount)
