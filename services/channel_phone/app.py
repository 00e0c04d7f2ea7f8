"""The telephone gateway: calls, queues, callbacks."""

from fastapi import APIRouter

from shared.ingest.event_routes import event_router
from shared.ingest.gateway import Gateway


def routes(gateway: Gateway) -> APIRouter:
    """`POST /v1/phone/events`; events without a channel are of channel `phone`."""
    return event_router(gateway, "/v1/phone/events", "phone", "Events of telephone systems")
