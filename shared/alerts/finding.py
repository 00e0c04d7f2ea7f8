"""What a round of judging says of one series: the input of an alert's life."""

from typing import Final, Literal

from msgspec import Struct

Condition = Literal["rise", "threshold", "service_level", "silence", "rejects", "lag"]
CONDITIONS: Final[tuple[Condition, ...]] = ("rise", "threshold", "service_level", "silence", "rejects", "lag")
Window = Literal["fast", "slow", "none"]
Severity = Literal["information", "warning", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = ("information", "warning", "critical")
"""In rising order."""


class Series(Struct, frozen=True, order=True):
    """What is watched: a condition on a place of the service. '' is any; a territory has all below it.

    `name` says which threshold or service level of the settings, which source of rejected events, or which stream lags.
    """

    condition: Condition
    rule: str = ""
    service: str = ""
    channel: str = ""
    territory: str = ""
    name: str = ""


class Finding(Struct, frozen=True, kw_only=True):
    """A series that a person should look at, in event time (microseconds since 1970 UTC).

    observed: the count (or share, or seconds) of the window; expected: what was expected there, `None` where no history is
    needed or there is none; probability: that chance alone gives so much, `None` where nothing is compared.
    citizens: journeys touched, `None` where the condition counts none. since_us: when the window in which it was first seen begins;
    of a threshold, the minute of the first journey that was counted there.
    """

    series: Series
    window: Window
    from_us: int
    to_us: int
    since_us: int
    observed: float
    expected: float | None = None
    probability: float | None = None
    citizens: int | None = None
    severity: Severity = "warning"
