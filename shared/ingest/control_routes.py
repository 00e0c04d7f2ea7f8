"""`/v1/imports` and `/v1/redetections`: control events that clients of the platform ask for."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from shared.ingest.body import error_position, media_type, refuse_encoding
from shared.ingest.control_requests import ImportRequest, RedetectionRequest
from shared.ingest.gateway import Gateway
from shared.ingest.incoming import explained
from shared.ingest.openapi import IMPORT_BODY, REACHED_RESPONSES, REDETECTION_BODY, REPLAY_BODY
from shared.ingest.problem import RequestRefused
from shared.ingest.records import MAX_ITEM_BYTES
from shared.journey.control import (
    Control,
    ImportFinished,
    ImportStarted,
    JourneyReplayed,
    RedetectionFinished,
    RedetectionStarted,
)

T = TypeVar("T")


def control_router(gateway: Gateway) -> APIRouter:
    """The five routes; each answers 202 with the ends of the log once its control events are durable everywhere."""
    router = APIRouter(tags=["control"])

    def add(path: str, summary: str, body: dict[str, Any], read: Callable[[bytes], Sequence[Control]]) -> None:
        async def post(request: Request) -> Response:
            return await gateway.answer(request, path, lambda _lang: _append(gateway, request, read))

        router.add_api_route(
            path,
            post,
            methods=["POST"],
            status_code=202,
            response_model=None,
            responses=REACHED_RESPONSES,
            openapi_extra={"requestBody": body},
            operation_id="post" + "".join(part.capitalize() for part in path.strip("/").split("/")),
            summary=summary,
        )

    add(
        "/v1/imports",
        "An import begins",
        IMPORT_BODY,
        lambda body: [ImportStarted(_decode(body, ImportRequest).source)],
    )
    add(
        "/v1/imports/finish",
        "An import ends",
        IMPORT_BODY,
        lambda body: [ImportFinished(_decode(body, ImportRequest).source)],
    )
    add(
        "/v1/redetections",
        "A redetection begins",
        REDETECTION_BODY,
        lambda body: [RedetectionStarted(_decode(body, RedetectionRequest).run)],
    )
    add("/v1/redetections/replay", "Journeys to detect again", REPLAY_BODY, _replayed)
    add(
        "/v1/redetections/finish",
        "A redetection ends",
        REDETECTION_BODY,
        lambda body: [RedetectionFinished(_decode(body, RedetectionRequest).run)],
    )
    return router


async def _append(gateway: Gateway, request: Request, read: Callable[[bytes], Sequence[Control]]) -> Response:
    refuse_encoding(request)
    if media_type(request.headers.get("content-type")) != "application/json":
        raise RequestRefused(415, "unsupported_json_type")
    reached = await gateway.controls.append(read(await gateway.read(request)))
    return Response(msgspec.json.encode(reached), 202, media_type="application/json")


def _replayed(body: bytes) -> list[Control]:
    journeys: list[Control] = list(_decode(body, list[JourneyReplayed]))
    if not journeys:
        raise RequestRefused(422, "empty_body")
    if any(len(msgspec.json.encode(journey)) > MAX_ITEM_BYTES for journey in journeys):
        raise RequestRefused(413, "body_too_large")
    return journeys


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise RequestRefused(422, explained(str(error)).reason) from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise RequestRefused(400, "not_json", position=error_position(body)) from None
    except RecursionError:
        raise RequestRefused(400, "nested_too_deep", position=0) from None
