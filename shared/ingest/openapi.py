"""The description of the gateways' API: schemas generated from the types that decode and encode."""

from typing import Any, Final

import msgspec
from fastapi import FastAPI

from shared.ingest.control import Reached
from shared.ingest.control_requests import ImportRequest, RedetectionRequest
from shared.ingest.incoming import Incoming
from shared.ingest.intake import Answer
from shared.journey.control import JourneyReplayed
from shared.journey.vocabulary import CHANNELS

_REF: Final = "#/components/schemas/{name}"
_JSON_TYPE: Final = r"^(application/json|text/json|application/[a-z.]+\+json)(;.*)?$"
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail", "reason"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "reason": {"type": "string", "description": "A code that never changes."},
        "position": {"type": "integer", "description": "The byte where an unparsable body stops making sense."},
    },
}

_PUBLISHER_KEY: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "PARCOURS_INGEST_KEY; without that setting, for gateways bound to loopback, nothing is asked for.",
}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": _REF.format(name=name)}


def _problem(description: str, *, retry: bool = False) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": description,
        "content": {"application/problem+json": {"schema": _ref("Problem")}},
    }
    if retry:
        response["headers"] = {
            "Retry-After": {"required": True, "description": "Seconds.", "schema": {"type": "integer"}}
        }
    return response


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


PROBLEM_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    400: _problem("The body cannot be read as what its Content-Type says."),
    401: _problem("A key is needed: the publishers' key of the platform, or, for redetections, the platform's own."),
    408: _problem("The body came too slowly."),
    413: _problem("More than 5 MB or 10,000 events."),
    415: _problem("Another Content-Type, charset or Content-Encoding."),
    422: _problem("What was sent is refused."),
    503: _problem("Overloaded, out of space, or the log cannot be written: send it again later.", retry=True),
}
EVENT_RESPONSES: Final = PROBLEM_RESPONSES | {
    202: _json("At least one event was accepted, and all accepted are durable.", _ref("Answer")),
    422: {
        "description": "All events were refused; each result says why.",
        "content": {"application/problem+json": {"schema": {"allOf": [_ref("Problem"), _ref("Answer")]}}},
    },
}
REACHED_RESPONSES: Final = PROBLEM_RESPONSES | {202: _json("Durable; the log reaches so far.", _ref("Reached"))}

EVENT_REQUEST_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        "application/cloudevents+json": {"schema": _ref("Incoming")},
        "application/cloudevents-batch+json": {
            "schema": {"type": "array", "items": _ref("Incoming"), "minItems": 1, "maxItems": 10_000}
        },
        "application/x-ndjson": {"schema": {"type": "string", "description": "One event a line."}},
    },
}


def json_request_body(schema: dict[str, Any]) -> dict[str, Any]:
    """A required JSON body."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


IMPORT_BODY: Final = json_request_body(_ref("ImportRequest"))
REDETECTION_BODY: Final = json_request_body(_ref("RedetectionRequest"))
REPLAY_BODY: Final = json_request_body({"type": "array", "items": _ref("JourneyReplayed"), "minItems": 1})


def describe(app: FastAPI) -> None:
    """Make `/openapi.json` of the app hold our schemas besides its routes."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        components = document.setdefault("components", {})
        components.setdefault("schemas", {}).update(_schemas())
        components["securitySchemes"] = {"publisher": _PUBLISHER_KEY}
        document["security"] = [{}, {"publisher": []}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _schemas() -> dict[str, Any]:
    types = [Incoming, Answer, Reached, ImportRequest, RedetectionRequest, JourneyReplayed]
    _, schemas = msgspec.json.schema_components(types, ref_template=_REF)
    channel = schemas["EventData"]["properties"]["channel"]
    channel["anyOf"] = [{"enum": list(CHANNELS)}, {"type": "null"}]
    schemas["Incoming"]["properties"] |= {
        "specversion": {"const": "1.0"},
        "datacontenttype": {"anyOf": [{"type": "string", "pattern": _JSON_TYPE}, {"type": "null"}], "default": None},
        "data_base64": {"type": "null"},
    }
    return {**schemas, "Problem": _PROBLEM}
