"""What a gateway counts (OpenTelemetry). No identifier of a person, an event or a source is ever an attribute."""

from collections.abc import Callable, Mapping, Sequence

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from shared.ingest.batcher import LogState
from shared.telemetry.requests import NO_ROUTE


class IngestMeters:
    """The instruments of one ingest process."""

    def __init__(self, logs: Callable[[], Mapping[str, LogState]]) -> None:
        """`logs` gives what waits for each log."""
        meter = metrics.get_meter("parcours.ingest")
        self._logs = logs
        self._events = meter.create_counter(
            "parcours_ingest_events", unit="{event}", description="Events received, by gateway and status"
        )
        self._rejects = meter.create_counter(
            "parcours_ingest_rejects", unit="{event}", description="Events and bodies refused, by gateway and reason"
        )
        self._requests = meter.create_counter(
            "parcours_ingest_requests",
            unit="{request}",
            description="Requests to the gateways, by gateway and HTTP status",
        )
        self._refused = meter.create_counter(
            "parcours_ingest_refused_requests",
            unit="{request}",
            description="Whole requests refused, by gateway, HTTP status and reason",
        )
        self._request_s = meter.create_histogram(
            "parcours_ingest_request", unit="s", description="From a request to its answer"
        )
        self._commit_items = meter.create_histogram(
            "parcours_ingest_commit_items", unit="{item}", description="Items made durable in one commit"
        )
        self._record_items = meter.create_histogram(
            "parcours_ingest_record_items", unit="{item}", description="Items of one record"
        )
        self._commit_s = meter.create_histogram(
            "parcours_ingest_commit", unit="s", description="Time of one commit to the log"
        )
        meter.create_observable_gauge(
            "parcours_ingest_pending",
            [self._observer(lambda log: log.pending_bytes)],
            unit="By",
            description="What waits for the log",
        )
        meter.create_observable_gauge(
            "parcours_ingest_pending_items",
            [self._observer(lambda log: log.pending_items)],
            unit="{item}",
            description="Items that wait for the log",
        )
        meter.create_observable_gauge(
            "parcours_ingest_commits_in_flight",
            [self._observer(lambda log: log.commits_in_flight)],
            unit="{commit}",
            description="Batches handed to the log and not acknowledged",
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

    def count_refusal(self, gateway: str, status: int, reason: str) -> None:
        """One request that was refused as a whole."""
        self._refused.add(1, {"gateway": gateway, "status": status, "reason": reason})

    def observe_request(self, route: str, _status: int, seconds: float) -> None:
        """One request's time."""
        if route != NO_ROUTE:
            self._request_s.record(seconds, {"gateway": route})

    def observe_commit(self, log: str, record_items: Sequence[int], seconds: float) -> None:
        """One commit: the items of each of its records, and its time."""
        labels = {"log": log}
        self._commit_items.record(sum(record_items), labels)
        for items in record_items:
            self._record_items.record(items, labels)
        self._commit_s.record(seconds, labels)

    def _observer(self, number: Callable[[LogState], int]) -> Callable[[CallbackOptions], list[Observation]]:
        def observe(_options: CallbackOptions) -> list[Observation]:
            return [Observation(number(state), {"log": log}) for log, state in self._logs().items()]

        return observe
