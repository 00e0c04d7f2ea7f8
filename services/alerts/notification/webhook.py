"""Signed webhooks: one POST a message, its body the message's JSON."""

from collections.abc import Sequence
from pathlib import Path

from services.alerts.notification.channel import OnceOnly
from services.alerts.notification.connection import Reach
from services.alerts.notification.http_post import HttpAddress
from services.alerts.notification.message import Message, encode
from services.alerts.notification.signature import signed_headers


class WebhookChannel(OnceOnly):
    """Posts to one address, signed with each of the keys (the one in use, then the next while keys are being changed)."""

    def __init__(self, url: str, keys: Sequence[bytes], ca_file: Path | None, reach: Reach) -> None:
        self._address = HttpAddress(url, ca_file, reach)
        self._keys = tuple(keys)

    def send(self, message: Message, now_us: int) -> None:
        """Post the message. `webhook-id` is the message's key, the same at each try. Raises `NotDelivered`."""
        body = encode(message)
        headers = {"Content-Type": "application/json", "Idempotency-Key": f'"{message.key}"'}
        self._address.post(body, headers | signed_headers(message.key, body, self._keys, now_us), now_us)
