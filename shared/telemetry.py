"""Structured logs and metrics of one process.

Logs are one JSON object a line. They hold no personal data: a line has a fixed message and named fields, and of an
exception only its type, where it was raised and, for errors written for people, its text; the text of any other
exception may quote what a citizen sent. Metrics are OpenTelemetry's, exposed in Prometheus' text format.
"""

import json
import logging
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import IO, Any, Final

from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from shared.errors import ParcoursError

EXPOSITION_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_STANDARD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_QUIET_LOGGERS: Final = {"httpx": logging.WARNING, "httpcore": logging.WARNING, "uvicorn": logging.WARNING}
_MAX_STACK: Final = 40
_SECONDS_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Of histograms in seconds: the library's own bounds are made for milliseconds."""


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON: time, level, service, logger, message, then what `extra` gave under `fields`."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage().strip(),
        }
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS}
        if fields:
            line["fields"] = fields
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = describe_error(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def describe_error(error: BaseException) -> dict[str, Any]:
    """An exception without what it may quote: type, stack (file:line function, outermost first), text if it is ours."""
    frames = traceback.extract_tb(error.__traceback__)[-_MAX_STACK:]
    described: dict[str, Any] = {
        "type": type(error).__qualname__,
        "stack": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if isinstance(error, ParcoursError):
        described["text"] = str(error)
    elif isinstance(error, OSError) and error.strerror:
        described["text"] = error.strerror
    return described


def configure_logging(service: str, stream: IO[str], level: int = logging.INFO) -> None:
    """Send the logs of the whole process to `stream` as JSON lines, the libraries' included."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for name, quiet_level in _QUIET_LOGGERS.items():
        logging.getLogger(name).setLevel(quiet_level)


def start_metrics(service: str) -> None:
    """Make the process' meter provider; meters taken before it report to it too. Once a process."""
    seconds = View(
        instrument_type=Histogram,
        instrument_unit="s",
        aggregation=ExplicitBucketHistogramAggregation(_SECONDS_BOUNDS),
    )
    provider = MeterProvider(
        views=[seconds],
        metric_readers=[PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False)],
        resource=Resource({SERVICE_NAME: f"parcours-{service}"}),
    )
    metrics.set_meter_provider(provider)


def exposition() -> bytes:
    """All metrics of the process in Prometheus' text format (`EXPOSITION_TYPE`)."""
    return generate_latest(REGISTRY)


def observe(name: str, description: str, unit: str, read: Callable[[], Mapping[str, float]], label: str) -> None:
    """Expose a gauge read on each scrape: `read` gives a value for each value of `label`; empty when nothing is known."""

    def callback(_options: CallbackOptions) -> list[Observation]:
        return [Observation(value, {label: key}) for key, value in read().items()]

    metrics.get_meter("parcours").create_observable_gauge(name, [callback], unit=unit, description=description)
