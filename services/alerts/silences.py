"""Silences and maintenance windows: what is not told for a while, and what that hides before it is set."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from msgspec import Struct

from services.alerts.places import territory_holds
from services.alerts.policy import US_PER_S
from shared.alerts.alert import Alert
from shared.alerts.finding import Series

SilenceKind = Literal["silence", "maintenance"]
SILENCE_KINDS: Final[tuple[SilenceKind, ...]] = ("silence", "maintenance")
PREVIEWED_DAYS: Final = 7
"""A preview looks so far back."""
PREVIEWED_US: Final = PREVIEWED_DAYS * 86_400 * US_PER_S


class Matcher(Struct, frozen=True, kw_only=True):
    """What is meant; '' is any, a territory is meant with all below it."""

    condition: str = ""
    rule: str = ""
    service: str = ""
    channel: str = ""
    territory: str = ""

    def matches(self, series: Series) -> bool:
        """Whether all of this series is meant: one of every channel is not, where one channel is."""
        return (
            self.condition in ("", series.condition)
            and self.rule in ("", series.rule)
            and self.service in ("", series.service)
            and self.channel in ("", series.channel)
            and territory_holds(self.territory, series.territory)
        )


class Silence(Struct, frozen=True, kw_only=True):
    """From `from_us` until before `until_us` (µs since 1970 UTC) what `matcher` means is not told; an alert that it hides lives on."""

    id: str
    kind: SilenceKind = "silence"
    matcher: Matcher
    from_us: int
    until_us: int
    reason: str = ""
    author: str = ""

    def holds_at(self, now_us: int) -> bool:
        """Whether it is in force."""
        return self.from_us <= now_us < self.until_us


class Preview(Struct, frozen=True, kw_only=True):
    """What a silence would hide of the alerts that are open, and would have hidden of those of the last 7 days."""

    open: tuple[Alert, ...]
    past: tuple[Alert, ...]


def hidden_by(alert: Alert, silences: Iterable[Silence]) -> Silence | None:
    """The silence that hides the alert, `None` when it is to be told.

    Each of its findings must be meant by one of the silences: what spills over into a place that nobody silenced is told.
    `silences` are those in force.
    """
    meant = list(silences)
    first: Silence | None = None
    for finding in alert.findings:
        by = next((each for each in meant if each.matcher.matches(finding.series)), None)
        if by is None:
            return None
        first = first or by
    return first


def preview(silence: Silence, alerts: Sequence[Alert], now_us: int) -> Preview:
    """What the silence hides, alone. `alerts`: those that are open and those of the last 7 days, each once."""
    hidden = [alert for alert in alerts if hidden_by(alert, (silence,)) is not None]
    return Preview(
        open=tuple(alert for alert in hidden if alert.state != "resolved"),
        past=tuple(
            alert for alert in hidden if alert.resolved_us is not None and alert.resolved_us > now_us - PREVIEWED_US
        ),
    )
