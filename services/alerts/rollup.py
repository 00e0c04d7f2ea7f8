"""Roll-ups: of nested places with the same trouble, which one to name."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from services.alerts.causes import KINDS, follows, kind_of, symptom
from services.alerts.places import holds, overlap, places_above
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


def in_order(
    found: Sequence[Finding],
    left: Sequence[Finding],
    explained_by_parts: frozenset[Series],
    named: Series | None = None,
) -> list[Finding]:
    """The findings of one cause as people read them: what names it, then those found now, then those found before.

    `found` has one at least. named: what named the cause until now; it goes on doing so, found or not, unless something that
    is found takes its place (docs/alerts/lifecycle.md). Else named is the first kind of trouble in the order of causes; of
    its places the one that no part explains, with the largest excess; of equals the narrowest. Where nothing adds up it is
    the widest: when all counters are silent, all are.
    """
    best_first = sorted(found, key=lambda finding: _naming(finding, explained_by_parts))
    cause = next((finding for finding in (*found, *left) if finding.series == named), None)
    if cause is None:
        cause = best_first[0]
    else:
        lasts = cause in found
        above = (each for each in best_first if _takes_over(each.series, cause.series, explained_by_parts, lasts))
        cause = next(above, cause)
    rest = [finding for finding in found if finding is not cause]
    rest.sort(key=lambda finding: (finding.series in explained_by_parts, *_gravest(finding)))
    return [cause, *rest, *sorted((finding for finding in left if finding is not cause), key=_gravest)]


def _takes_over(series: Series, named: Series, explained_by_parts: frozenset[Series], lasts: bool) -> bool:
    """Whether a series that is found names the cause from now on. lasts: whether what names it is found too.

    It comes before it, or is the same trouble in the place to look at: within, where parts explain what is named, or around
    it. Around only while the named place is found too: that a part is over first makes the whole no news.
    """
    if symptom(series) != symptom(named):
        earlier = KINDS.index(kind_of(series)) < KINDS.index(kind_of(named))
        return earlier and follows(named, series)
    if series in explained_by_parts or series == named:
        return False
    within = named in explained_by_parts and holds(named, series)
    return within or (lasts and holds(series, named) and not holds(named, series))


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
