"""The alerts of this process, for pages and API: whether there are any, silences from their values, refusals as problems."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast

from services.insights.context import Context
from services.insights.language import N_
from services.insights.ports import AlertDesk
from services.insights.problems import Problem
from shared.alerts.sheet import Sheet
from shared.errors import RecordConflict, RecordRefused
from shared.registry.alert_silences import SilenceValues

SILENCE_PARTS: Final = ("condition", "rule", "service", "channel", "territory")
CONFLICT: Final = N_("Somebody else changed or removed this meanwhile. Look at it again before you go on.")
MAX_LETTER_CHARS: Final = 300


def desk_of(context: Context) -> AlertDesk:
    """Raises `Problem` 404 where this process has no alerts."""
    if context.alerts is None:
        raise Problem(404, "no-alerts", N_("Alerts are not watched on this site."))
    return context.alerts


def found(desk: AlertDesk, alert: str) -> Sheet:
    """The alert with this id. Raises `Problem` 404."""
    sheet = desk.get(alert)
    if sheet is None:
        raise Problem(404, "no-alert", N_("There is no alert of this name (any more)."))
    return sheet


@contextmanager
def typed_problems() -> Iterator[None]:
    """What people cannot do as a `Problem`: 409 when somebody was faster, 422 for what is refused."""
    try:
        yield
    except RecordConflict as error:
        raise Problem(409, "record-conflict", CONFLICT) from error
    except RecordRefused as error:
        raise Problem(422, "record-refused", N_("This cannot be done: %(why)s"), why=str(error)) from error


def silence_values(given: Mapping[str, str], from_us: int, until_us: int) -> SilenceValues:
    """What is to be silenced; what is wrong with the values is said when they are used."""
    parts: dict[str, Any] = {name: given.get(name, "") for name in SILENCE_PARTS}
    parts["territory"] = parts["territory"].rstrip("/")
    return SilenceValues(
        kind=cast("Any", given.get("kind", "")),
        from_us=from_us,
        until_us=until_us,
        reason=given.get("reason", ""),
        author=given.get("author", ""),
        **parts,
    )
