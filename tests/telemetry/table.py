"""The one table of services, edges and signals. The tests assert it from real traces, on whatever the platform runs."""

from typing import NamedTuple

REQUEST = frozenset({"http.request.method", "http.route", "http.response.status_code", "error.type"})
APPEND = frozenset(
    {
        "messaging.destination.name",
        "messaging.destination.partition.id",
        "messaging.batch.message_count",
        "parcours.items",
        "parcours.size_bytes",
        "error.type",
    }
)
DETECT = frozenset(
    {
        "messaging.destination.name",
        "messaging.destination.partition.id",
        "parcours.events",
        "parcours.points",
        "parcours.late_events",
        "error.type",
    }
)
LOAD = frozenset(
    {
        "messaging.batch.message_count",
        "parcours.size_bytes",
        "parcours.events",
        "parcours.points",
        "parcours.late_events",
        "parcours.rejects",
        "parcours.refused",
        "error.type",
    }
)
RESOURCE = frozenset({"service.name", "service.instance.id", "service.version"})
PUBLISHER, GATEWAY, DETECTOR, LOADER, INSIGHTS = "publisher", "gateway", "detector", "loader", "insights"

REQUEST_SPAN = "POST /v1/events"
EVENTS_SPAN = "append journey-events"
REJECTS_SPAN = "append rejected-events"
PAGE_SPAN = "GET /api/v1/frictions"


class Edge(NamedTuple):
    """From a span of one service to a span of another: the second is the first's `child`, or has a `link` to it."""

    source: str
    source_span: str
    target: str
    span: str
    relation: str
    attributes: frozenset[str]


EDGES = (
    Edge(PUBLISHER, "", GATEWAY, REQUEST_SPAN, "child", REQUEST),
    Edge(GATEWAY, REQUEST_SPAN, GATEWAY, EVENTS_SPAN, "child", APPEND),
    Edge(GATEWAY, REQUEST_SPAN, GATEWAY, EVENTS_SPAN, "link", APPEND),
    Edge(GATEWAY, REQUEST_SPAN, GATEWAY, REJECTS_SPAN, "child", APPEND),
    Edge(GATEWAY, EVENTS_SPAN, DETECTOR, "detect", "child", DETECT),
    Edge(GATEWAY, EVENTS_SPAN, DETECTOR, "detect", "link", DETECT),
    Edge(GATEWAY, EVENTS_SPAN, LOADER, "load", "link", LOAD),
    Edge(GATEWAY, REJECTS_SPAN, LOADER, "load", "link", LOAD),
    Edge(DETECTOR, "detect", LOADER, "load", "link", LOAD),
    Edge(PUBLISHER, "", INSIGHTS, PAGE_SPAN, "child", REQUEST),
)

OWN_SPAN = "POST /v1/redetections/finish"
"""The platform's own request, at its start."""
SPANS = {edge.span: edge.attributes for edge in EDGES} | {OWN_SPAN: REQUEST}
"""Every span there may be, and what it may say."""

METRICS = {
    GATEWAY: {
        "parcours_ingest_requests",
        "parcours_ingest_request",
        "parcours_ingest_events",
        "parcours_ingest_rejects",
        "parcours_ingest_commit_items",
        "parcours_ingest_record_items",
        "parcours_ingest_commit",
        "parcours_ingest_commits_in_flight",
        "parcours_ingest_pending",
    },
    LOADER: {"parcours.loader.rows", "parcours.loader.batch.rows", "parcours.loader.step", "parcours.loader.lag"},
    INSIGHTS: {"parcours.insights.requests", "parcours.insights.request"},
}
"""Metrics, by OTLP's names, that each service exports; those of the detector come from whichever process tells them."""
DETECTOR_METRICS = {
    "parcours.detector.events",
    "parcours.detector.late.events",
    "parcours.detector.refolds",
    "parcours.detector.checkpoint",
    "parcours.detector.checkpoint.age",
    "parcours.detector.journeys",
    "parcours.detector.lag",
}
