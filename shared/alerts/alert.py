"""An alert as people know it: one cause, from its firing to its end, and what happened to it on the way."""

from typing import Final, Literal

from msgspec import Struct

from shared.alerts.finding import Finding, Severity

State = Literal["firing", "acknowledged", "resolved"]
STATES: Final[tuple[State, ...]] = ("firing", "acknowledged", "resolved")
Ending = Literal["ended", "corrected", "by_hand"]
"""Why it was resolved: the count fell back, its points were retracted, or a person said so."""
Step = Literal[
    "fired", "spread", "worsened", "acknowledged", "assigned", "commented", "resolved", "reopened", "expired", "suppressed",
    "unsuppressed", "repeated",
]  # fmt: skip
"""What may happen to an alert. `spread`: another series joined its cause; `expired`: an acknowledgement ran out."""


class Alert(Struct, frozen=True, kw_only=True):
    """One cause. `findings` are the latest of each of its series: first the one that names the cause, whether it is found
    still or not, then those that were found in the latest round, then those that were not any more, the gravest first;
    instants in µs.

    key: names the cause, the same after a restart; id: this occurrence of it (a resolved alert that comes back within
    `reopen_s` keeps its id). severity: the gravest it had. suppressed_by: what keeps it quiet, `silence:ID` (a silence or
    a maintenance) or `alert:ID`, else ''. version: the number of its latest transition. quiet_us: for how long rounds
    have found nothing of it. told_us: when people were last told of it, `None` if they never were.
    """

    id: str
    key: str
    state: State
    severity: Severity
    findings: tuple[Finding, ...]
    fired_us: int
    changed_us: int
    resolved_us: int | None = None
    ending: Ending | None = None
    acknowledged_by: str = ""
    acknowledged_until_us: int | None = None
    assigned_to: str = ""
    suppressed_by: str = ""
    version: int = 1
    quiet_us: int = 0
    told_us: int | None = None


class Transition(Struct, frozen=True, kw_only=True):
    """One thing that happened to one alert; `number` runs per alert from 1. `by`: who, '' for the platform itself.

    text: what a person wrote, or to whom they gave it; of the platform's steps a code: the severity (`worsened`), the places reached
    (`spread`: service, channel and territory of each, with commas between), the ending (`resolved`), what keeps it quiet (`suppressed`).
    """

    alert: str
    number: int
    step: Step
    at_us: int
    by: str = ""
    text: str = ""
    until_us: int | None = None
