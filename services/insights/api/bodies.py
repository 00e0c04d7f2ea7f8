"""JSON bodies of the API, read and described from the structs that hold them."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import Request

from services.insights.language import N_
from services.insights.problems import Problem

_JSON: Final = "application/json"
_REFERENCE: Final = "#/$defs/"

Body = TypeVar("Body", bound=Struct)


def body_of(kind: type[Body]) -> Callable[[Request], Awaitable[Body]]:
    """A dependency that reads a body of this kind. Raises `Problem` 415 for another media type, 422 for other values."""
    decoder = msgspec.json.Decoder(kind)

    async def read(request: Request) -> Body:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
            raise Problem(415, "media-type", N_("Send a body of application/json."))
        try:
            return decoder.decode(await request.body())
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Problem(422, "invalid-body", N_("This body cannot be read: %(why)s"), why=str(error)[:200]) from error

    return read


def described(
    answer: type[Struct] | None = None, body: type[Struct] | None = None, status: int = 200
) -> dict[str, Any]:
    """The answer, and the body that is asked for, as OpenAPI has them: every part of a schema in its place."""
    told: dict[str, Any] = {}
    if answer is not None:
        told["responses"] = {str(status): {"description": "As it is kept", "content": _content(answer)}}
    if body is not None:
        told["requestBody"] = {"required": True, "content": _content(body)}
    return told


def _content(kind: type[Struct]) -> dict[str, Any]:
    schema = msgspec.json.schema(kind)
    return {_JSON: {"schema": _whole(schema, schema.get("$defs", {}))}}


def _whole(part: Any, parts: dict[str, Any]) -> Any:
    """Without references: OpenAPI resolves those of its own document only."""
    if isinstance(part, list):
        return [_whole(each, parts) for each in part]
    if not isinstance(part, dict):
        return part
    if str(part.get("$ref", "")).startswith(_REFERENCE):
        return _whole(parts[part["$ref"].removeprefix(_REFERENCE)], parts)
    return {name: _whole(each, parts) for name, each in part.items() if name != "$defs"}
