"""What people do with an alert: take it on, give it to somebody, write a comment, end it. Pure."""

from typing import Any, Final

from msgspec import structs

from services.alerts.policy import US_PER_S, Policy
from services.alerts.steps import EDGES, NOBODY, Taken, take
from shared.alerts.alert import Alert, Step
from shared.errors import RecordRefused

MAX_NAME_CHARS: Final = 200
MAX_TEXT_CHARS: Final = 4_000


def acknowledge(
    alert: Alert, by: str, now_us: int, policy: Policy, until_us: int | None = None, text: str = ""
) -> Taken:
    """Somebody takes it on, until then (`policy.acknowledge_s` from now unless said otherwise).

    Raises `RecordRefused` when it is resolved, for a time that is over or too far away, or without a name.
    """
    _check(alert, "acknowledged", by, text)
    until = now_us + policy.acknowledge_s * US_PER_S if until_us is None else until_us
    if not now_us < until <= now_us + policy.acknowledge_max_s * US_PER_S:
        raise RecordRefused(
            "until", f"until: expected a time within the next {policy.acknowledge_max_s // 3_600} hours"
        )
    holder: dict[str, Any] = {"acknowledged_by": by, "acknowledged_until_us": until}
    return take(alert, "acknowledged", now_us, by=by, text=text, until_us=until, **holder)


def assign(alert: Alert, by: str, to: str, now_us: int) -> Taken:
    """Give it to somebody (a role or a team), or to nobody (''). Raises `RecordRefused`."""
    _check(alert, "assigned", by, "")
    if len(to) > MAX_NAME_CHARS or "\0" in to:
        raise RecordRefused("to", f"to: expected at most {MAX_NAME_CHARS} characters")
    return take(alert, "assigned", now_us, by=by, text=to, assigned_to=to)


def comment(alert: Alert, by: str, text: str, now_us: int) -> Taken:
    """Write something to it; also when it is resolved. Raises `RecordRefused`."""
    _check(alert, "commented", by, text)
    if not text.strip():
        raise RecordRefused("text", "text: a comment says something")
    return take(alert, "commented", now_us, by=by, text=text)


def resolve(alert: Alert, by: str, now_us: int, text: str = "") -> Taken:
    """End it by hand: what merely lasts does not open it again for a while. Raises `RecordRefused`."""
    _check(alert, "resolved", by, text)
    calm = structs.replace(alert, quiet_us=0)
    end: dict[str, Any] = {"resolved_us": now_us, "ending": "by_hand", "suppressed_by": "", **NOBODY}
    return take(calm, "resolved", now_us, by=by, text=text, **end)


def _check(alert: Alert, step: Step, by: str, text: str) -> None:
    if alert.state not in EDGES[step][0]:
        raise RecordRefused("state", f"This alert is {alert.state}: that cannot be done with it now")
    if not by.strip() or len(by) > MAX_NAME_CHARS or "\0" in by:
        raise RecordRefused("by", f"by: expected who does this, in at most {MAX_NAME_CHARS} characters")
    if len(text) > MAX_TEXT_CHARS or "\0" in text:
        raise RecordRefused("text", f"text: expected at most {MAX_TEXT_CHARS} characters")
