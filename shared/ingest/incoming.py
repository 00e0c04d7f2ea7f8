"""The event as publishers send it, and reading it from JSON.

Most events are decoded straight into typed structs. One that holds empty text, or that the typed decoder refuses, is read
again the slow way, which drops what counts as absent (empty text, null) and says exactly what is wrong.
"""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from shared.ingest.body import is_utf8
from shared.journey.event import EventData

Identifier = Annotated[str, Meta(min_length=1, max_length=256)]
SubjectText = Annotated[str, Meta(min_length=1, max_length=1_024)]


class Incoming(Struct, gc=False):
    """A CloudEvent 1.0. Attributes not named here are dropped; `subject` is the citizen's reference in the clear."""

    specversion: str
    id: Identifier
    source: Identifier
    type: Identifier
    time: datetime
    data: EventData
    subject: SubjectText | None = None
    datacontenttype: str | None = None
    data_base64: str | None = None


class Refused(Exception):
    """One event is refused: a code of `reasons.EVENT_REASONS` and the JSON pointer (RFC 6901) of what is wrong."""

    def __init__(self, reason: str, pointer: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.pointer = pointer


_decode_typed: Final = msgspec.json.Decoder(Incoming).decode
_decode_any: Final = msgspec.json.Decoder().decode
_TOP_FIELDS: Final = frozenset(Incoming.__struct_fields__)
_DATA_FIELDS: Final = frozenset(EventData.__struct_fields__)
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_REASON_OF_MESSAGE: Final = (
    ("Object missing required field", "missing_field"),
    ("Object contains unknown field", "unknown_field"),
    ("Invalid RFC3339", "invalid_time"),
    ("Number out of range", "out_of_range"),
    ("Integer value out of range", "out_of_range"),
    ("Expected `str` of length <=", "too_long"),
    ("Expected `str` of length >=", "missing_field"),
    ("Expected `float` >=", "out_of_range"),
    ("Expected `float` <=", "out_of_range"),
)


def read_incoming(raw: bytes, utf8: bool) -> Incoming:
    """The event of one JSON text; `utf8` says that it is known to be UTF-8. Raises `Refused`."""
    if b'""' not in raw and (utf8 or is_utf8(raw)):
        try:
            return _decode_typed(raw)
        except _UNREADABLE:
            pass
    return _read_slowly(raw)


def read_object(raw: bytes) -> dict[str, Any]:
    """What can be read of a refused event: its JSON object, or an empty one."""
    try:
        value = _decode_any(raw)
    except _UNREADABLE:
        return {}
    return value if isinstance(value, dict) else {}


def pointer_to(*names: str) -> str:
    """The JSON pointer of a member (RFC 6901)."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)


def _read_slowly(raw: bytes) -> Incoming:
    if not is_utf8(raw):
        raise Refused("not_utf8")
    value = _parse(raw)
    if not isinstance(value, dict):
        raise Refused("wrong_type")
    event = {name: member for name, member in value.items() if name in _TOP_FIELDS and _is_present(member)}
    if isinstance(event.get("data"), dict):
        event["data"] = _present_data(event["data"])
    if "data_base64" in event:
        raise Refused("binary_data", "/data_base64")
    try:
        return msgspec.convert(event, Incoming)
    except msgspec.ValidationError as error:
        raise explained(str(error)) from None


def _parse(raw: bytes) -> Any:
    try:
        return _decode_any(raw)
    except RecursionError:
        raise Refused("nested_too_deep") from None
    except msgspec.ValidationError:  # a number beyond all bounds: the typed decoder knows where
        raise _typed_refusal(raw) from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Refused("not_json") from None


def _typed_refusal(raw: bytes) -> Refused:
    try:
        _decode_typed(raw)
    except msgspec.ValidationError as error:
        return explained(str(error))
    except _UNREADABLE:
        return Refused("not_json")
    return Refused("out_of_range")


def _present_data(data: dict[str, Any]) -> dict[str, Any]:
    """`data` without what counts as absent. Raises `Refused` for a field that is not defined."""
    for name in data:
        if name not in _DATA_FIELDS:
            raise Refused("unknown_field", pointer_to("data", name))
    present = {name: member for name, member in data.items() if _is_present(member)}
    attributes = present.get("attributes")
    if isinstance(attributes, dict):
        present["attributes"] = _present_attributes(attributes)
    return present


def _present_attributes(attributes: dict[str, Any]) -> dict[str, str]:
    for name, member in attributes.items():
        if not (member is None or isinstance(member, str)):
            raise Refused("wrong_type", pointer_to("data", "attributes", name))
    return {name: member for name, member in attributes.items() if member}


def _is_present(member: Any) -> bool:
    return member is not None and member != ""


def explained(message: str) -> Refused:
    """The refusal that a message of msgspec means. The path must hold names of our own fields only."""
    problem, _, path = message.partition(" - at `$")
    names = [name for name in path.rstrip("`").split(".") if name and "[" not in name]
    if problem.startswith("Object missing required field"):
        names.append(problem.split("`")[1])
    reason = next((reason for start, reason in _REASON_OF_MESSAGE if problem.startswith(start)), "wrong_type")
    return Refused(reason, pointer_to(*names))
