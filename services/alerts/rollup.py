"""Roll-ups: of nested places with the same trouble, which one to name."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from services.alerts.causes import KINDS, kind_of
from services.alerts.places import overlap, places_above
from shared.alerts.finding import SEVERITIES, Finding, Series

MAX_PARTS: Final = 200
"""So many parts of a place are added up: more never make out which of them to name."""


def weight(finding: Finding) -> float:
    """How much of the trouble lies in this place; 0 where that cannot be added up over places (silence, lag, shares)."""
    condition = finding.series.condition
    if condition in ("silence", "lag"):
        return 0.0
    if condition == "service_level":
        return float(finding.citizens or 0)
    return max(finding.observed - (finding.expected or 0.0), 0.0)


def latest_of_each(findings: Iterable[Finding]) -> dict[Series, Finding]:
    """One finding a series, the gravest (then that of the later and shorter window), in the order of the series."""
    found: dict[Series, Finding] = {}
    for finding in sorted(findings, key=_preference, reverse=True):
        found.setdefault(finding.series, finding)
    return dict(sorted(found.items()))


def explained(findings: Iterable[Finding], share: float) -> frozenset[Series]:
    """The places that need no naming: one or several separate places within account for `share` of their excess."""
    found = {finding.series: finding for finding in findings}
    within: defaultdict[Series, list[Finding]] = defaultdict(list)
    for series, finding in found.items():
        for service, channel, territory in places_above(series):
            above = Series(series.condition, series.rule, service, channel, territory, series.name)
            if above != series and above in found:
                within[above].append(finding)
    return frozenset(
        above for above, parts in within.items() if (whole := weight(found[above])) > 0 and _reach(parts, share * whole)
    )


def in_order(found: Sequence[Finding], left: Sequence[Finding], explained_by_parts: frozenset[Series]) -> list[Finding]:
    """The findings of one cause as people read them: what names it, then those found now, then those found before.

    Named is the first kind of trouble in the order of causes; of its places the one that no part explains, with the
    largest excess; of equals the narrowest. Where nothing adds up it is the widest: when all counters are silent, all are.
    """
    if not found:
        return sorted(left, key=_gravest)
    cause = min(found, key=lambda finding: _naming(finding, explained_by_parts))
    rest = [finding for finding in found if finding is not cause]
    rest.sort(key=lambda finding: (finding.series in explained_by_parts, *_gravest(finding)))
    return [cause, *rest, *sorted(left, key=_gravest)]


def _reach(parts: list[Finding], aim: float) -> bool:
    """Whether parts that do not overlap make up so much."""
    chosen: list[Series] = []
    total = 0.0
    for part in sorted(parts, key=lambda finding: (-weight(finding), _breadth(finding.series), finding.series)):
        if total >= aim or len(chosen) == MAX_PARTS:
            break
        if not any(overlap(part.series, other) for other in chosen):
            chosen.append(part.series)
            total += weight(part)
    return total >= aim


def _preference(finding: Finding) -> tuple[int, int, bool]:
    return SEVERITIES.index(finding.severity), finding.to_us, finding.window == "fast"


def _gravest(finding: Finding) -> tuple[int, float, Series]:
    return -SEVERITIES.index(finding.severity), -weight(finding), finding.series


def _naming(finding: Finding, explained_by_parts: frozenset[Series]) -> tuple[int, bool, float, int, Series]:
    series, size = finding.series, weight(finding)
    breadth = _breadth(series) if size else -_breadth(series)
    return KINDS.index(kind_of(series)), series in explained_by_parts, -size, breadth, series


def _breadth(series: Series) -> int:
    """Larger for wider places."""
    depth = series.territory.count("/") + 1 if series.territory else 0
    return -(depth + bool(series.channel) + bool(series.service))
