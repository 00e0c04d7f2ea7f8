"""What a hand-written case is: events and the points that the page gives for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.reference.journeys import instant_text, instant_us, seconds_us
from tests.reference.rule_settings import DAY_S, resolved

Event = dict[str, Any]

START_US = instant_us("2024-03-04T09:00:00Z")
LONG_AFTER_US = START_US + seconds_us(4_000 * DAY_S)
US = 0.000_001
"""A microsecond, in seconds."""


def at(seconds: float) -> str:
    """The text of the instant so many seconds after the start of every case."""
    return instant_text(START_US + seconds_us(seconds))


def event(event_id: str, event_type: str, seconds: float, **fields: Any) -> Event:
    """A CloudEvent so many seconds after the start; `subject`, `source` and `service` may be given, `due` in seconds too."""
    subject: str | None = fields.pop("subject", "p1-ann")
    built: Event = {
        "specversion": "1.0",
        "id": event_id,
        "source": fields.pop("source", "/test"),
        "type": event_type,
        "time": at(seconds),
        "data": {"service": fields.pop("service", "aid"), **fields},
    }
    if "due" in fields:
        built["data"]["due"] = at(fields["due"])
    if subject is not None:
        built["subject"] = subject
    return built


@dataclass(frozen=True)
class Case:
    """`expected` are all points, as (rule, anchor id), sorted. `details`: some fields of some of them.

    `overrides` is what a rule file would say; `document` is what it stands for. At `now_us` every timer has fired.
    """

    name: str
    says: str
    events: list[Event]
    expected: list[tuple[str, str]]
    overrides: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    now_us: int = LONG_AFTER_US

    @property
    def document(self) -> dict[str, Any]:
        """The resolved rule settings."""
        return resolved(self.overrides)
