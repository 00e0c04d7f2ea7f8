"""One step of an alert's life: which may follow which, and what each changes."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, structs

from shared.alerts.alert import Alert, State, Step, Transition

EDGES: Final[Mapping[Step, tuple[tuple[State, ...], State | None]]] = {
    "fired": ((), "firing"),
    "spread": (("firing", "acknowledged"), None),
    "worsened": (("firing", "acknowledged"), None),
    "acknowledged": (("firing", "acknowledged"), "acknowledged"),
    "assigned": (("firing", "acknowledged"), None),
    "commented": (("firing", "acknowledged", "resolved"), None),
    "resolved": (("firing", "acknowledged"), "resolved"),
    "reopened": (("resolved",), "firing"),
    "expired": (("acknowledged",), "firing"),
    "suppressed": (("firing", "acknowledged"), None),
    "unsuppressed": (("firing", "acknowledged"), None),
    "repeated": (("firing",), None),
}
"""From which states a step is allowed, and to which it leads; `None`: the state stays."""
TOLD: Final[frozenset[Step]] = frozenset(
    {"fired", "worsened", "resolved", "reopened", "expired", "unsuppressed", "repeated"}
)
"""The steps that people who are not looking are told of; the others are told to receivers that ask for them, and put off no
reminder."""
_TOLD_WHEN_QUIET: Final[frozenset[Step]] = frozenset({"suppressed", "resolved"})
"""Told although nothing of the alert is told any more: that it is so, and its end; to those who were told of it before."""

NOBODY: Final[Mapping[str, Any]] = {"acknowledged_by": "", "acknowledged_until_us": None}
"""What an alert says of its acknowledgement when it has none."""


class Taken(Struct, frozen=True):
    """A step that was taken: the alert after it, and whether it may be told (to whom, routes and receivers say)."""

    alert: Alert
    transition: Transition
    told: bool


def first(alert: Alert) -> Taken:
    """The firing of a new alert."""
    step = Transition(alert=alert.id, number=1, step="fired", at_us=alert.fired_us)
    quiet = bool(alert.suppressed_by)
    return Taken(structs.replace(alert, version=1, told_us=None if quiet else alert.fired_us), step, not quiet)


def take(
    alert: Alert, step: Step, now_us: int, *, by: str = "", text: str = "", until_us: int | None = None, **changes: Any
) -> Taken:
    """Take one step, which must be allowed. `changes`: other fields of the alert that it changes.

    Told is what is not suppressed. That it became so, and its end, are told to those who were told of the alert before; one
    that was never told becomes quiet and ends untold.
    """
    allowed, leads_to = EDGES[step]
    if alert.state not in allowed:
        raise ValueError(f"{step} does not follow {alert.state}")
    state = leads_to or alert.state
    after = structs.replace(alert, state=state, changed_us=now_us, version=alert.version + 1, **changes)
    told = alert.told_us is not None if step in _TOLD_WHEN_QUIET else not after.suppressed_by
    if told and step in TOLD:
        after = structs.replace(after, told_us=None if step == "resolved" else now_us)
    transition = Transition(
        alert=alert.id, number=after.version, step=step, at_us=now_us, by=by, text=text, until_us=until_us
    )
    return Taken(after, transition, told)
