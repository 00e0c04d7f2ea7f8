"""What was refused, as it stands in the log `rejected-events`: sealed, countable by reason, kept for a while."""

import base64
import hashlib
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

MAX_PAYLOAD_BYTES: Final = 65_536
_MAX_FIELD_CHARS: Final = 256
_MAX_POINTER_CHARS: Final = 256
_encode: Final = msgspec.json.Encoder().encode


class Reject(Struct, gc=False):
    """One refusal. `id` is the same when the same content is refused again for the same reason at the same gateway
    (`occurrence` times within one request counting apart), so that a repeated request counts once.

    `source`, `type` and `service` are as far as they could be read, else empty. `position` is the number of the event in
    its request, from 0; of a record its offset; of a body that could not be split the byte where it stopped making sense. `payload` is
    base64 of what `shared.privacy` sealed; absent for a whole body and for an event over 64 kB. `time` is a text of
    `shared.journey.instants.to_text`.
    """

    id: str
    source: str
    type: str
    service: str
    gateway: str
    reason: str
    pointer: str
    stage: str
    time: str
    size_bytes: int
    sha256: str
    position: int
    payload: str | None = None


class PayloadSealer(Protocol):
    """Encrypts payloads: `shared.privacy.sealing.Sealer`."""

    def seal(self, plain: bytes) -> bytes:
        """The sealed bytes."""


class Refusals:
    """Makes the rejects of one request at stage `ingest`, encoded for the log.

    `occurrence` names what is judged where it has a name of its own (the record of a topic): then the same content under
    another name counts apart, and under the same name never twice.
    """

    def __init__(self, sealer: PayloadSealer, gateway: str, time: str, *, occurrence: str = "") -> None:
        self._sealer = sealer
        self._gateway = gateway
        self._time = time
        self._occurrence = occurrence
        self._occurrences: dict[tuple[str, str], int] = {}
        self.encoded: list[bytes] = []

    def add_event(self, raw: bytes, read: dict[str, Any], reason: str, pointer: str, position: int) -> None:
        """Keep a refused event; `read` is what could be read of it."""
        data = read.get("data")
        fields = (
            _text(read.get("source")),
            _text(read.get("type")),
            _text(data.get("service")) if isinstance(data, dict) else "",
        )
        payload = None
        if len(raw) <= MAX_PAYLOAD_BYTES:
            payload = base64.b64encode(self._sealer.seal(raw)).decode()
        self._add(raw, fields, reason, pointer[:_MAX_POINTER_CHARS], position, payload)

    def add_body(self, body: bytes, reason: str, position: int) -> None:
        """Keep the size, the hash and the position of a body of which no event could be told apart."""
        self._add(body, ("", "", ""), reason, "", position, None)

    def _add(
        self, raw: bytes, fields: tuple[str, str, str], reason: str, pointer: str, position: int, payload: str | None
    ) -> None:
        digest = hashlib.sha256(raw).hexdigest()
        count = self._occurrences.get((reason, digest), 0)
        self._occurrences[reason, digest] = count + 1
        occurrence = self._occurrence or count
        identity = hashlib.sha256(f"{self._gateway}\n{reason}\n{digest}\n{occurrence}".encode()).hexdigest()[:32]
        reject = Reject(
            identity, *fields, self._gateway, reason, pointer, "ingest", self._time, len(raw), digest, position, payload
        )
        self.encoded.append(_encode(reject))


def _text(value: Any) -> str:
    return value[:_MAX_FIELD_CHARS] if isinstance(value, str) else ""
