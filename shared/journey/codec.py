"""Between records of the log and the objects of the event model: JSON arrays, decoded and encoded by msgspec."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from shared.errors import DetectionError
from shared.journey.control import AnyControl
from shared.journey.event import Event
from shared.journey.point import Point

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_events = msgspec.json.Decoder(list[Event])
_controls = msgspec.json.Decoder(list[AnyControl])
_points = msgspec.json.Decoder(list[Point])


def encode(items: Sequence[msgspec.Struct]) -> bytes:
    """A record's value: the JSON array of the items."""
    return _encoder.encode(items)


def join_encoded(items: Sequence[bytes]) -> bytes:
    """A record's value from items that are encoded already."""
    return b"[" + b",".join(items) + b"]"


def decode_events(value: bytes) -> list[Event]:
    """The events of a record. Raises `DetectionError` for what ingest never writes."""
    return _decode(_events, value)


def decode_controls(value: bytes) -> list[AnyControl]:
    """The control events of a record. Raises `DetectionError`."""
    return _decode(_controls, value)


def decode_points(value: bytes) -> list[Point]:
    """The point rows of a record. Raises `DetectionError`."""
    return _decode(_points, value)


def _decode(decoder: "msgspec.json.Decoder[list[T]]", value: bytes) -> list[T]:
    try:
        return decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DetectionError(f"a record of the log cannot be read: {error}") from error
