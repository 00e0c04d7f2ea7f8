"""What is to be told of one transition: the messages for the outbox, written there with the transition."""

from typing import Final, NamedTuple

from services.alerts.alert import Alert, Transition
from services.alerts.finding import Finding, Series
from services.alerts.notification.message import Message, encode, message_of
from services.alerts.notification.routing import recipients
from services.alerts.notification.settings import NotificationSettings
from shared.detection.declarations.declaration import Words
from shared.journey.instants import SECOND_US

TRIAL_WHY: Final = Words(
    fr="Quelqu'un essaie si les messages arrivent ici.", en="Somebody is trying out whether messages arrive here."
)


class Told(NamedTuple):
    """One message for one receiver, JSON; `due_us`: from when on it may be sent."""

    receiver: str
    content: bytes
    due_us: int


def told(
    settings: NotificationSettings, alert: Alert, transition: Transition, why: Words, small_cell_min: int
) -> list[Told]:
    """The messages for a transition of an alert as it is after it; none where nobody is to be told.

    `why`: one sentence that says why there is an alert, without withheld figures.
    """
    to = recipients(settings, alert, transition)
    if not to:
        return []
    message = message_of(alert, transition, why, settings=settings, small_cell_min=small_cell_min)
    content = encode(message)
    return [Told(each.receiver, content, each.due_us) for each in to]


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
