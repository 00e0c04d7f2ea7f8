"""What may follow from what: the kinds of trouble, and which kind can be the cause of which other.

The tables are written for people in docs/alerts/lifecycle.md; a test compares the two.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from services.alerts.places import territory_holds
from shared.alerts.finding import Series

Kind = Literal["lag", "rejects", "silence", "form", "back_office", "capacity", "return", "other"]
KINDS: Final[tuple[Kind, ...]] = (
    "lag",
    "rejects",
    "silence",
    "form",
    "back_office",
    "capacity",
    "return",
    "other",
)
"""In the order in which they name a cause: what comes first is rather the cause of what comes after."""

RULES: Final[Mapping[Kind, tuple[str, ...]]] = {
    "form": ("error_loop", "repeated_click", "form_abandoned"),
    "back_office": (
        "unanswered_message",
        "transfer_loop",
        "ping_pong",
        "repeated_request",
        "rework",
        "case_reopened",
        "deadline_missed",
    ),
    "capacity": ("long_wait", "queue_abandoned", "turned_away"),
    "return": ("repeat_contact", "unanswered_retry", "channel_switch", "status_chasing", "low_rating"),
}
_KIND_OF: Final[Mapping[str, Kind]] = {rule: kind for kind, rules in RULES.items() for rule in rules}

SAME_CHANNEL: Final[Mapping[Kind, frozenset[Kind]]] = {
    "form": frozenset({"form", "return"}),
    "back_office": frozenset({"back_office", "return"}),
    "capacity": frozenset({"capacity", "return"}),
    "return": frozenset({"return", "capacity"}),
}
OTHER_CHANNEL: Final[Mapping[Kind, frozenset[Kind]]] = {
    "silence": frozenset({"return", "capacity"}),
    "form": frozenset({"return", "capacity"}),
    "back_office": frozenset({"back_office", "return", "capacity"}),
    "capacity": frozenset({"return"}),
    "return": frozenset({"return", "capacity"}),
}
"""What a kind can bring about in its own channel, and in the others."""


def kind_of(series: Series) -> Kind:
    """The kind of trouble that a series watches."""
    if series.condition in ("lag", "rejects", "silence"):
        return series.condition
    if series.rule:
        return _KIND_OF.get(series.rule, "other")
    return "capacity" if series.condition == "service_level" else "other"


def symptom(series: Series) -> tuple[str, str]:
    """What is seen: two conditions on one rule see the same."""
    return ("rule", series.rule) if series.rule else (series.condition, series.name)


def follows(effect: Series, cause: Series) -> bool:
    """Whether `effect` can come from `cause`: the same service, within the cause's territory, kinds that can follow."""
    if effect.service != cause.service or not territory_holds(cause.territory, effect.territory):
        return False
    kind, of = kind_of(effect), kind_of(cause)
    same = kind in SAME_CHANNEL.get(of, ())
    other = kind in OTHER_CHANNEL.get(of, ())
    if not effect.channel or not cause.channel:
        return same or other
    return same if effect.channel == cause.channel else other


def surroundings(series: Series) -> Iterator[tuple[str, ...]]:
    """Names of what it is side by side with: two series with one in common that begin together have one cause."""
    kind = kind_of(series)
    seen = symptom(series)
    if kind == "lag":
        yield ("lag",)
        return
    if kind == "rejects":
        yield ("rejects", series.name)
        return
    yield (*seen, "channel", series.service, series.channel)
    if kind in ("return", "silence"):
        yield (*seen, "place", series.service, series.territory)
    if kind == "silence":
        yield (*seen, "across services", series.channel, series.territory)
