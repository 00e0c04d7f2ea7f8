"""Structured logs: one JSON object a line, without personal data.

A line has a fixed message and named fields, and of an exception only its type, where it was raised and, for errors written
for people, its text; the text of any other exception may quote what a citizen sent.
"""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import IO, Any, Final

from shared.errors import ParcoursError

_STANDARD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_QUIET_LOGGERS: Final = {
    "alembic.runtime.plugins": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "uvicorn": logging.WARNING,
    # an absent collector is said once, by `shared.telemetry.export`
    "opentelemetry.exporter": logging.CRITICAL,
    "opentelemetry.sdk._shared_internal": logging.CRITICAL,
    "urllib3": logging.ERROR,
    # brokers that are away are said by type, by whoever asked for them
    "kafka": logging.CRITICAL,
}
_MAX_STACK: Final = 40


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
