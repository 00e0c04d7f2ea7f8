"""Which alert keeps which other quiet: what is wrong with the data, or known already, is not told a second time."""

from collections.abc import Sequence

from services.alerts.causes import kind_of
from services.alerts.places import holds, overlap, territory_holds
from services.alerts.policy import US_PER_S, Policy
from shared.alerts.alert import Alert
from shared.alerts.finding import Series


class Inhibitors:
    """The alerts that may keep others quiet, sorted out once a round.

    alerts: the open ones, and the resolved ones whose late consequences may still be found.
    """

    def __init__(self, alerts: Sequence[Alert], policy: Policy) -> None:
        self._delays_us = {rule: delay_s * US_PER_S for rule, delay_s in policy.delays_s.items()}
        self._slack_us = policy.join_s * US_PER_S
        ordered = sorted(alerts, key=lambda alert: (alert.fired_us, alert.id))
        self._open = [alert for alert in ordered if alert.state != "resolved" and _may_inhibit(alert)]
        self._past = [alert for alert in ordered if self._causes(alert)]

    def of(self, alert: Alert) -> str:
        """The id of the alert that keeps this one quiet, '' when none does: each of its findings must be accounted for."""
        for other in self._open:
            if other.id != alert.id and all(_inhibits(other, each.series) for each in alert.findings):
                return other.id
        if any(each.series.rule in self._delays_us for each in alert.findings):
            for other in self._past:
                if other.id != alert.id and self._echoes(alert, other):
                    return other.id
        return ""

    def _echoes(self, alert: Alert, other: Alert) -> bool:
        """Whether all that was found is what a rule finds days later of the time when the other alert lasted."""
        if other.fired_us >= alert.fired_us:
            return False
        for finding in alert.findings:
            delay_us = self._delays_us.get(finding.series.rule)
            if delay_us is None:
                return False
            begun_us, ended_us = finding.from_us - delay_us, finding.to_us - delay_us
            last_us = alert.fired_us if other.resolved_us is None else other.resolved_us
            if begun_us > last_us or ended_us < min(each.since_us for each in other.findings) - self._slack_us:
                return False
            if not any(_same_place(cause, finding.series) for cause in self._causes(other)):
                return False
        return True

    def _causes(self, alert: Alert) -> list[Series]:
        """What of it can be found a second time, late: a form's trouble that was found at once."""
        found = [each.series for each in alert.findings]
        return [each for each in found if kind_of(each) == "form" and each.rule not in self._delays_us]


def _may_inhibit(alert: Alert) -> bool:
    return any(kind_of(each.series) in ("lag", "rejects", "silence") for each in alert.findings)


def _inhibits(alert: Alert, series: Series) -> bool:
    return any(_accounts_for(each.series, series) for each in alert.findings)


def _accounts_for(cause: Series, series: Series) -> bool:
    """Lag: no silence, no share can be judged. Refused events: the silence of where they come from. Silence of a channel:
    its service levels.
    """
    if cause.condition == "lag":
        return series.condition in ("silence", "service_level")
    if cause.condition == "rejects":
        placed = bool(cause.service or cause.channel)
        return placed and series.condition == "silence" and overlap(cause, series)
    return cause.condition == "silence" and series.condition == "service_level" and holds(cause, series)


def _same_place(cause: Series, series: Series) -> bool:
    """What a rule finds late of a form that was broken then."""
    return (
        cause.service == series.service
        and (not cause.channel or not series.channel or cause.channel == series.channel)
        and territory_holds(cause.territory, series.territory)
    )
