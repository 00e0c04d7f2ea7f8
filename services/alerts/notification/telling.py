"""What is to be told of one transition: the messages for the outbox, written there with the transition."""

from typing import Final, NamedTuple

from msgspec import structs

from services.alerts.explanation import Reader, explain, say_it_is_over
from services.alerts.extent import outlived
from services.alerts.notification.message import Message, encode, message_of
from services.alerts.notification.routing import recipients
from services.alerts.notification.settings import NotificationSettings
from shared.alerts.alert import Alert, Transition
from shared.alerts.finding import Finding, Series
from shared.detection.declarations.declaration import Words
from shared.journey.instants import SECOND_US, to_text

TRIAL_WHY: Final = Words(
    fr="Quelqu'un essaie si les messages arrivent ici.", en="Somebody is trying out whether messages arrive here."
)


_NO_FIGURES: Final = Words(
    fr="Les chiffres de cette alerte ne sont plus là.", en="The figures of this alert are no longer there."
)


class Told(NamedTuple):
    """One message for one receiver, JSON; `due_us`: from when on it may be sent."""

    receiver: str
    content: bytes
    due_us: int


def told(settings: NotificationSettings, alert: Alert, transition: Transition, small_cell_min: int) -> list[Told]:
    """The messages for a transition of an alert as it is after it; none where nobody is to be told."""
    to = recipients(settings, alert, transition)
    if not to:
        return []
    why = why_of(alert, settings, small_cell_min)
    message = message_of(alert, transition, why, settings=settings, small_cell_min=small_cell_min)
    return [Told(each.receiver, encode(structs.replace(message, due=to_text(each.due_us))), each.due_us) for each in to]


def why_of(alert: Alert, settings: NotificationSettings, small_cell_min: int) -> Words:
    """One sentence that says why there is an alert, below its title and place: that of the series which names its cause.

    A second one where that series is not found any more, and what followed from it is.
    """
    if not alert.findings:
        return _NO_FIGURES
    cause, latest_us = alert.findings[0], max(each.to_us for each in alert.findings)
    sentences = {}
    for lang in ("fr", "en"):
        names = {code: getattr(words, lang) for code, words in settings.service_names.items()}
        reader = Reader(
            lang=lang, zone=settings.zone, small_cell_min=small_cell_min, services=names, levels=settings.levels
        )
        sentences[lang] = explain(cause, reader, alone=False)
        if outlived(alert):
            sentences[lang] += " " + say_it_is_over(cause, latest_us, reader)
    return Words(**sentences)


def trial_message(settings: NotificationSettings, now_us: int, small_cell_min: int) -> Message:
    """What a person sends by hand to try a receiver: plainly a test, about nothing that happened, and over at once."""
    finding = Finding(
        series=Series("rise", rule="form_abandoned", channel="web"),
        window="fast",
        from_us=now_us - 900 * SECOND_US,
        to_us=now_us,
        since_us=now_us - 900 * SECOND_US,
        observed=0,
        severity="information",
    )
    alert = Alert(
        id=f"test-{now_us}",
        key="test",
        state="resolved",
        severity="information",
        findings=(finding,),
        fired_us=now_us,
        changed_us=now_us,
        resolved_us=now_us,
        ending="by_hand",
    )
    transition = Transition(alert=alert.id, number=1, step="resolved", at_us=now_us)
    return message_of(alert, transition, TRIAL_WHY, settings=settings, small_cell_min=small_cell_min, test=True)
