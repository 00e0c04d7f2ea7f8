"""Prometheus' Alertmanager, through its API v2: labels that stay the same for one alert, and an end that is pushed on while it
is active, so that an alert ends by itself when nothing tells of it any more.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import structs

from services.alerts.notification.connection import Reach
from services.alerts.notification.http_post import HttpAddress
from services.alerts.notification.message import Message, is_active
from shared.alerts.finding import SEVERITIES
from shared.journey.instants import SECOND_US, from_text, to_text

PATH: Final = "/api/v2/alerts"
MISSED_REPEATS: Final = 4
"""An alert ends in Alertmanager after so many repeats did not come."""
MAX_ALERTS: Final = 500
"""So many alerts go into one request."""

_Posted = dict[str, Any]


class AlertmanagerChannel:
    """Posts to one Alertmanager (each of a cluster is a receiver of its own, as Alertmanager asks for)."""

    def __init__(
        self,
        url: str,
        *,
        repeat_s: int,
        labels: Mapping[str, str] | None = None,
        token: str = "",
        ca_file: Path | None = None,
        reach: Reach,
    ) -> None:
        self._address = HttpAddress(url + PATH, ca_file, reach)
        self._repeat_s = repeat_s
        self._labels = labels or {}
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    @property
    def repeat_s(self) -> int | None:
        """As the settings say."""
        return self._repeat_s

    def send(self, message: Message, now_us: int) -> None:
        """Post the alert as it is after the transition; the milder one that it was before it worsened ends.

        Raises `NotDelivered`.
        """
        alerts = [self._posted(message, now_us)]
        if message.step == "worsened":
            milder = SEVERITIES[: SEVERITIES.index(message.severity)]
            alerts += [
                ended(self._posted(structs.replace(message, severity=each), now_us), message.at) for each in milder
            ]
        self._post(alerts, now_us)

    def send_again(self, messages: Sequence[Message], now_us: int) -> None:
        """Post all alerts that are active, so that they stay so. Raises `NotDelivered`."""
        alerts = [self._posted(each, now_us) for each in messages if is_active(each)]
        for start in range(0, len(alerts), MAX_ALERTS):
            self._post(alerts[start : start + MAX_ALERTS], now_us)

    def close(self) -> None:
        """Nothing is held."""

    def _posted(self, message: Message, now_us: int) -> _Posted:
        return posted(message, now_us, self._repeat_s, self._labels)

    def _post(self, alerts: Sequence[_Posted], now_us: int) -> None:
        self._address.post(msgspec.json.encode(alerts), self._headers, now_us)


def posted(message: Message, now_us: int, repeat_s: int, more_labels: Mapping[str, str]) -> _Posted:
    """The alert as Alertmanager takes it (`postableAlert`).

    Labels identify it there: only what does not change in the life of an alert is one, and the severity, by which
    Alertmanagers route. All else stands in the annotations. Alertmanager drops empty ones, so they are left out here.
    """
    starts_us = from_text(message.fired)
    if is_active(message):
        ends_us = max(now_us, starts_us) + MISSED_REPEATS * repeat_s * SECOND_US
    else:
        ends_us = max(from_text(message.resolved or message.at), starts_us)
    alert: _Posted = {
        "labels": {**more_labels, **_labels(message)},
        "annotations": _annotations(message),
        "startsAt": to_text(starts_us),
        "endsAt": to_text(ends_us),
    }
    return alert | ({"generatorURL": message.links.alert} if message.links.alert else {})


def ended(alert: _Posted, at: str) -> _Posted:
    """The same alert, over at an instant."""
    return alert | {"endsAt": max(at, str(alert["startsAt"]))}


def _labels(message: Message) -> dict[str, str]:
    return {
        "alertname": "ParcoursTest" if message.test else "Parcours",
        "alert_id": message.alert,
        "cause_key": message.cause_key,
        "severity": message.severity,
    }


def _annotations(message: Message) -> dict[str, str]:
    links = message.links
    count = message.citizens.count
    texts = {
        "summary": message.subject.en,
        "summary_fr": message.subject.fr,
        "description": message.why.en,
        "description_fr": message.why.fr,
        "cause": message.what.cause,
        "service": message.where.service,
        "channels": ",".join(message.where.channels),
        "territory": message.where.territory,
        "since": message.since,
        "citizens": "" if count is None else str(count),
        "evidence_url": links.evidence or "",
        "runbook_url": links.playbook.en if links.playbook else "",
        "runbook_url_fr": links.playbook.fr if links.playbook else "",
        "citizen_text": message.citizen_text.en,
        "citizen_text_fr": message.citizen_text.fr,
    }
    return {name: value for name, value in texts.items() if value}
