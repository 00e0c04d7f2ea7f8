"""What makes a contact failure demand, as names and windows.

Source: docs/definitions/frictions.md, "Failure demand" (after Seddon).
"""

from hashlib import blake2b
from typing import Any, Final

from shared.detection.register import DECLARATIONS
from shared.detection.settings import RuleBook

ANCHORING: Final = ("repeat_contact", "unanswered_retry", "channel_switch", "status_chasing")
"""A contact that anchors a point of one of these is failure demand by itself."""
VISIBLE: Final = tuple(rule for rule, each in DECLARATIONS.items() if each.citizen_sees)
"""A contact soon after a point of one of these is failure demand."""


def windows(book: RuleBook) -> dict[str, Any]:
    """How long after a point a contact is failure demand, in us: of the services with tables of their own, and of all others."""
    services = sorted(book.document["service"])
    return {
        "services": services,
        "windows_us": [book.failure_demand_window_us(service) for service in services],
        "window_us": book.failure_demand_window_us(""),
    }


def judging(book: RuleBook) -> str:
    """A digest of everything besides events and points that decides which contacts are failure demand."""
    default = book.failure_demand_window_us("")
    own = [(service, book.failure_demand_window_us(service)) for service in sorted(book.document["service"])]
    text = repr((ANCHORING, sorted(VISIBLE), default, [each for each in own if each[1] != default]))
    return blake2b(text.encode(), digest_size=16).hexdigest()
