"""A town of two districts: who asks about housing comes back two days later, and from a repair on hardly any more in one of them."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.detection.settings import DEFAULTS, merged
from tests.insights.seed import event

FIRST: Final = datetime(2025, 11, 3, 9, tzinfo=UTC)
START: Final = datetime(2026, 5, 4, tzinfo=UTC)
"""A Monday; 26 weeks later the last reading is due, before the tests' now."""
WEEKS: Final = 54
BACK_BEFORE: Final = 2
"""People a day in each district who come back; from `START` on every fourth day one in the repaired district."""
DOCUMENT: Final = merged(
    DEFAULTS,
    {"minutes": {"repeat_contact": {"citizen_min": 12, "administration_min": 6, "source": "survey of the town"}}},
)


def people_back(district: str, day: datetime) -> int:
    """How many of those who come on a day come back."""
    if district == "west" and day.date() >= START.date():
        return 1 if day.toordinal() % 2 else 0
    return BACK_BEFORE


def town() -> list[dict[str, Any]]:
    """Four people a day in each district, some of whom come back; all by phone."""
    events = []
    for number in range(WEEKS * 7):
        day = FIRST + timedelta(days=number)
        for district in ("west", "east"):
            for person in range(4):
                name = f"{district}-{number}-{person}"
                moments = [day, day + timedelta(days=2)] if person < people_back(district, day) else [day]
                events += [
                    event(f"{name}-{place}", "contact.made", f"{moment:%Y-%m-%dT%H:%M:%S}.000000Z", f"p1-{name}", "housing",
                          channel="phone", territory=f"town/{district}", office=f"desk {district}")
                    for place, moment in enumerate(moments)
                ]  # fmt: skip
    return events
