"""From a citizen's reference to its pseudonym and its partition.

Source: docs/architecture.md, "Identity and routing". Nothing here keeps or shows the reference itself.
"""

import hashlib
import unicodedata
from binascii import b2a_base64
from collections.abc import Callable
from typing import Final

import phonenumbers

from shared.errors import ParcoursError
from shared.journey.event import SHARDS
from shared.privacy.keys import Keys

_BLOCK_BYTES: Final = 64  # of SHA-256, RFC 2104
_PSEUDONYM_BYTES: Final = 16
_PSEUDONYM_CHARS: Final = 22
_MAX_ADDRESS_CHARS: Final = 254  # RFC 5321
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class InvalidSubject(ParcoursError):
    """A typed subject that cannot be what its prefix says; `reason` is one of the reasons of a refusal."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the subject is refused: {reason}")
        self.reason = reason


def normalise_subject(text: str, phone_region: str) -> str:
    """One form for one person: `tel:` in E.164 (with `;ext=` if it has one), `mailto:` in lower case, `account:` stripped.

    A number without `+` is one of `phone_region` (ISO 3166). Prefixes are read in any case; a text without one is kept
    exactly. Raises `InvalidSubject` with reason `invalid_phone_number`, `invalid_email_address` or `empty_account`.
    """
    prefix, colon, rest = text.partition(":")
    scheme = prefix.lower()
    if not colon or scheme not in {"tel", "mailto", "account"}:
        return text
    if scheme == "tel":
        return f"tel:{_phone_number(rest, phone_region)}"
    if scheme == "mailto":
        return f"mailto:{_address(rest)}"
    account = rest.strip()
    if not account:
        raise InvalidSubject("empty_account")
    return f"account:{account}"


def _phone_number(text: str, phone_region: str) -> str:
    try:
        number = phonenumbers.parse(unicodedata.normalize("NFKC", text).strip(), phone_region)
    except phonenumbers.NumberParseException:
        raise InvalidSubject("invalid_phone_number") from None
    # Possible, not valid: plans of numbers change faster than sites are updated.
    if not phonenumbers.is_possible_number(number):
        raise InvalidSubject("invalid_phone_number")
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{written};ext={number.extension}" if number.extension else written


def _address(text: str) -> str:
    address = text.strip().lower()
    local, _, domain = address.rpartition("@")
    wrong = len(address) > _MAX_ADDRESS_CHARS or any(char.isspace() or char in "@,;<>?" for char in local + domain)
    if wrong or not local or not domain.strip("."):
        raise InvalidSubject("invalid_email_address")
    return address


class Pseudonymiser:
    """Keys subjects with the current epoch's key and routes them; may be used from several threads."""

    def __init__(self, keys: Keys) -> None:
        self._epoch = max(keys.pseudonym)
        self._keyed = _hmac_sha256(keys.pseudonym[self._epoch])
        self._routed = _hmac_sha256(keys.routing)

    def pseudonym(self, kind: str, normalised: str) -> str:
        """`{kind}{epoch}-{22 chars}`: base64url of HMAC-SHA256, truncated to 16 bytes, over `{kind}:{normalised}`.

        The kind is keyed too, so that a session named like a subject cannot be told to be that person's.
        """
        digest = self._keyed(f"{kind}:{normalised}".encode("utf-8", "surrogatepass"))
        text = b2a_base64(digest[:_PSEUDONYM_BYTES], newline=False).translate(_URL_SAFE)
        return f"{kind}{self._epoch}-{text[:_PSEUDONYM_CHARS].decode('ascii')}"

    def shard(self, normalised: str) -> int:
        """`HMAC-SHA256(routing key, normalised) mod 1024`."""
        digest = self._routed(normalised.encode("utf-8", "surrogatepass"))
        return int.from_bytes(digest[-2:], "big") % SHARDS


def _hmac_sha256(key: bytes) -> Callable[[bytes], bytes]:
    """HMAC (RFC 2104) with the key's two blocks hashed once: half the time of `hmac.digest`. The key has one block at most."""
    block = key.ljust(_BLOCK_BYTES, b"\0")
    inner_start = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
    outer_start = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(message: bytes) -> bytes:
        inner = inner_start.copy()
        inner.update(message)
        outer = outer_start.copy()
        outer.update(inner.digest())
        return outer.digest()

    return digest
