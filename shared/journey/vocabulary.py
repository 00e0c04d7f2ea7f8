"""The words of a journey: event types, channels, and the groups the rules speak of.

Source: docs/definitions/frictions.md, section "Event".
"""

from typing import Final

CHANNELS: Final = ("web", "phone", "counter", "email", "letter", "chat", "bot", "social", "partner")

EVENT_TYPES: Final = (
    "page.viewed",
    "page.failed",
    "search.performed",
    "click.repeated",
    "click.dead",
    "form.started",
    "form.step",
    "form.error",
    "form.saved",
    "form.submitted",
    "call.queued",
    "call.answered",
    "call.transferred",
    "call.abandoned",
    "call.rejected",
    "call.ended",
    "callback.requested",
    "callback.made",
    "ticket.taken",
    "ticket.called",
    "ticket.transferred",
    "ticket.served",
    "ticket.noshow",
    "appointment.booked",
    "appointment.cancelled",
    "message.received",
    "message.answered",
    "contact.made",
    "case.opened",
    "case.progressed",
    "case.decided",
    "case.reopened",
    "case.closed",
    "information.requested",
    "information.received",
    "notice.sent",
    "feedback.given",
    "complaint.filed",
    "agent.feedback",
)

CONTACT_TYPES: Final = frozenset({"contact.made", "call.queued", "call.rejected", "ticket.taken", "message.received"})
FORM_TYPES: Final = frozenset({"form.started", "form.step", "form.error", "form.saved", "form.submitted"})
CITIZEN_TYPES: Final = CONTACT_TYPES | FORM_TYPES | {"complaint.filed"}

TYPE_PREFIX: Final = "parcours."
"""Accepted before a type and dropped."""

CONTROL_TYPES: Final = frozenset(
    {
        "clock.ticked",
        "rules.published",
        "import.started",
        "import.finished",
        "redetection.started",
        "redetection.finished",
        "journey.replayed",
    }
)
"""Written by ingest only; refused as reserved from a publisher."""
