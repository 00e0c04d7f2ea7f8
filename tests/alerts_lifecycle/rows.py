"""Rows of alerts, and short ways to write them."""

from typing import Any

from shared.registry.alert_rows import AlertRow, Change, NewDelivery, RoundWrite, TransitionRow

T0 = 1_800_000_000_000_000


def row(name: str = "a", version: int = 1, **more: Any) -> AlertRow:
    """An alert that fires; its id is 16 times the name."""
    values = {"key": name * 16, "state": "firing", "severity": "warning", "suppressed_by": "", "fired_us": T0}
    rest = {"changed_us": T0, "resolved_us": None, "document": f'{{"é": {version}}}'}
    return AlertRow(**{"id": name * 16, "version": version, **values, **rest, **more})


def step(of: AlertRow, **more: Any) -> TransitionRow:
    """The transition that made this version of the alert."""
    return TransitionRow(**{"alert": of.id, "number": of.version, "step": "fired", "at_us": T0, **more})


def delivery(of: AlertRow, receiver: str = "hook", created_us: int = T0, due_us: int | None = None) -> NewDelivery:
    """What is to be told of this version."""
    message = f"{of.id} {of.version}".encode()
    return NewDelivery(
        alert=of.id,
        number=of.version,
        receiver=receiver,
        message=message,
        created_us=created_us,
        due_us=created_us if due_us is None else due_us,
    )


def write(replaces: int, *alerts: AlertRow, receivers: tuple[str, ...] = ("hook",), **more: Any) -> RoundWrite:
    """A round that leaves these alerts, each one version further than it was, with what is to be told."""
    return RoundWrite(
        **{
            "replaces": replaces,
            "round_us": T0 + replaces,
            "state": f"state {replaces + 1}".encode(),
            "alerts": [(each, each.version - 1) for each in alerts],
            "transitions": [step(each) for each in alerts],
            "deliveries": [delivery(each, receiver) for each in alerts for receiver in receivers],
            **more,
        }
    )


def change(of: AlertRow, text: str = "") -> Change:
    """A person's action that leads to this version."""
    return Change(alert=of, transition=step(of, step="commented", by="team", text=text), deliveries=[delivery(of)])
