"""Signs what is sent to a webhook, as the Standard Webhooks specification says, so that existing libraries can verify it.

The signature is HMAC-SHA256 over `id.timestamp.body`, in base64 after `v1,`. While keys are being changed there are two
signatures with a space between them: a receiver takes the message when one of them is good.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from shared.errors import ConfigurationError
from shared.journey.instants import SECOND_US

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
REPLAY_WINDOW_S: Final = 300
"""Receivers should refuse a timestamp further than this from their own clock."""
MIN_KEY_BYTES: Final = 24

_PREFIX: Final = "whsec_"


def key_bytes(secret: str, where: str) -> bytes:
    """The key that a secret gives: base64 after `whsec_`, else its bytes. Raises `ConfigurationError` for a short one."""
    try:
        key = (
            base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
            if secret.startswith(_PREFIX)
            else secret.encode()
        )
    except (binascii.Error, ValueError) as error:
        raise ConfigurationError(f"{where}: the key after {_PREFIX} is not base64") from error
    if len(key) < MIN_KEY_BYTES:
        raise ConfigurationError(f"{where}: the key is shorter than {MIN_KEY_BYTES} bytes; make one of 32 random bytes")
    return key


def signed_headers(message_id: str, body: bytes, keys: Sequence[bytes], now_us: int) -> dict[str, str]:
    """The headers that let a receiver verify the body: one signature a key."""
    timestamp = str(now_us // SECOND_US)
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode() for key in keys)
    return {ID: message_id, TIMESTAMP: timestamp, SIGNATURE: " ".join(f"v1,{each}" for each in signatures)}
