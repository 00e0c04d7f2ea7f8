"""Whom to tell what, and how: the table `notification` of the alerts file as it is used.

Source: docs/alerts/notification.md, section "Settings".
"""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.alerts.notification.secret_source import SecretSource
from services.alerts.settings import ServiceLevel
from shared.alerts.alert import Step
from shared.alerts.finding import Series, Severity
from shared.detection.declarations.declaration import Words

Network = IPv4Network | IPv6Network
Tls = Literal["starttls", "tls", "none"]
TLS_KINDS: Final[tuple[Tls, ...]] = ("starttls", "tls", "none")
OutsideHours = Literal["wait", "drop"]
OUTSIDE_HOURS: Final[tuple[OutsideHours, ...]] = ("wait", "drop")
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN: Final = 24 * 60

STEPS: Final[tuple[Step, ...]] = get_args(Step)
PEOPLE_STEPS: Final[frozenset[Step]] = frozenset(
    {"fired", "worsened", "resolved", "reopened", "expired", "unsuppressed", "repeated"}
)
"""What people are told of by default: what asks for their attention, and its end; not what they did themselves."""
SYSTEM_STEPS: Final[frozenset[Step]] = PEOPLE_STEPS | {"spread", "acknowledged", "suppressed"}
"""What systems that keep a copy of an alert are told of by default: all that changes it."""


class WebhookReceiver(Struct, frozen=True, kw_only=True):
    """An address that takes signed messages. `next_key` signs too, while keys are being changed."""

    name: str
    url: str
    key: SecretSource
    next_key: SecretSource | None = None
    ca_file: Path | None = None
    steps: frozenset[Step] = SYSTEM_STEPS


class EmailReceiver(Struct, frozen=True, kw_only=True):
    """People, through a mail server. `password` is needed where `user` is not empty."""

    name: str
    host: str
    port: int
    tls: Tls
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: SecretSource | None = None
    ca_file: Path | None = None
    steps: frozenset[Step] = PEOPLE_STEPS


class AlertmanagerReceiver(Struct, frozen=True, kw_only=True):
    """Prometheus' Alertmanager: the base of its address, told again every `repeat_s` while an alert is active.

    labels: what each alert bears there besides its own, for its routes.
    """

    name: str
    url: str
    repeat_s: int = 60
    labels: Mapping[str, str] = {}
    token: SecretSource | None = None
    ca_file: Path | None = None
    steps: frozenset[Step] = SYSTEM_STEPS


class TopicReceiver(Struct, frozen=True, kw_only=True):
    """The topic `alerts` of the log."""

    name: str
    steps: frozenset[Step] = SYSTEM_STEPS


Receiver = WebhookReceiver | EmailReceiver | AlertmanagerReceiver | TopicReceiver


class Route(Struct, frozen=True, kw_only=True):
    """Which alerts go to which receivers, and when. Empty tuples restrict nothing; a territory has all below it.

    from_min, to_min: minutes of the day in `zone`, `to_min` excluded; a period over midnight (`to_min <= from_min`) belongs
    to the weekday it begins on. weekdays: numbers from 0, Monday. outside_hours: keep what happens until the next period, or not.
    """

    receivers: tuple[str, ...]
    services: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()
    severity: Severity = "information"
    zone: ZoneInfo
    from_min: int = 0
    to_min: int = DAY_MIN
    weekdays: frozenset[int] = frozenset(range(7))
    outside_hours: OutsideHours = "wait"

    def is_always(self) -> bool:
        """Whether it is in force at any time."""
        return len(self.weekdays) == 7 and (self.from_min, self.to_min) == (0, DAY_MIN)


class NotificationSettings(Struct, frozen=True, kw_only=True):
    """All of it. `otherwise`: who is told of an alert that no route takes. `zone`: of clock times in texts. `allow`: networks that requests may go to though
    they are not public. `pages_url`: where people reach the pages of Parcours, without a slash at its end; '' gives no links. `levels`: the
    site's service levels by name, which stand elsewhere in the file; texts tell what they count.
    """

    receivers: Mapping[str, Receiver]
    routes: tuple[Route, ...] = ()
    otherwise: tuple[str, ...] = ()
    zone: ZoneInfo
    allow: tuple[Network, ...] = ()
    pages_url: str = ""
    playbooks: Path | None = None
    service_names: Mapping[str, Words] = {}
    levels: Mapping[str, ServiceLevel] = {}
    timeout_s: float = 10.0
    max_tries: int = 30
    max_age_s: int = 21_600

    def level_of(self, series: Series) -> ServiceLevel | None:
        """The service level that a series is of, if it still stands in the file."""
        return self.levels.get(series.name) if series.condition == "service_level" else None


class NumberSetting(Struct, frozen=True, kw_only=True):
    """A number that may be set: its default and why it is so."""

    default: int
    low: int
    high: int
    source: Words


NUMBERS: Final[dict[str, NumberSetting]] = {
    "timeout_s": NumberSetting(
        default=10,
        low=1,
        high=30,
        source=Words(
            fr="Un récepteur qui répond le fait en moins d'une seconde ; dix secondes couvrent un serveur de courriel lent.",
            en="A receiver that answers does so within a second; ten seconds cover a slow mail server.",
        ),
    ),
    "max_tries": NumberSetting(
        default=30,
        low=1,
        high=200,
        source=Words(
            fr="Avec des délais doublés d'une seconde à quinze minutes, trente essais couvrent environ six heures.",
            en="With delays doubled from one second to fifteen minutes, thirty tries cover about six hours.",
        ),
    ),
    "max_age_s": NumberSetting(
        default=21_600,
        low=60,
        high=7 * 86_400,
        source=Words(
            fr="Passé six heures, la page des alertes en dit plus qu'un message d'alors.",
            en="After six hours the page of alerts tells more than a message from then.",
        ),
    ),
    "repeat_s": NumberSetting(
        default=60,
        low=10,
        high=3_600,
        source=Words(
            fr="Prometheus répète ses alertes chaque minute par défaut ; Alertmanager les oublie quand on ne les répète plus.",
            en="Prometheus repeats its alerts each minute by default; Alertmanager forgets what is not repeated.",
        ),
    ),
}
"""The numbers of the table, with the source of each default."""
