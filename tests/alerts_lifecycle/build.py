"""Findings, and a life of alerts from round to round."""

from collections.abc import Collection, Sequence
from typing import Any

from services.alerts.lifecycle import Round, pass_round
from services.alerts.policy import Policy
from services.alerts.silences import Silence
from services.alerts.steps import TOLD, Taken
from shared.alerts.alert import Alert
from shared.alerts.finding import Finding, Series

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T0 = 1_800_000_000_000_000
"""The instant of the first round: 15 January 2027, 08:00 UTC."""


def series(rule: str = "error_loop", channel: str = "web", territory: str = "", **more: Any) -> Series:
    """A rise of a rule in one service, unless said otherwise."""
    return Series(
        **{"condition": "rise", "rule": rule, "service": "housing", "channel": channel, "territory": territory, **more}
    )


def finding(of: Series, now_us: int = T0, observed: float = 20.0, **more: Any) -> Finding:
    """What a round at this instant finds of a series; 2 were expected."""
    values = {"window": "fast", "from_us": now_us - 15 * MINUTE, "to_us": now_us, "since_us": now_us - 15 * MINUTE}
    return Finding(series=of, observed=observed, **{"expected": 2.0, **values, **more})


class Life:
    """Alerts from round to round, as the engine would keep them."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.alerts: dict[str, Alert] = {}
        self.silences: list[Silence] = []
        self.history: list[Taken] = []
        self.now_us = T0
        self.previous_us: int | None = None

    def round(self, *found: Series | Finding, after_us: int = MINUTE, corrected: Collection[Series] = ()) -> list[str]:
        """A round, so long after the one before; the steps that it takes. Series are found as `finding` has them."""
        self.now_us += after_us
        findings = [finding(each, self.now_us) if isinstance(each, Series) else each for each in found]
        return self.at(findings, corrected)

    def at(self, findings: Sequence[Finding], corrected: Collection[Series] = ()) -> list[str]:
        """A round at the present instant."""
        now = Round(now_us=self.now_us, previous_us=self.previous_us, findings=findings, corrected=corrected)
        outcome = pass_round(list(self.alerts.values()), self.silences, now, self.policy)
        self.previous_us = self.now_us
        for alert in outcome.alerts:
            self.alerts[alert.id] = alert
        self.history += outcome.taken
        return [taken.transition.step for taken in outcome.taken]

    def quiet(self, minutes: int) -> list[str]:
        """So many rounds, one a minute, that find nothing; the steps that they take."""
        return [step for _ in range(minutes) for step in self.round()]

    def keep(self, taken: Taken) -> Alert:
        """What a person did."""
        self.alerts[taken.alert.id] = taken.alert
        self.history.append(taken)
        return taken.alert

    @property
    def open(self) -> list[Alert]:
        """The open alerts, the first fired first."""
        found = [alert for alert in self.alerts.values() if alert.state != "resolved"]
        return sorted(found, key=lambda alert: (alert.fired_us, alert.id))

    @property
    def only(self) -> Alert:
        """The one alert that there ever was."""
        (alert,) = self.alerts.values()
        return alert

    def told(self) -> list[str]:
        """The steps that people who ask for nothing more were told of."""
        return [taken.transition.step for taken in self.history if taken.told and taken.transition.step in TOLD]
