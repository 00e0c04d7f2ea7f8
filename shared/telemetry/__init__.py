"""What a process says of itself: logs, metrics, traces. None of them holds personal data."""

from shared.telemetry.logs import JsonFormatter, configure_logging, describe_error
from shared.telemetry.metrics import EXPOSITION_TYPE, exposition, observe, observe_count, start_metrics
from shared.telemetry.tracing import start_traces

__all__ = [
    "EXPOSITION_TYPE",
    "JsonFormatter",
    "configure_logging",
    "describe_error",
    "exposition",
    "observe",
    "observe_count",
    "start_metrics",
    "start_traces",
]
