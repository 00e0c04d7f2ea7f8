"""The route of one gateway: `POST` events to a path, with a default channel."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from shared.ingest.gateway import Gateway
from shared.ingest.openapi import EVENT_REQUEST_BODY, EVENT_RESPONSES

_DESCRIPTION: Final = """\
One event (`application/cloudevents+json`), a batch (`application/cloudevents-batch+json`) or one event a line
(`application/x-ndjson`): at most 5 MB and 10,000 events, an event at most 64 kB.

202 when an event was accepted, only once the accepted are durable, with a result for each event in order. 422 when all
were refused. After 503 send the same request again, not before `Retry-After` seconds: events keep their identity, so
nothing counts twice."""


def event_router(gateway: Gateway, path: str, default_channel: str | None, summary: str) -> APIRouter:
    """A router with the one route `POST path`. Its name in the API is made from the path."""
    router = APIRouter()

    async def post_events(request: Request) -> Response:
        return await gateway.receive(request, path, default_channel)

    router.add_api_route(
        path,
        post_events,
        methods=["POST"],
        status_code=202,
        response_model=None,
        responses=EVENT_RESPONSES,
        openapi_extra={"requestBody": EVENT_REQUEST_BODY},
        operation_id="post" + "".join(part.capitalize() for part in path.strip("/").split("/")),
        summary=summary,
        description=_DESCRIPTION,
        tags=["events"],
    )
    return router
