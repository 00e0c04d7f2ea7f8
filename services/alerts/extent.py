"""How far an alert reaches: its findings over time, how grave they are, and what is new in them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import structs

from services.alerts.places import territory_holds
from services.alerts.policy import US_PER_S
from services.alerts.rollup import in_order
from shared.alerts.alert import Alert
from shared.alerts.finding import SEVERITIES, Finding, Series, Severity

MAX_FINDINGS: Final = 50
"""An alert holds so many, the gravest: what follows from one cause in hundreds of places is still one message."""


_CUT_US: Final = 900 * US_PER_S
"""Windows end at a whole quarter hour or at a minute: those of one round may end so far apart."""


def outlived(alert: Alert) -> bool:
    """Whether what names an open alert is not found any more, while something that followed from it is."""
    if alert.state == "resolved" or not alert.findings:
        return False
    return max(each.to_us for each in alert.findings) - alert.findings[0].to_us > _CUT_US


def lasting(alert: Alert) -> Finding:
    """What people meet now: what names the alert, or where that is over the first that is found still. It has one finding at least."""
    return alert.findings[1 if outlived(alert) else 0]


def gravest(findings: Iterable[Finding]) -> Severity:
    """The highest of their severities; there is one at least."""
    return max((each.severity for each in findings), key=SEVERITIES.index)


def merged(alert: Alert, found: Sequence[Finding], explained: frozenset[Series], now_us: int) -> tuple[Finding, ...]:
    """The latest of each series, in order, after a round that found these; what named the cause goes on naming it.

    What comes late does not replace what is known already; figures of the future are those of a clock put back, and are replaced.
    """
    known = {each.series: each for each in alert.findings}
    fresh = []
    for each in found:
        old = known.pop(each.series, each)
        late = each.to_us < old.to_us <= now_us
        fresh.append(old if late else structs.replace(each, since_us=min(each.since_us, old.since_us)))
    named = alert.findings[0].series if alert.findings else None
    return tuple(in_order(fresh, list(known.values()), explained, named)[:MAX_FINDINGS])


def spread(alert: Alert, found: Sequence[Finding]) -> list[str]:
    """The widest places that it reaches now and did not reach before: service, channel and territory, as far as each is known."""
    held = [each.series for each in alert.findings]
    if len(held) >= MAX_FINDINGS:
        return []
    new = {each.series for each in found if not any(_covers(place, each.series) for place in held)}
    places = {structs.replace(each, condition="rise", rule="", name="") for each in new}
    widest = [each for each in places if not any(_covers(other, each) for other in places if other != each)]
    return sorted(" ".join(filter(None, (each.service, each.channel, each.territory))) for each in widest)


def foreign(alert: Alert, found: Sequence[Finding], delays_s: Mapping[str, int]) -> bool:
    """Whether a series was found that a resolved alert did not have. What a rule finds late of the time before the end is no news,
    and a full alert does not know all that it had: nothing is foreign to it.
    """
    if spread(alert, found):
        return True
    if len(alert.findings) >= MAX_FINDINGS:
        return False
    held = {each.series for each in alert.findings}
    ended_us = alert.resolved_us or 0
    late_us = {rule: ended_us + delay_s * US_PER_S for rule, delay_s in delays_s.items()}
    return any(each.series not in held and each.from_us > late_us.get(each.series.rule, 0) for each in found)


def news(alert: Alert, found: Sequence[Finding], now_us: int) -> list[Finding]:
    """Of a resolved alert what was not known when it was resolved: a finding that comes late tells of what is over."""
    known = {each.series: each.to_us for each in alert.findings if each.to_us <= now_us}
    put_back = now_us < (alert.resolved_us or 0)
    return [each for each in found if put_back or each.to_us > known.get(each.series, each.to_us - 1)]


def _covers(held: Series, series: Series) -> bool:
    """Whether who knows of the one is not surprised by the other: no other service or channel, no wider territory."""
    return (
        held.service in ("", series.service)
        and (held.channel == series.channel or not held.channel or not series.channel)
        and territory_holds(held.territory, series.territory)
    )
