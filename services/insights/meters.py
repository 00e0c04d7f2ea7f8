"""What insights counts of its requests: by the route's pattern, since an address may hold what a person typed."""

from typing import Final

from opentelemetry.metrics import get_meter

ENDLESS: Final = frozenset({"/api/v1/alerts/events"})
"""Answers that last as long as somebody listens: how long tells nothing of the server."""


class InsightsMeters:
    """The instruments of one process of insights."""

    def __init__(self) -> None:
        meter = get_meter("parcours.insights")
        self._requests = meter.create_counter(
            "parcours.insights.requests", unit="{request}", description="Requests for pages and the API"
        )
        self._request_s = meter.create_histogram(
            "parcours.insights.request", unit="s", description="From a request to its answer"
        )

    def observe_request(self, route: str, status: int, seconds: float) -> None:
        """One request's answer."""
        self._requests.add(1, {"route": route, "status": status})
        if route not in ENDLESS:
            self._request_s.record(seconds, {"route": route})
