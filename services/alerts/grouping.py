"""One cause, one alert: which findings of a round belong together, and to which alert. The rule: docs/alerts/lifecycle.md."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import chain

import msgspec
from msgspec import Struct

from services.alerts.causes import follows, surroundings, symptom
from services.alerts.places import overlap, territories_up
from services.alerts.policy import US_PER_S, Policy
from services.alerts.rollup import explained, latest_of_each
from shared.alerts.alert import Alert
from shared.alerts.finding import Finding, Series


class Gathered(Struct, frozen=True):
    """Where each finding of a round belongs.

    of: by the id of an open alert, or of a resolved one that comes back, its findings. fresh: those of each new cause. explained: places
    that their parts account for; they are in no alert, unless one holds them already.
    """

    of: Mapping[str, tuple[Finding, ...]]
    fresh: tuple[tuple[Finding, ...], ...]
    explained: frozenset[Series]


def cause_key(series: Series) -> str:
    """Names the cause that this series stands for; the same wherever and whenever it is computed."""
    return blake2b(msgspec.json.encode(series), digest_size=8).hexdigest()


def gather(findings: Iterable[Finding], alerts: Sequence[Alert], now_us: int, policy: Policy) -> Gathered:
    """Tell for each finding to which of the alerts it belongs, or with which others it makes a new one.

    alerts: the open ones, and the resolved ones that may come back. Deterministic: nothing depends on an order of the input.
    """
    found = latest_of_each(findings)
    by_parts = explained(found.values(), policy.explained_share)
    ordered = sorted(alerts, key=lambda alert: (alert.state == "resolved", _age(alert), alert.id))
    opened = _Holders([alert for alert in ordered if alert.state != "resolved"], now_us, policy)
    taken = {alert.key for alert in alerts if alert.state != "resolved"}
    returning = _one_a_key(alert for alert in ordered if alert.state == "resolved" and alert.key not in taken)
    closed = _Holders(returning, now_us, policy)
    homes: dict[str, list[Finding]] = defaultdict(list)
    left = dict(found)
    _give(left, opened.having, homes)
    left = {series: finding for series, finding in left.items() if series not in by_parts}
    # What a person ended keeps what it had, before any open alert.
    _give(left, _Holders([alert for alert in returning if alert.ending == "by_hand"], now_us, policy).having, homes)
    _give(left, opened.founded_on, homes)
    _join(left, opened, homes)
    _give(left, closed.having, homes)
    _give(left, closed.founded_on, homes)
    _join(left, closed.without_neighbours(), homes)
    return Gathered({home: tuple(each) for home, each in homes.items()}, _causes(left), by_parts)


def _age(alert: Alert) -> int:
    """Open alerts: the first fired first. Resolved ones: the last resolved first."""
    return alert.fired_us if alert.resolved_us is None else -alert.resolved_us


def _one_a_key(alerts: Iterable[Alert]) -> list[Alert]:
    kept: dict[str, Alert] = {}
    for alert in alerts:
        kept.setdefault(alert.key, alert)
    return list(kept.values())


def _give(
    left: dict[Series, Finding], home_of: Callable[[Series], str | None], homes: dict[str, list[Finding]]
) -> None:
    """Give the findings that have a home to it."""
    for series in list(left):
        if (home := home_of(series)) is not None:
            homes[home].append(left.pop(series))


def _join(left: dict[Series, Finding], holders: "_Holders", homes: dict[str, list[Finding]]) -> None:
    """Give findings to the alerts they belong to, until none is given any more: what joins may draw others after it."""
    moved = bool(left)
    while moved:
        moved = False
        for series in list(left):
            if (home := holders.nearest(series)) is not None:
                homes[home].append(left.pop(series))
                holders.add(series, home)
                moved = True


class _Holders:
    """The series that alerts hold, found by place."""

    def __init__(self, alerts: Sequence[Alert], now_us: int, policy: Policy) -> None:
        window_us = policy.join_s * US_PER_S
        self._rank = {alert.id: rank for rank, alert in enumerate(alerts)}
        self._young = {alert.id for alert in alerts if abs(now_us - alert.fired_us) <= window_us}
        self._keys = {alert.key: alert.id for alert in reversed(alerts)}
        self._holder: dict[Series, str] = {}
        self._at: defaultdict[tuple[str, str], list[Series]] = defaultdict(list)
        # Of many alike one stands for all: an outage in thousands of places is compared with once.
        self._under: defaultdict[tuple[str | None, str], dict[tuple[str, ...], Series]] = defaultdict(dict)
        self._around: defaultdict[tuple[str, ...], dict[str, Series]] = defaultdict(dict)
        for alert in alerts:
            for finding in alert.findings:
                self.add(finding.series, alert.id)

    def add(self, series: Series, alert: str) -> None:
        """From now on the alert holds this series too; what another holds already stays there."""
        if self._holder.setdefault(series, alert) != alert:
            return
        self._at[series.service, series.territory].append(series)
        alike = (series.condition, series.rule, series.name, series.service, series.channel, alert)
        for territory in territories_up(series.territory):
            self._under[series.service, territory].setdefault(alike, series)
            self._under[None, territory].setdefault(alike, series)
        for name in surroundings(series):
            self._around[name].setdefault(alert, series)

    def having(self, series: Series) -> str | None:
        """The alert that has just this series."""
        return self._holder.get(series)

    def founded_on(self, series: Series) -> str | None:
        """The alert that began with this series, and may have it no more."""
        return self._keys.get(cause_key(series))

    def nearest(self, series: Series) -> str | None:
        """The alert whose cause accounts for this series best, if any does."""
        best: tuple[int, int, int] | None = None
        home = None
        for held in self._candidates(series):
            alert = self._holder[held]
            tie = _tie(series, held, alert in self._young)
            rank = (tie, len(held.territory), -self._rank[alert])
            if tie and (best is None or rank > best):
                best, home = rank, alert
        return home

    def without_neighbours(self) -> "_Holders":
        """The same for alerts that have ended: nothing begins at their side any more."""
        self._young = set()
        return self

    def _candidates(self, series: Series) -> Iterator[Series]:
        for territory in territories_up(series.territory):
            for service in dict.fromkeys((series.service, "")):
                yield from self._at.get((service, territory), ())
        yield from self._under.get((series.service or None, series.territory), {}).values()
        for name in surroundings(series):
            yield from self._around.get(name, {}).values()


def _tie(series: Series, held: Series, young: bool) -> int:
    """How closely a new finding is tied to one that an alert holds: 0 not at all.

    4 the same trouble in a place that overlaps; 3 it follows from it; 2 the alert's may follow from it, 1 side by side:
    these two only while the alert is young.
    """
    if symptom(series) == symptom(held) and overlap(series, held):
        return 4
    if follows(series, held):
        return 3
    if not young:
        return 0
    if follows(held, series):
        return 2
    return int(not set(surroundings(series)).isdisjoint(surroundings(held)))


def _causes(left: Mapping[Series, Finding]) -> tuple[tuple[Finding, ...], ...]:
    """The findings that no alert accounts for, by cause: all of them begin now."""
    groups = _Union(left)
    first: dict[tuple[str, ...], Series] = {}
    at: defaultdict[tuple[str, str], list[Series]] = defaultdict(list)
    for series in left:
        at[series.service, series.territory].append(series)
        for name in surroundings(series):
            groups.join(series, first.setdefault(name, series))
    for series in left:
        above = ((service, up) for up in territories_up(series.territory) for service in {series.service, ""})
        for other in chain.from_iterable(at.get(place, ()) for place in above):
            if groups.apart(series, other) and _tie(series, other, young=True):
                groups.join(series, other)
    return tuple(tuple(left[series] for series in group) for group in groups.all())


class _Union:
    """Disjoint sets of series, which only grow together."""

    def __init__(self, members: Iterable[Series]) -> None:
        self._parent = {member: member for member in members}

    def join(self, one: Series, other: Series) -> None:
        """The sets of both become one."""
        first, second = sorted((self._root(one), self._root(other)))
        self._parent[second] = first

    def apart(self, one: Series, other: Series) -> bool:
        """Whether they are in different sets."""
        return self._root(one) != self._root(other)

    def all(self) -> list[list[Series]]:
        """The sets, each in order, in the order of their first members."""
        groups: defaultdict[Series, list[Series]] = defaultdict(list)
        for member in sorted(self._parent):
            groups[self._root(member)].append(member)
        return [groups[root] for root in sorted(groups)]

    def _root(self, member: Series) -> Series:
        while (parent := self._parent[member]) != member:
            self._parent[member] = self._parent[parent]
            member = parent
        return member
