"""The gateway of back-office systems and of any other source."""

from fastapi import APIRouter

from shared.ingest.event_routes import event_router
from shared.ingest.gateway import Gateway


def routes(gateway: Gateway) -> APIRouter:
    """`POST /v1/events`; events without a channel have none."""
    return event_router(gateway, "/v1/events", None, "Events of back-office systems and any other source")
