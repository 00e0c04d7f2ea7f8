"""Export by OTLP over HTTP: bounded in memory and time, and silent but for one line when the collector is away."""

import logging
from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

EXPORT_TIMEOUT_S: Final = 5
STOP_TIMEOUT_S: Final = 1.0
"""So long the end of a process waits for the last export of each signal."""
SPAN_QUEUE: Final = 8_192
"""Spans that wait for export; beyond, the oldest are dropped."""
SPAN_BATCH: Final = 512
SPAN_INTERVAL_MS: Final = 1_000
METRIC_INTERVAL_MS: Final = 10_000

Ended = Callable[[], None]
"""Ends an export; what waits is sent within `STOP_TIMEOUT_S` or dropped."""

_log = logging.getLogger(__name__)


class Reachable:
    """Says once that the collector is away, and once that it is back, whatever the number of signals."""

    def __init__(self) -> None:
        self._away = False
        self._lock = Lock()

    def note(self, *, reached: bool) -> None:
        """An export ended."""
        with self._lock:
            changed, self._away = self._away == reached, not reached
        if changed and not reached:
            _log.warning("the collector of telemetry does not answer; spans and metrics are dropped until it does")
        elif changed:
            _log.info("telemetry is exported again")


_collector: Final = Reachable()


class QuietSpanExporter(OTLPSpanExporter):
    """Never raises."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        _collector.note(reached=result is SpanExportResult.SUCCESS)
        return result


class QuietMetricExporter(OTLPMetricExporter):
    """Never raises."""

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **rest: Any
    ) -> MetricExportResult:
        result = super().export(metrics_data, timeout_millis, **rest)
        _collector.note(reached=result is MetricExportResult.SUCCESS)
        return result


def spans_by_otlp(endpoint: str) -> tuple[BatchSpanProcessor, Ended]:
    """What takes finished spans and sends them in a thread of its own."""
    exporter = QuietSpanExporter(
        endpoint=_address(endpoint, "traces"), timeout=EXPORT_TIMEOUT_S, compression=Compression.Gzip
    )
    processor = BatchSpanProcessor(
        exporter,
        max_queue_size=SPAN_QUEUE,
        schedule_delay_millis=SPAN_INTERVAL_MS,
        max_export_batch_size=SPAN_BATCH,
        export_timeout_millis=EXPORT_TIMEOUT_S * 1_000,
    )
    return processor, lambda: _within_limit(processor.shutdown)


def metrics_by_otlp(endpoint: str) -> tuple[PeriodicExportingMetricReader, Ended]:
    """What collects the metrics and sends them in a thread of its own."""
    exporter = QuietMetricExporter(
        endpoint=_address(endpoint, "metrics"), timeout=EXPORT_TIMEOUT_S, compression=Compression.Gzip
    )
    reader = PeriodicExportingMetricReader(
        exporter, export_interval_millis=METRIC_INTERVAL_MS, export_timeout_millis=EXPORT_TIMEOUT_S * 1_000
    )
    return reader, lambda: _within_limit(reader.shutdown)


def _within_limit(work: Callable[[], None]) -> None:
    """The library's own limits of shutting down are longer than a supervisor waits."""
    ending = Thread(target=work, name="telemetry-end", daemon=True)
    ending.start()
    ending.join(STOP_TIMEOUT_S)


def _address(endpoint: str, signal: str) -> str:
    return f"{endpoint.rstrip('/')}/v1/{signal}"
