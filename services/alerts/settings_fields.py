"""Every parameter of an alert file: default, bounds, and where the default comes from. docs/alerts/settings.md shows them."""

from typing import Final

from services.alerts.calendar_holidays import HOLIDAYS
from services.alerts.policy import Policy
from services.alerts.settings_reading import Field, Fields
from shared.alerts.finding import SEVERITIES
from shared.detection.settings import RULES
from shared.journey.vocabulary import CHANNELS

_POLICY: Final = Policy()
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_OWN: Final = "for the site to say"
_SITE_CHOICE: Final = "Planning assumption of Parcours, to be replaced by what your team can take"

_SERVICES: Final = Field(kind="texts", default=(), source=_OWN)
_CHANNELS: Final = Field(kind="texts", default=(), choices=CHANNELS, source=_OWN)
_NAME: Final = Field(kind="text", required=True, source=_OWN)
_SEVERITY: Final = Field(kind="text", default="warning", choices=SEVERITIES, source=_SITE_CHOICE)
_HOURS: Final = Field(kind="texts", default=(), source=_OWN)
_WHEN: Final[Fields] = {
    "from": Field(kind="moment", source=_OWN),
    "to": Field(kind="moment", source=_OWN),
    "month_days": Field(kind="wholes", default=(), low=-31, high=31, positive=True, source=_OWN),
    "weekdays": Field(kind="texts", default=(), choices=_WEEKDAYS, source=_OWN),
    "hours": _HOURS,
}

TABLES: Final[dict[str, Fields]] = {
    "site": {
        "time_zone": Field(kind="text", default="Europe/Paris", source="The legal time of metropolitan France"),
    },
    "false_alerts": {
        "a_day": Field(
            kind="number",
            default=0.05,
            high=10,
            positive=True,
            source="One false alert in twenty days over the whole site: rare enough that each alert is looked at",
        ),
        "share_fast": Field(kind="number", default=0.45, high=1, positive=True, source="docs/alerts/judging.md"),
        "share_slow": Field(kind="number", default=0.35, high=1, positive=True, source="docs/alerts/judging.md"),
        "share_silence": Field(kind="number", default=0.1, high=1, positive=True, source="docs/alerts/judging.md"),
        "share_rejects": Field(kind="number", default=0.1, high=1, positive=True, source="docs/alerts/judging.md"),
    },
    "rises": {
        "enabled": Field(kind="flag", default=True, source="What alerts are for"),
        "fast_min": Field(
            kind="whole",
            default=15,
            low=15,
            high=60,
            source="The shortest span in which a count can be known to be out of line",
        ),
        "slow_h": Field(
            kind="whole", default=24, low=2, high=72, source="A whole day: the daily pattern is inside, whatever it is"
        ),
        "weeks": Field(
            kind="whole",
            default=8,
            low=3,
            high=26,
            source="Long enough to know a mean, short enough to follow the season",
        ),
        "min_weeks": Field(
            kind="whole",
            default=3,
            low=2,
            high=26,
            source="Two values show no scatter; from three on one can be left out",
        ),
        "min_ratio": Field(kind="number", default=1.5, low=1, high=100, source=_SITE_CHOICE),
        "min_excess": Field(kind="number", default=5, high=1e6, source=_SITE_CHOICE),
        "min_citizens": Field(kind="whole", default=5, low=1, high=1_000_000, source=_SITE_CHOICE),
        "critical_ratio": Field(kind="number", default=4, low=1, high=1_000, source=_SITE_CHOICE),
        "critical_citizens": Field(kind="whole", default=50, low=1, high=1_000_000, source=_SITE_CHOICE),
        "keep_probability": Field(
            kind="number",
            default=0.001,
            high=0.1,
            positive=True,
            source="Far weaker than what begins an alert, so that one alert does not end and begin again by chance",
        ),
        "max_series": Field(
            kind="whole",
            default=10_000,
            low=1,
            high=100_000,
            source="What one core judges within a second: docs/benchmarks.md",
        ),
        "territory_levels": Field(
            kind="whole", default=4, low=0, high=12, source="Country, region, department, municipality"
        ),
        "off": Field(kind="texts", default=(), choices=RULES, source="Every rule that detects is watched"),
    },
    "silence": {
        "enabled": Field(kind="flag", default=True, source="A channel that sends nothing is seen by nobody otherwise"),
        "max_gap_h": Field(
            kind="whole", default=168, low=1, high=168, source="A week: every hour of the week is in it"
        ),
        "min_gap_min": Field(kind="whole", default=30, low=15, high=10_080, source=_SITE_CHOICE),
        "severity": Field(kind="text", default="critical", choices=SEVERITIES, source="Nothing else is seen meanwhile"),
    },
    "rejects": {
        "enabled": Field(kind="flag", default=True, source="Refused events are missing in every figure"),
        "days": Field(
            kind="whole",
            default=12,
            low=3,
            high=60,
            source="Refused events are kept for 14 days by default, of which 12 are whole",
        ),
        "min_ratio": Field(kind="number", default=2, low=1, high=100, source=_SITE_CHOICE),
        "min_events": Field(kind="whole", default=20, low=1, high=1_000_000, source=_SITE_CHOICE),
        "severity": Field(kind="text", default="warning", choices=SEVERITIES, source=_SITE_CHOICE),
    },
    "lag": {
        "enabled": Field(kind="flag", default=True, source="Data that are late hide what happens"),
        "warning_s": Field(kind="whole", default=120, low=1, high=86_400, source=_SITE_CHOICE),
        "critical_s": Field(kind="whole", default=900, low=1, high=86_400, source="Longer than the fast window"),
    },
    "lifecycle": {
        name: Field(kind="whole", default=getattr(_POLICY, name), low=low, high=high, source="docs/alerts/lifecycle.md")
        for name, low, high in (
            ("resolve_after_s", 0, 86_400),
            ("reopen_s", 0, 604_800),
            ("by_hand_s", 0, 604_800),
            ("repeat_s", 60, 604_800),
            ("join_s", 0, 86_400),
            ("gap_s", 60, 86_400),
            ("acknowledge_s", 60, 604_800),
            ("acknowledge_max_s", 60, 2_592_000),
            ("retention_days", 1, 3_660),
        )
    },
}
"""The tables that stand once, with their parameters."""

