"""Logs and metrics of a process: structured, and without personal data."""

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator

import pytest

from shared.errors import StoreError
from shared.telemetry import configure_logging


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The stream to which the logs of the process go during one test."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("ingest", stream)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:] = before
    root.setLevel(level)


def said(stream: io.StringIO) -> list[dict]:
    """The lines as objects."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_logger_message_and_fields(lines: io.StringIO) -> None:
    """Named fields stand apart from the message; there is one object a line."""
    logging.getLogger("parcours.ingest").info("two\nlines %s", "and é", extra={"events": 500})
    (line,) = said(lines)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "service": "ingest",
        "logger": "parcours.ingest",
        "message": "two\nlines and é",
        "fields": {"events": 500},
    }


def fail(error: Exception) -> None:
    """Raise the error."""
    raise error


def test_an_exception_does_not_quote_what_a_citizen_sent(lines: io.StringIO) -> None:
    """Of an unexpected exception only type and place are kept; of one of ours, and of the system's, the text too."""
    for error in (KeyError("tel:+33612345678"), StoreError("ClickHouse does not answer"), OSError(28, "No space left")):
        try:
            fail(error)
        except Exception:
            logging.getLogger("parcours").exception("failed")
    assert "+33612345678" not in lines.getvalue()
    errors = [line["error"] for line in said(lines)]
    assert [(error["type"], error.get("text")) for error in errors] == [
        ("KeyError", None),
        ("StoreError", "ClickHouse does not answer"),
        ("OSError", "No space left"),
    ]
    assert all(error["stack"][-1].endswith(" fail") for error in errors)


def test_libraries_speak_the_same_way(lines: io.StringIO) -> None:
    """Uvicorn's errors and Python's warnings are lines of JSON; the libraries' chatter is left out."""
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("httpx").info("HTTP Request")
    logging.getLogger("uvicorn.error").error("Invalid HTTP request received.")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert [line["logger"] for line in said(lines)] == ["uvicorn.error", "py.warnings"]


def test_what_json_does_not_know_is_written_as_text(lines: io.StringIO) -> None:
    """A field of any type never breaks the line."""
    logging.getLogger("parcours").info("odd", extra={"folder": io.StringIO, "number": float("inf")})
    assert "StringIO" in said(lines)[0]["fields"]["folder"]


def test_metrics_are_exposed_in_prometheus_format() -> None:
    """Counters and observed gauges appear with their labels, and no scope labels; in a process of their own."""
    script = """
from opentelemetry import metrics
from shared import telemetry
early = metrics.get_meter("parcours").create_counter("parcours.events.accepted", unit="1", description="Accepted")
telemetry.start_metrics("ingest")
early.add(3, {"channel": "web"})
telemetry.observe("parcours.lag", "Items not passed", "1", lambda: {"loader": 7.0}, "consumer")
print(telemetry.exposition().decode())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert 'parcours_events_accepted_total{channel="web"} 3.0' in done.stdout
    assert 'parcours_lag{consumer="loader"} 7.0' in done.stdout
