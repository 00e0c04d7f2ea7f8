"""The counter gateway: tickets and appointments."""

from fastapi import APIRouter

from shared.ingest.event_routes import event_router
from shared.ingest.gateway import Gateway


def routes(gateway: Gateway) -> APIRouter:
    """`POST /v1/counter/events`; events without a channel are of channel `counter`."""
    return event_router(gateway, "/v1/counter/events", "counter", "Events of counters and appointments")
