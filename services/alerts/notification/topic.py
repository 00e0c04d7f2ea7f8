"""The topic `alerts`: each message as a CloudEvent, for systems of the site that change a telephone message or a banner.

The log gives records at least once: consumers drop repeats by the event's `id`, and go by `data.number`, which grows per alert.
"""

from typing import Any, Final

import msgspec

from services.alerts.notification.channel import OnceOnly
from services.alerts.notification.message import Message
from shared.errors import LogError, NotDelivered
from shared.journey.codec import join_encoded
from shared.log.port import Kind, LogWriter, Record

SOURCE: Final = "/parcours/alerts"
TYPE_PREFIX: Final = "parcours.alert."
PARTITION: Final = 0
"""The topic has one partition: alerts are few, and stay in order."""


class TopicChannel(OnceOnly):
    """Appends to the log. The writer is the caller's, who closes it."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer

    def send(self, message: Message, now_us: int) -> None:  # noqa: ARG002  # the port's signature
        """Append the message; it is durable when this returns. Raises `NotDelivered` while the log is not there."""
        value = join_encoded([msgspec.json.encode(cloud_event(message))])
        try:
            self._writer.append([Record(PARTITION, Kind.ALERTS, value, 1)])
        except LogError as error:
            raise NotDelivered(f"the topic alerts: {error}") from error


def cloud_event(message: Message) -> dict[str, Any]:
    """The CloudEvent 1.0 of a message: what happened, to which alert, and the message as its data."""
    return {
        "specversion": "1.0",
        "id": message.key,
        "source": SOURCE,
        "type": TYPE_PREFIX + ("test" if message.test else message.step),
        "subject": message.alert,
        "time": message.at,
        "datacontenttype": "application/json",
        "data": message,
    }
