"""What a gateway counts (OpenTelemetry). No identifier of a person, an event or a source is ever an attribute."""

from collections.abc import Callable, Mapping

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation


class IngestMeters:
    """The instruments of one ingest process."""

    def __init__(self, pending_bytes: Callable[[], Mapping[str, int]]) -> None:
        """`pending_bytes` gives, per log, what waits for its commit."""
        meter = metrics.get_meter("parcours.ingest")
        self._events = meter.create_counter(
            "parcours_ingest_events", description="Events received, by gateway and status"
        )
        self._rejects = meter.create_counter(
            "parcours_ingest_rejects", description="Events and bodies refused, by gateway and reason"
        )
        self._requests = meter.create_counter(
            "parcours_ingest_requests", description="Requests to the gateways, by gateway and HTTP status"
        )
        self._commit_events = meter.create_histogram(
            "parcours_ingest_commit_items",
            description="Items made durable in one commit",
            explicit_bucket_boundaries_advisory=[1, 10, 100, 500, 1_000, 5_000, 10_000],
        )
        self._commit_s = meter.create_histogram(
            "parcours_ingest_commit",
            unit="s",
            description="Time of one commit to the log",
            explicit_bucket_boundaries_advisory=[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
        )

        def pending(_options: CallbackOptions) -> list[Observation]:
            return [Observation(size_bytes, {"log": log}) for log, size_bytes in pending_bytes().items()]

        meter.create_observable_gauge(
            "parcours_ingest_pending", [pending], unit="By", description="What waits for the log"
        )

    def count_events(self, gateway: str, accepted: int, duplicates: int, rejects_by_reason: Mapping[str, int]) -> None:
        """One request's events."""
        self._events.add(accepted, {"gateway": gateway, "status": "accepted"})
        if duplicates:
            self._events.add(duplicates, {"gateway": gateway, "status": "duplicate"})
        for reason, count in rejects_by_reason.items():
            self._events.add(count, {"gateway": gateway, "status": "rejected"})
            self._rejects.add(count, {"gateway": gateway, "reason": reason})

    def count_request(self, gateway: str, status: int) -> None:
        """One request's answer."""
        self._requests.add(1, {"gateway": gateway, "status": status})

    def observe_commit(self, items: int, seconds: float) -> None:
        """One commit."""
        self._commit_events.record(items)
        self._commit_s.record(seconds)
