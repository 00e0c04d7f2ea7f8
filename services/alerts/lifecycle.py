"""The life of alerts: from the alerts there are and what a round found, the alerts there are now and what happened.

Pure and repeatable: the same round again changes nothing. docs/alerts/lifecycle.md says the rules for people.
"""

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from math import isfinite
from typing import Any, Final, NamedTuple

from msgspec import Struct, structs

from services.alerts.extent import MAX_FINDINGS, foreign, gravest, merged, news, spread
from services.alerts.grouping import cause_key, gather
from services.alerts.inhibition import Inhibitors
from services.alerts.policy import US_PER_S, Policy
from services.alerts.rollup import in_order
from services.alerts.silences import Silence, hidden_by
from services.alerts.steps import NOBODY, Taken, first, take
from shared.alerts.alert import Alert, Ending, Step
from shared.alerts.finding import SEVERITIES, Finding, Series

_LATE_FOUND_S: Final = 86_400


class Round(Struct, frozen=True, kw_only=True):
    """What a round found. Instants in µs since 1970 UTC.

    previous_us: the instant of the round before, `None` if there was none. corrected: series that would still have a finding
    if none of the points in their windows had been taken back.
    """

    now_us: int
    previous_us: int | None = None
    findings: Sequence[Finding] = ()
    corrected: Collection[Series] = ()


class Outcome(Struct, frozen=True):
    """alerts: the new ones and those of which anything changed. taken: what happened, in order, each with its alert as it was then."""

    alerts: tuple[Alert, ...]
    taken: tuple[Taken, ...]


def pass_round(alerts: Sequence[Alert], silences: Sequence[Silence], now: Round, policy: Policy) -> Outcome:
    """One round. alerts: all that are open, and those resolved since `matter_since_us`.

    Raises `ValueError` for a finding whose figures are no finite numbers.
    """
    for finding in now.findings:
        if not (isfinite(finding.observed) and isfinite(finding.expected or 0) and isfinite(finding.probability or 0)):
            raise ValueError(f"The figures of {finding.series} are not finite")
    life = _Life(alerts, now, policy)
    candidates = [each for each in alerts if _may_return(each, now.now_us, policy)]
    gathered = gather(now.findings, candidates, now.now_us, policy)
    for alert in sorted(alerts, key=lambda each: (each.fired_us, each.id)):
        life.judge(alert, gathered.of.get(alert.id, ()), gathered.explained)
    for group in gathered.fresh:
        life.begin(group, gathered.explained)
    life.settle([each for each in silences if each.holds_at(now.now_us)])
    return life.outcome()


def matter_since_us(now_us: int, policy: Policy) -> int:
    """Alerts resolved since then are part of a round: they may come back, or have consequences that are found late."""
    late_s = max(policy.delays_s.values(), default=0) + _LATE_FOUND_S
    return now_us - max(policy.by_hand_s + policy.reopen_s, late_s) * US_PER_S


def _may_return(alert: Alert, now_us: int, policy: Policy) -> bool:
    """Whether findings can belong to it: it is open, or was resolved a short time ago (or, by a clock put back, later)."""
    if alert.resolved_us is None:
        return True
    within_s = policy.reopen_s + (policy.by_hand_s if alert.ending == "by_hand" else 0)
    return now_us - alert.resolved_us <= within_s * US_PER_S


class _Planned(NamedTuple):
    step: Step
    text: str = ""
    changes: Mapping[str, Any] = {}