CALENDAR: Final[Fields] = {
    "holidays": Field(kind="text", default="france", choices=HOLIDAYS, source="Code du travail, L3133-1"),
}

PEAK: Final[Fields] = {
    "name": _NAME,
    **_WHEN,
    "services": _SERVICES,
    "channels": _CHANNELS,
    "factor": Field(kind="number", default=1.0, low=0.1, high=100, source=_OWN),
    "mute": Field(kind="flag", default=False, source="A peak that is expected is still watched"),
}
MAINTENANCE: Final[Fields] = {"name": _NAME, **_WHEN, "services": _SERVICES, "channels": _CHANNELS}
OPENING: Final[Fields] = {
    "name": _NAME,
    **{name: _WHEN[name] for name in ("from", "to", "weekdays")},
    "hours": Field(kind="texts", required=True, source=_OWN),
    "services": _SERVICES,
    "channels": _CHANNELS,
}

THRESHOLD: Final[Fields] = {
    "name": _NAME,
    "rule": Field(kind="text", default="", choices=RULES, source=_OWN),
    "service": Field(kind="text", default="", source=_OWN),
    "channel": Field(kind="text", default="", choices=CHANNELS, source=_OWN),
    "territory": Field(kind="text", default="", source=_OWN),
    "window_min": Field(kind="whole", default=60, low=1, high=1_440, source=_SITE_CHOICE),
    "at_least": Field(kind="whole", required=True, low=1, high=1_000_000, source=_OWN),
    "severity": _SEVERITY,
}

LEVEL_KINDS: Final = ("answered_in_time", "answered_by_person", "due_kept")
SERVICE_LEVEL: Final[Fields] = {
    "name": _NAME,
    "kind": Field(kind="text", required=True, choices=LEVEL_KINDS, source=_OWN),
    "service": Field(kind="text", default="", source=_OWN),
    "channel": Field(kind="text", default="", choices=CHANNELS, source=_OWN),
    "within_s": Field(kind="whole", low=1, high=31_622_400, source="The time announced to citizens"),
    "at_least": Field(kind="number", required=True, high=1, positive=True, source="The share announced to citizens"),
    "window_min": Field(kind="whole", default=60, low=15, high=1_440, source=_SITE_CHOICE),
    "min_contacts": Field(kind="whole", default=20, low=5, high=1_000_000, source=_SITE_CHOICE),
    "probability": Field(
        kind="number", default=0.001, high=0.5, positive=True, source="A share of few contacts moves by chance"
    ),
    "severity": _SEVERITY,
}

ARRAYS: Final[dict[str, Fields]] = {"threshold": THRESHOLD, "service_level": SERVICE_LEVEL}
CALENDAR_ARRAYS: Final[dict[str, Fields]] = {"peak": PEAK, "maintenance": MAINTENANCE, "opening": OPENING}
WEEKDAYS: Final = _WEEKDAYS
