"""Rows that ClickHouse refuses become rejects of stage `load`, in the loader's own stream of `rejected-events`."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec

from services.loader.insert import Refused
from shared.ingest.rejects import MAX_PAYLOAD_BYTES, PayloadSealer, Reject
from shared.log.port import MAX_RECORD_BYTES, MAX_RECORD_EVENTS, Kind, LogWriter, Record
from shared.telemetry.tracing import current_traceparent

REASON: Final = "refused_by_store"
STAGE: Final = "load"
_MAX_FIELD_CHARS: Final = 256


class RejectSink(Protocol):
    """Takes refused rows, durably, before the loader goes on."""

    def keep(self, refused: Sequence[Refused], time: str) -> None:
        """Keep them; the same rows kept again count once. Raises `LogUnavailable`."""


class RejectLog:
    """Writes the rejects to the stream `rejected-events.analytics`, their payload sealed."""

    def __init__(self, writer: LogWriter, sealer: PayloadSealer) -> None:
        self._writer = writer
        self._sealer = sealer

    def keep(self, refused: Sequence[Refused], time: str) -> None:
        """Append them; `time` is a text of `instants.to_text`."""
        encoded = [msgspec.json.encode(self._reject(row, time)) for row in refused]
        self._writer.append(list(_records(encoded)))

    def _reject(self, row: Refused, time: str) -> Reject:
        read = _read(row.item)
        data = read.get("data", read)
        digest = hashlib.sha256(row.item).hexdigest()
        return Reject(
            id=hashlib.sha256(f"{STAGE}\n{REASON}\n{digest}".encode()).hexdigest()[:32],
            source=_text(read, "source"),
            type=_text(read, "type"),
            service=_text(data if isinstance(data, dict) else {}, "service"),
            gateway="",
            reason=REASON,
            pointer="",
            stage=STAGE,
            time=time,
            size_bytes=len(row.item),
            sha256=digest,
            position=0,
            payload=self._sealed(row.item),
        )

    def _sealed(self, item: bytes) -> str | None:
        if len(item) > MAX_PAYLOAD_BYTES:
            return None
        return base64.b64encode(self._sealer.seal(item)).decode("ascii")


def _records(encoded: Sequence[bytes]) -> Iterator[Record]:
    """Records within the log's limits."""
    part: list[bytes] = []
    size_bytes = 2
    for item in encoded:
        if part and (len(part) == MAX_RECORD_EVENTS or size_bytes + len(item) + 1 > MAX_RECORD_BYTES):
            yield _record(part)
            part, size_bytes = [], 2
        part.append(item)
        size_bytes += len(item) + 1
    if part:
        yield _record(part)


def _record(part: Sequence[bytes]) -> Record:
    return Record(0, Kind.REJECTS, b"[" + b",".join(part) + b"]", len(part), current_traceparent())


def _read(item: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(item, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _text(read: dict[str, Any], name: str) -> str:
    value = read.get(name)
    return value[:_MAX_FIELD_CHARS] if isinstance(value, str) else ""
