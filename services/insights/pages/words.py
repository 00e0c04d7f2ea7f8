"""Event types in plain words."""

from collections.abc import Sequence
from typing import Final

from services.insights.language import N_, Language

_EVENT_WORDS: Final = {
    "page.viewed": N_("Page viewed"),
    "page.failed": N_("Page not available"),
    "search.performed": N_("Search on the site"),
    "click.repeated": N_("Repeated clicks"),
    "click.dead": N_("Click without effect"),
    "form.started": N_("Form started"),
    "form.step": N_("Form: next step"),
    "form.error": N_("Form: error shown"),
    "form.saved": N_("Form saved as a draft"),
    "form.submitted": N_("Form sent"),
    "call.queued": N_("Call queued"),
    "call.answered": N_("Call answered"),
    "call.transferred": N_("Call transferred"),
    "call.abandoned": N_("Call given up in the queue"),
    "call.rejected": N_("Call refused"),
    "call.ended": N_("Call ended"),
    "callback.requested": N_("Call back asked for"),
    "callback.made": N_("Called back"),
    "ticket.taken": N_("Ticket taken at the counter"),
    "ticket.called": N_("Called to the counter"),
    "ticket.transferred": N_("Sent on to another counter"),
    "ticket.served": N_("Served at the counter"),
    "ticket.noshow": N_("Left before being called"),
    "appointment.booked": N_("Appointment booked"),
    "appointment.cancelled": N_("Appointment cancelled"),
    "message.received": N_("Message received"),
    "message.answered": N_("Message answered"),
    "contact.made": N_("Contact made"),
    "case.opened": N_("Case opened"),
    "case.progressed": N_("Case: a step was done"),
    "case.decided": N_("Case decided"),
    "case.reopened": N_("Case reopened"),
    "case.closed": N_("Case closed"),
    "information.requested": N_("Document or information asked for"),
    "information.received": N_("Document or information received"),
    "notice.sent": N_("Notice sent"),
    "feedback.given": N_("Opinion given"),
    "complaint.filed": N_("Complaint filed"),
    "agent.feedback": N_("Remark by a member of staff"),
}
EVENT_WORD_TYPES: Final = frozenset(_EVENT_WORDS)

_FIELD_WORDS: Final = {
    "wait_s": N_("the time waited"),
    "due": N_("an announced deadline"),
    "case": N_("the case"),
    "team": N_("the team"),
    "step": N_("the step"),
    "document": N_("the document"),
    "reason": N_("the reason"),
    "rating": N_("a rating"),
    "contact": N_("the contact they belong to"),
    "channel": N_("the channel"),
    "outcome": N_("the outcome"),
    "matter": N_("the matter"),
}
FIELD_WORD_NAMES: Final = frozenset(_FIELD_WORDS)


def event_words(kind: str, language: Language) -> str:
    """The name of an event type; one that is not known is given back as it is."""
    words = _EVENT_WORDS.get(kind)
    return kind if words is None else language.text(words)


def reason_words(reason: str, language: Language) -> str:
    """Why a citizen came: the reason that a rule looks for in words, any other as it is."""
    return language.text(N_("state of the case")) if reason == "status" else reason


def needs_words(types: Sequence[str], fields: Sequence[str], language: Language) -> str:
    """The event types, any of which a rule needs, and the fields they must carry, in one line."""
    named = "; ".join(event_words(kind, language) for kind in types) or language.text("any event")
    if not fields:
        return named
    carried = ", ".join(language.text(_FIELD_WORDS.get(field, field)) for field in fields)
    return language.text("%(events)s – with %(fields)s", {"events": named, "fields": carried})