class _Life:
    """The alerts during one round: first what each will be is judged, then, with all known, the steps are taken."""

    def __init__(self, alerts: Sequence[Alert], now: Round, policy: Policy) -> None:
        self._before = {alert.id: alert for alert in alerts}
        self._after = dict(self._before)
        self._planned: dict[str, list[_Planned]] = {}
        self._taken: list[Taken] = []
        self._now_us = now.now_us
        self._corrected = frozenset(now.corrected)
        self._policy = policy
        passed_us = 0 if now.previous_us is None else now.now_us - now.previous_us
        self._passed_us = min(max(passed_us, 0), policy.gap_s * US_PER_S)

    def judge(self, alert: Alert, found: Sequence[Finding], explained: frozenset[Series]) -> None:
        """What the round means for an alert there was."""
        if alert.state == "resolved":
            self._come_back(alert, found, explained)
            return
        if found:
            self._last(alert, found, explained)
        else:
            self._fade(alert)
        if alert.state == "acknowledged" and (alert.acknowledged_until_us or 0) <= self._now_us:
            self._plan(alert, _Planned("expired", changes=NOBODY))

    def begin(self, found: Sequence[Finding], explained: frozenset[Series]) -> None:
        """A new cause."""
        ordered = in_order(found, (), explained)
        key = cause_key(ordered[0].series)
        name = blake2b(f"{key} {self._now_us}".encode(), digest_size=8).hexdigest()
        self._after[name] = Alert(
            id=name,
            key=key,
            state="firing",
            severity=gravest(ordered),
            findings=tuple(ordered[:MAX_FINDINGS]),
            fired_us=self._now_us,
            changed_us=self._now_us,
        )

    def settle(self, silences: Sequence[Silence]) -> None:
        """Take the steps, knowing what is kept quiet: by a silence, or by another alert that accounts for it."""
        inhibitors = Inhibitors([self._outlook(alert) for alert in self._after.values()], self._policy)
        for alert in list(self._after.values()):
            plans = self._planned.get(alert.id, [])
            if plans and plans[0].step == "resolved":
                self._take(alert, plans[0])
            elif alert.state != "resolved" or plans:
                by = _quiet_by(self._outlook(alert), silences, inhibitors)
                self._go_on(alert, plans, by)

    def outcome(self) -> Outcome:
        """What changed."""
        changed = (alert for name, alert in self._after.items() if self._before.get(name) != alert)
        return Outcome(tuple(changed), tuple(self._taken))

    def _last(self, alert: Alert, found: Sequence[Finding], explained: frozenset[Series]) -> None:
        """It lasts; it may have become graver, or have reached other places."""
        severity = max(alert.severity, gravest(found), key=SEVERITIES.index)
        findings = merged(alert, found, explained, self._now_us)
        self._after[alert.id] = structs.replace(alert, findings=findings, severity=severity, quiet_us=0)
        if severity != alert.severity:
            self._plan(alert, _Planned("worsened", severity))
        if reached := spread(alert, found):
            self._plan(alert, _Planned("spread", ", ".join(reached)))

    def _fade(self, alert: Alert) -> None:
        """Nothing of it was found: corrected when all that was found last was taken back, ended after a while."""
        quiet_us = alert.quiet_us + self._passed_us
        last_us = max(each.to_us for each in alert.findings)
        ending: Ending = "ended"
        if all(each.series in self._corrected for each in alert.findings if each.to_us == last_us):
            ending = "corrected"
        elif quiet_us < self._policy.resolve_after_s * US_PER_S:
            self._after[alert.id] = structs.replace(alert, quiet_us=quiet_us)
            return
        end = {"resolved_us": self._now_us, "ending": ending, "quiet_us": 0, "suppressed_by": "", **NOBODY}
        self._plan(alert, _Planned("resolved", ending, end))

    def _come_back(self, alert: Alert, found: Sequence[Finding], explained: frozenset[Series]) -> None:
        """What was resolved is found again. Of one resolved by hand that merely lasts nothing is told."""
        by_hand = alert.ending == "by_hand"
        new = news(alert, found, self._now_us)
        if not new:
            if by_hand and self._passed_us:
                self._after[alert.id] = structs.replace(alert, quiet_us=alert.quiet_us + self._passed_us)
        elif by_hand and self._merely_lasts(alert, new):
            findings = merged(alert, found, explained, self._now_us)
            self._after[alert.id] = structs.replace(alert, findings=findings, quiet_us=0)
        else:
            named = alert.findings[0].series if alert.findings else None
            findings = tuple(in_order(found, (), explained, named)[:MAX_FINDINGS])
            again = {
                "findings": findings,
                "severity": gravest(found),
                "resolved_us": None,
                "ending": None,
                "quiet_us": 0,
            }
            self._plan(alert, _Planned("reopened", changes=again))

    def _merely_lasts(self, alert: Alert, new: Sequence[Finding]) -> bool:
        calm = alert.quiet_us >= self._policy.resolve_after_s * US_PER_S
        overdue = self._now_us - (alert.resolved_us or 0) >= self._policy.by_hand_s * US_PER_S
        graver = SEVERITIES.index(gravest(new)) > SEVERITIES.index(alert.severity)
        return not (calm or overdue or graver or foreign(alert, new, self._policy.delays_s))

    def _outlook(self, alert: Alert) -> Alert:
        """What it will be after this round, as far as others depend on it."""
        state, changes = alert.state, {}
        for plan in self._planned.get(alert.id, ()):
            if plan.step in ("resolved", "reopened"):
                state, changes = "resolved" if plan.step == "resolved" else "firing", dict(plan.changes)
        return structs.replace(alert, **{**changes, "state": state})

    def _go_on(self, alert: Alert, plans: Sequence[_Planned], by: str) -> None:
        """The steps of an alert that is open after this round."""
        if alert.id not in self._before:
            self._keep(first(structs.replace(alert, suppressed_by=by)))
            self._quiet(by)
        elif plans and plans[0].step == "reopened":
            self._take(alert, _Planned("reopened", changes={**plans[0].changes, "suppressed_by": by}))
            self._quiet(by)
        else:
            self._turn(alert, by)
            for plan in plans:
                self._take(self._after[alert.id], plan)
            self._remind(self._after[alert.id])

    def _quiet(self, by: str) -> None:
        """Say of the alert that began just now why nobody is told."""
        if by:
            self._take(self._taken[-1].alert, _Planned("suppressed", by))

    def _turn(self, alert: Alert, by: str) -> None:
        """It becomes quiet, or is told again."""
        if bool(by) != bool(alert.suppressed_by):
            self._take(alert, _Planned("suppressed" if by else "unsuppressed", by, {"suppressed_by": by}))
        elif by != alert.suppressed_by:
            self._after[alert.id] = structs.replace(alert, suppressed_by=by)

    def _remind(self, alert: Alert) -> None:
        """Tell again what lasts and nobody has taken on for long; a time in the future is that of a clock put back."""
        if alert.state != "firing" or alert.quiet_us or alert.suppressed_by or alert.told_us is None:
            return
        if alert.told_us > self._now_us:
            self._after[alert.id] = structs.replace(alert, told_us=self._now_us)
        elif self._now_us - alert.told_us >= self._policy.repeat_s * US_PER_S:
            self._take(alert, _Planned("repeated"))

    def _plan(self, alert: Alert, plan: _Planned) -> None:
        self._planned.setdefault(alert.id, []).append(plan)

    def _take(self, alert: Alert, plan: _Planned) -> None:
        self._keep(take(alert, plan.step, self._now_us, text=plan.text, **plan.changes))

    def _keep(self, taken: Taken) -> None:
        self._after[taken.alert.id] = taken.alert
        self._taken.append(taken)


def _quiet_by(alert: Alert, silences: Sequence[Silence], inhibitors: Inhibitors) -> str:
    if silence := hidden_by(alert, silences):
        return f"silence:{silence.id}"
    other = inhibitors.of(alert)
    return f"alert:{other}" if other else ""
