"""Alerts, settings and messages that the tests are about."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from services.alerts.notification.message import Message, message_of
from services.alerts.notification.settings import (
    SYSTEM_STEPS,
    NotificationSettings,
    Receiver,
    Route,
    TopicReceiver,
)
from shared.alerts.alert import Alert, Step, Transition
from shared.alerts.finding import Finding, Series
from shared.detection.declarations.declaration import Words
from shared.journey.instants import SECOND_US, from_text

NOW_US = from_text("2026-11-23T09:00:00+00:00")
"""A Monday morning, ten o'clock in Paris."""
HOUR_US = 3_600 * SECOND_US
PARIS = ZoneInfo("Europe/Paris")
WHY = Words(fr="Bien plus de formulaires sont abandonnés que d’habitude.", en="Far more forms are given up than usual.")
FORM = Series("rise", rule="form_abandoned", service="housing-benefit", channel="web", territory="fr/idf/75")


def finding(series: Series = FORM, **changes: Any) -> Finding:
    """Forty forms abandoned in a quarter of an hour, where ten were expected."""
    values: dict[str, Any] = {
        "series": series,
        "window": "fast",
        "from_us": NOW_US - 900 * SECOND_US,
        "to_us": NOW_US,
        "since_us": NOW_US - 900 * SECOND_US,
        "observed": 40.0,
        "expected": 10.04,
        "probability": 1e-9,
        "citizens": 38,
        "severity": "warning",
    }
    return Finding(**(values | changes))


def alert(*findings: Finding, **changes: Any) -> Alert:
    """An alert that has just fired."""
    values: dict[str, Any] = {
        "id": "a1",
        "key": "c0ffee",
        "state": "firing",
        "severity": "warning",
        "findings": findings or (finding(),),
        "fired_us": NOW_US,
        "changed_us": NOW_US,
    }
    return Alert(**(values | changes))


def transition(step: Step = "fired", number: int = 1, at_us: int = NOW_US, **changes: Any) -> Transition:
    """Something that happened to it."""
    return Transition(alert="a1", number=number, step=step, at_us=at_us, **changes)


def settings(*routes: Route, receivers: Mapping[str, Receiver] | None = None, **changes: Any) -> NotificationSettings:
    """Settings with receivers that need nothing: `day` and `night`."""
    known = receivers or {name: TopicReceiver(name=name, steps=SYSTEM_STEPS) for name in ("day", "night")}
    return NotificationSettings(receivers=known, routes=routes, zone=PARIS, **changes)


def message(
    about: Alert | None = None,
    what: Transition | None = None,
    small_cell_min: int = 10,
    **changes: Any,
) -> Message:
    """The message of a transition."""
    return message_of(
        about or alert(),
        what or transition(),
        WHY,
        settings=settings(**({"pages_url": "https://parcours.example"} | changes)),
        small_cell_min=small_cell_min,
    )
