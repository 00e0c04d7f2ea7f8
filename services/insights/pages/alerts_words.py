"""What stands on the pages of alerts for their states, severities and steps: messages, and what a step's code means."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from services.insights.language import N_, Language
from shared.alerts.alert import Ending, State, Step, Transition
from shared.alerts.finding import Condition, Severity

STATE_TITLES: Final[dict[State, str]] = {
    "firing": N_("to be taken on"),
    "acknowledged": N_("taken on"),
    "resolved": N_("resolved"),
}
CHOICE_TITLES: Final = {
    "open": N_("Open"),
    "firing": N_("To be taken on"),
    "acknowledged": N_("Taken on"),
    "resolved": N_("Resolved"),
}
SEVERITY_TITLES: Final[dict[Severity, str]] = {
    "critical": N_("critical"),
    "warning": N_("warning"),
    "information": N_("for information"),
}
ENDING_TITLES: Final[dict[Ending, str]] = {
    "ended": N_("it came back to normal"),
    "corrected": N_("what was counted was taken back"),
    "by_hand": N_("resolved by a person"),
}
CONDITION_TITLES: Final[dict[Condition, str]] = {
    "rise": N_("a rise"),
    "threshold": N_("a threshold"),
    "service_level": N_("a service level"),
    "silence": N_("no events"),
    "rejects": N_("refused events"),
    "lag": N_("late detection"),
}
SILENCE_TITLES: Final = {"silence": N_("Silence"), "maintenance": N_("Maintenance")}
RECEIVER_TITLES: Final = {
    "webhook": N_("webhook"),
    "email": N_("e-mail"),
    "alertmanager": N_("Alertmanager"),
    "topic": N_("topic “alerts”"),
}
STEP_TITLES: Final[dict[Step, str]] = {
    "fired": N_("It began"),
    "spread": N_("It reached other places"),
    "worsened": N_("It became graver"),
    "acknowledged": N_("Taken on"),
    "assigned": N_("Given to somebody"),
    "commented": N_("Comment"),
    "resolved": N_("Resolved"),
    "reopened": N_("It came back"),
    "expired": N_("Nobody has it any more: the time for which it was taken on is over"),
    "suppressed": N_("Nobody is told of it for now"),
    "unsuppressed": N_("People are told of it again"),
    "repeated": N_("People were reminded"),
}
_CODES: Final[Mapping[Step, Mapping[Any, str]]] = {"worsened": SEVERITY_TITLES, "resolved": ENDING_TITLES}
"""What the platform writes as the text of a step, in words."""
_GIVEN_BACK: Final = N_("Given back: nobody has it")
_BY_SILENCE: Final = N_("because of a silence")
_BY_ALERT: Final = N_("because another alert accounts for it")


class Quiet(Struct, frozen=True):
    """What keeps an alert quiet: a message, and the path of the page that shows it."""

    words: str
    path: str


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """One line of a history. `text`: what a person wrote, or what the platform's code means; a path with it, or ''."""

    step: str
    title: str
    at_us: int
    by: str
    text: str
    until_us: int | None
    path: str


def quiet_by(code: str) -> Quiet | None:
    """What a code such as `silence:ID` or `alert:ID` means; `None` for ''."""
    kind, _, name = code.partition(":")
    if kind == "silence":
        return Quiet(_BY_SILENCE, "/alerts/silences")
    if kind == "alert":
        return Quiet(_BY_ALERT, f"/alerts/{name}")
    return None


def history_entry(step: Transition, language: Language) -> HistoryEntry:
    """A step, in words."""
    title = _GIVEN_BACK if step.step == "assigned" and not step.text else STEP_TITLES[step.step]
    quiet = quiet_by(step.text) if step.step == "suppressed" else None
    return HistoryEntry(
        step=step.step,
        title=language.text(title),
        at_us=step.at_us,
        by=step.by,
        text=language.text(quiet.words) if quiet else _meaning(step, language),
        until_us=step.until_us,
        path=quiet.path if quiet else "",
    )


def _meaning(step: Transition, language: Language) -> str:
    """The words of a platform's code; a person's text as it is."""
    known = {} if step.by else _CODES.get(step.step, {})
    return language.text(known[step.text]) if step.text in known else step.text
