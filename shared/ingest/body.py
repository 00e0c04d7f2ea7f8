"""From the body of a request to its raw events: bounded reading, media types, splitting. No event is judged here."""

import asyncio
import contextlib
from enum import Enum
from typing import Final, NamedTuple

import msgspec
from starlette.requests import ClientDisconnect, Request

from shared.errors import LogOverloaded
from shared.ingest.problem import RequestRefused
from shared.ingest.split import split_array

MAX_BODY_BYTES: Final = 5 * 1024 * 1024
MAX_EVENTS: Final = 10_000
LARGE_BODY_BYTES: Final = 512_000
BODY_TIMEOUT_S: Final = 60.0
DISCARD_BYTES: Final = 32 * 1024 * 1024
DISCARD_TIMEOUT_S: Final = 10.0

_raw_value = msgspec.json.Decoder(msgspec.Raw)
_raw_array = msgspec.json.Decoder(list[msgspec.Raw])
_BOM: Final = b"\xef\xbb\xbf"


class Form(Enum):
    """How events stand in a body."""

    SINGLE = "application/cloudevents+json"
    BATCH = "application/cloudevents-batch+json"
    NDJSON = "application/x-ndjson"


_FORMS: Final = {form.value: form for form in Form} | {
    "application/ndjson": Form.NDJSON,
    "application/jsonl": Form.NDJSON,
}
_UTF8_NAMES: Final = {"utf-8", "utf8", "us-ascii"}


class Body(NamedTuple):
    """A body split into its raw events, in order. `utf8` is false if some of it is not UTF-8."""

    events: list[bytes]
    utf8: bool


class ByteBudget:
    """Bounds the bytes of all bodies that one process holds at a time."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self.used_bytes = 0

    def take(self, size_bytes: int) -> None:
        """Reserve; raises `LogOverloaded` when the budget is spent (one body always fits)."""
        if self.used_bytes and self.used_bytes + size_bytes > self._limit_bytes:
            raise LogOverloaded("too many requests are being read")
        self.used_bytes += size_bytes

    def give(self, size_bytes: int) -> None:
        """Release what was reserved."""
        self.used_bytes -= size_bytes


def media_type(content_type: str | None) -> str | None:
    """The media type in lower case, or `None` when its charset is not UTF-8."""
    name, *parameters = (content_type or "").split(";")
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset" and value.strip().strip('"').lower() not in _UTF8_NAMES:
            return None
    return name.strip().lower()


def form_of(content_type: str | None) -> Form:
    """The form that a `Content-Type` names. Raises `RequestRefused` (415)."""
    form = _FORMS.get(media_type(content_type) or "")
    if form is None:
        raise RequestRefused(415, "unsupported_media_type")
    return form


def refuse_encoding(request: Request) -> None:
    """Raise `RequestRefused` (415) for a compressed body: how far it would expand cannot be told beforehand."""
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise RequestRefused(415, "unsupported_encoding")


async def read_body(request: Request, budget: ByteBudget, *, limit_bytes: int = MAX_BODY_BYTES) -> bytes:
    """The whole body; what it takes from `budget` is the caller's to give back (its length).

    Raises `RequestRefused`: 413 beyond `limit_bytes` (nothing more is kept), 408 when it comes too slowly, 400 when it
    breaks off; and `LogOverloaded`.
    """
    try:
        _check_length(request.headers.get("content-length"), limit_bytes)
        return await _collect(request, budget, limit_bytes)
    except RequestRefused as refused:
        if refused.status == 413 and "expect" not in request.headers:
            await _discard_rest(request)
        raise


async def _collect(request: Request, budget: ByteBudget, limit_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size_bytes = 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                _check_size(size_bytes + len(chunk), limit_bytes)
                budget.take(len(chunk))
                size_bytes += len(chunk)
                chunks.append(chunk)
    except BaseException as error:
        budget.give(size_bytes)
        if isinstance(error, TimeoutError):
            raise RequestRefused(408, "body_timeout") from None
        if isinstance(error, ClientDisconnect):
            raise RequestRefused(400, "incomplete_body") from None
        raise
    return b"".join(chunks)


async def _discard_rest(request: Request) -> None:
    """Let a client that only listens once it has sent everything send on, within bounds: else it may never see the answer."""
    discarded_bytes = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_TIMEOUT_S):
            while discarded_bytes < DISCARD_BYTES:
                message = await request.receive()
                discarded_bytes += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _check_length(content_length: str | None, limit_bytes: int) -> None:
    if content_length is None:
        return
    if not (content_length.isascii() and content_length.isdigit()):
        raise RequestRefused(400, "invalid_content_length")
    _check_size(int(content_length[:18]), limit_bytes)


def _check_size(size_bytes: int, limit_bytes: int) -> None:
    if size_bytes > limit_bytes:
        raise RequestRefused(413, "body_too_large")


class Splitter:
    """Splits bodies on an event loop; large ones in a thread, one at a time, since a hostile one takes seconds."""

    def __init__(self) -> None:
        self._one_large = asyncio.Lock()

    async def split(self, form: Form, body: bytes) -> Body:
        """As `split_body`."""
        if len(body) <= LARGE_BODY_BYTES:
            return split_body(form, body)
        async with self._one_large:
            return await asyncio.to_thread(split_body, form, body)


def split_body(form: Form, body: bytes) -> Body:
    """The raw events of a body, at most `MAX_EVENTS`.

    Raises `RequestRefused`: 400 for a body without events or of which no event can be told apart, 413 for too many.
    """
    utf8 = is_utf8(body)
    body = body.removeprefix(_BOM)
    if not body or body.isspace():
        raise RequestRefused(400, "empty_body")
    if form is Form.NDJSON:
        events = [line for line in map(bytes.strip, body.split(b"\n")) if line]
    else:
        events = [body] if form is Form.SINGLE else _split_batch(body)
    if len(events) > MAX_EVENTS:
        raise RequestRefused(413, "too_many_events")
    return Body(events, utf8)


def is_utf8(text: bytes) -> bool:
    """Whether the bytes are UTF-8."""
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _split_batch(body: bytes) -> list[bytes]:
    try:
        elements = _raw_array.decode(body)
    except msgspec.ValidationError:
        raise RequestRefused(400, "not_an_array", position=0) from None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        events = split_array(body, MAX_EVENTS)
        if not any(event.startswith(b"{") for event in events):
            raise RequestRefused(400, "not_json", position=error_position(body)) from None
        return events
    if not elements:
        raise RequestRefused(400, "empty_body")
    return [bytes(raw) for raw in elements[: MAX_EVENTS + 1]]


def error_position(body: bytes) -> int:
    """The byte where a body stops being JSON in UTF-8; its length when it breaks off, 0 when it is nested too deeply."""
    try:
        body.decode()
        _raw_value.decode(body)
    except UnicodeDecodeError as error:
        return error.start
    except msgspec.MsgspecError as error:
        digits = str(error).rpartition("(byte ")[2].rstrip(")")
        return int(digits) if digits.isdigit() else len(body)
    except RecursionError:
        return 0
    return len(body)
