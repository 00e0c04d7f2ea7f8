"""Whom a repair reaches, from when, and whom it does not: from a record to groups of places with a start each."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, Literal

from msgspec import Struct

from services.insights.queries import CASE_WORK_RULES
from shared.detection.settings import RULES
from shared.registry.improvements import ImprovementValues

MAX_STARTS: Final = 12
"""Starts on different days that one effect distinguishes; later ones are left out."""

Compared = Literal["none", "chosen", "other_territories", "other_offices", "other_services"]
"""With whom: nobody; the territories that the record names; all those, or all services, that the repair does not reach."""

_EPOCH: Final = date(1970, 1, 1)
_OF_TERRITORY: Final = (
    "arrayExists(each -> territory = each OR startsWith(territory, concat(each, '/')), {{{name}:Array(String)}})"
)


class Group(Struct, frozen=True, kw_only=True):
    """Places that started on one day (days since 1970); `everywhere`: all that no other group names."""

    start: int
    territories: tuple[str, ...] = ()
    offices: tuple[str, ...] = ()
    everywhere: bool = False


class Scope(Struct, frozen=True, kw_only=True):
    """Services (empty: all), rules, groups by start, and the comparison."""

    services: tuple[str, ...]
    rules: tuple[str, ...]
    groups: tuple[Group, ...]
    compared: Compared
    comparison: tuple[str, ...] = ()

    @property
    def first_start(self) -> int:
        """The day of the first start."""
        return self.groups[0].start

    @property
    def last_start(self) -> int:
        """The day of the last start."""
        return self.groups[-1].start

    @property
    def of_case_work(self) -> bool:
        """Whether points are counted against work on cases, not against contacts."""
        return all(rule in CASE_WORK_RULES for rule in self.rules)


def day_number(day: date) -> int:
    """Days since 1970."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The day of a number of days since 1970."""
    return date.fromordinal(_EPOCH.toordinal() + number)


def scope_of(values: ImprovementValues) -> Scope:
    """Who was repaired, when, and who can be compared with."""
    groups = sorted(_groups(values), key=lambda each: each.start)[:MAX_STARTS]
    compared = _compared(values, groups)
    rules = (values.rule,) if values.rule else tuple(rule for rule in RULES if rule not in CASE_WORK_RULES)
    return Scope(
        services=tuple(values.services),
        rules=rules,
        groups=tuple(groups),
        compared=compared,
        comparison=tuple(values.comparison) if compared == "chosen" else (),
    )


def _groups(values: ImprovementValues) -> list[Group]:
    """Pilots by their days; the rest from the record's own day on, unless the repair is tried in pilots only."""
    found: dict[int, tuple[list[str], list[str]]] = {}
    for pilot in values.pilots:
        territories, offices = found.setdefault(day_number(pilot.since), ([], []))
        if pilot.territory:
            territories.append(pilot.territory)
        if pilot.office:
            offices.append(pilot.office)
    named = bool(values.territories or values.offices)
    start = day_number(values.since)
    if named:
        territories, offices = found.setdefault(start, ([], []))
        territories += values.territories
        offices += values.offices
    groups = [
        Group(start=day, territories=tuple(territories), offices=tuple(offices))
        for day, (territories, offices) in found.items()
    ]
    if not named and not (values.pilots and values.status in {"pilot", "planned"}):
        groups.append(Group(start=start, everywhere=True))
    return groups


def _compared(values: ImprovementValues, groups: Sequence[Group]) -> Compared:
    if values.comparison:
        return "chosen"
    if any(group.everywhere for group in groups):
        return "other_services" if values.services else "none"
    by_territory = any(group.territories for group in groups)
    return "other_territories" if by_territory else "other_offices"


def labels(scope: Scope) -> tuple[str, dict[str, Any]]:
    """SQL that gives a row's group (its place in `groups`; their number for the comparison; -1: neither), and its values.

    What names a place stands before what takes the rest, and pilots before the whole they lie in.
    """
    parameters: dict[str, Any] = {}
    branches = []
    if scope.compared == "other_services":
        branches.append(f"service NOT IN {{services:Array(String)}}, {len(scope.groups)}")
        parameters["services"] = list(scope.services)
    if scope.comparison:
        branches.append(f"{_OF_TERRITORY.format(name='comparison')}, {len(scope.groups)}")
        parameters["comparison"] = list(scope.comparison)
    places: list[tuple[str, int]] = []
    for number, group in enumerate(scope.groups):
        if group.offices:
            branches.append(f"office IN {{offices_{number}:Array(String)}}, {number}")
            parameters[f"offices_{number}"] = list(group.offices)
        places += [(territory, number) for territory in group.territories]
    branches += _by_territory(places, parameters)
    branches += [f"1, {number}" for number, group in enumerate(scope.groups) if group.everywhere]
    rest = {"other_territories": "territory != ''", "other_offices": "office != ''"}.get(scope.compared)
    if rest:
        branches.append(f"{rest}, {len(scope.groups)}")
    return f"multiIf({', '.join(branches)}, -1)", parameters


def _by_territory(places: list[tuple[str, int]], parameters: dict[str, Any]) -> list[str]:
    """Deeper territories first, so that a pilot counts as such although the whole region follows later."""
    branches = []
    depths = sorted({territory.count("/") for territory, _ in places}, reverse=True)
    for depth in depths:
        for number in sorted({number for _, number in places}):
            names = [territory for territory, own in places if own == number and territory.count("/") == depth]
            if names:
                name = f"territories_{number}_{depth}"
                branches.append(f"{_OF_TERRITORY.format(name=name)}, {number}")
                parameters[name] = names
    return branches
