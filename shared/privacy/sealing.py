"""Refused payloads are kept encrypted: AES-256-GCM, a version byte and a random nonce before the ciphertext."""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import ConfigurationError, ParcoursError

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_KEY_BYTES: Final = 32

OVERHEAD_BYTES: Final = 1 + _NONCE_BYTES + _TAG_BYTES
"""Sealed bytes are this much longer than the plain ones."""


class SealBroken(ParcoursError):
    """Sealed bytes that this key does not open, or that were changed."""


class Sealer:
    """Seals and opens with one key of 32 bytes; may be used from several threads."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise ConfigurationError(f"the sealing key has {len(key)} bytes instead of {_KEY_BYTES}")
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes) -> bytes:
        """Version, nonce, ciphertext and tag; another text each time."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, _VERSION)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed. Raises `SealBroken`."""
        if len(sealed) < OVERHEAD_BYTES or sealed[:1] != _VERSION:
            raise SealBroken("the content was not sealed by this version of Parcours")
        nonce, encrypted = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, encrypted, _VERSION)
        except InvalidTag:
            raise SealBroken("the content was sealed with another key, or has been changed") from None
