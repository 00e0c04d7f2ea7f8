"""The web gateway: pages, forms, clicks."""

from fastapi import APIRouter

from shared.ingest.event_routes import event_router
from shared.ingest.gateway import Gateway


def routes(gateway: Gateway) -> APIRouter:
    """`POST /v1/web/events`; events without a channel are of channel `web`."""
    return event_router(gateway, "/v1/web/events", "web", "Events of web channels")
