"""Metrics of one process: OpenTelemetry's, in Prometheus' text format and, where a collector is named, by OTLP."""

from collections.abc import Callable, Mapping
from typing import Final

from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from shared.telemetry.resource import describe_process

EXPOSITION_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
ITEM_BOUNDS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000)
"""Of histograms of numbers of items."""
_SECONDS_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Of histograms in seconds: the library's own bounds are made for milliseconds."""
_COUNTED: Final = ("{item}", "{row}", "{record}")


def start_metrics(service: str, otlp_endpoint: str = "", instance: str = "", version: str = "") -> Callable[[], None]:
    """Make the process' meter provider; meters taken before it report to it too. Once a process.

    Gives what ends the export by OTLP, with a last one; without an endpoint there is none.
    """
    resource = describe_process(service, instance, version)
    readers: list[MetricReader] = [PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False)]
    if not otlp_endpoint:
        metrics.set_meter_provider(_provider(readers, resource))
        return lambda: None
    from shared.telemetry.export import metrics_by_otlp  # noqa: PLC0415  # slow to import, and seldom needed

    reader, ended = metrics_by_otlp(otlp_endpoint)
    metrics.set_meter_provider(_provider([*readers, reader], resource))
    return ended


def _provider(readers: list[MetricReader], resource: Resource) -> MeterProvider:
    seconds = View(
        instrument_type=Histogram,
        instrument_unit="s",
        aggregation=ExplicitBucketHistogramAggregation(_SECONDS_BOUNDS),
    )
    counted = [
        View(
            instrument_type=Histogram,
            instrument_unit=unit,
            aggregation=ExplicitBucketHistogramAggregation(ITEM_BOUNDS),
        )
        for unit in _COUNTED
    ]
    return MeterProvider(views=[seconds, *counted], metric_readers=readers, resource=resource, shutdown_on_exit=False)


def exposition() -> bytes:
    """All metrics of the process in Prometheus' text format (`EXPOSITION_TYPE`)."""
    return generate_latest(REGISTRY)


def observe(name: str, description: str, unit: str, read: Callable[[], Mapping[str, float]], label: str) -> None:
    """Expose a gauge read on each scrape: `read` gives a value for each value of `label`; empty when nothing is known.

    With an empty `label` there is one value, under the empty key.
    """
    metrics.get_meter("parcours").create_observable_gauge(
        name, [_callback(read, label)], unit=unit, description=description
    )


def observe_count(name: str, description: str, unit: str, read: Callable[[], Mapping[str, float]], label: str) -> None:
    """The same for a counter: what `read` gives only grows while the process lives."""
    metrics.get_meter("parcours").create_observable_counter(
        name, [_callback(read, label)], unit=unit, description=description
    )


def _callback(read: Callable[[], Mapping[str, float]], label: str) -> Callable[[CallbackOptions], list[Observation]]:
    def callback(_options: CallbackOptions) -> list[Observation]:
        return [Observation(value, {label: key} if label else {}) for key, value in read().items()]

    return callback
