"""How a service lives as a process: it ends with its supervisor, on SIGTERM, and with a status that says why."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

from services.wiring.exit_status import DEFECT_WORDS, EXIT_DEFECT, EXIT_FOR_GOOD, LAST_WORDS
from services.wiring.version import program_version
from shared.errors import (
    ConfigurationError,
    DetectionError,
    FolderInUse,
    LogMismatch,
    ParcoursError,
    PortInUse,
    StoreDamaged,
)
from shared.telemetry import configure_logging

_FOR_GOOD: Final = (ConfigurationError, LogMismatch, FolderInUse, PortInUse, DetectionError, StoreDamaged)
_STOP_LIMIT_S: Final = 5.0


def end_with_supervisor() -> None:
    """Stop this process when its standard input closes, which the supervisor holds open while it lives."""
    threading.Thread(target=_await_end, args=(sys.stdin.buffer.fileno(),), daemon=True).start()


def _await_end(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    threading.Timer(_STOP_LIMIT_S, os._exit, (EXIT_DEFECT,)).start()
    os.kill(os.getpid(), signal.SIGTERM)


def run_service(name: str, run: Callable[[threading.Event], None]) -> int:
    """Run a service until SIGTERM or Ctrl-C set the event it is given; the exit status. What goes wrong is logged."""
    configure_logging(name, sys.stderr)
    log = logging.getLogger(f"parcours.{name}")
    stop = threading.Event()

    def request_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)
    log.info("starting", extra={"pid": os.getpid(), "version": program_version()})
    try:
        run(stop)
    except ParcoursError as error:
        log.exception(LAST_WORDS)
        return EXIT_FOR_GOOD if isinstance(error, _FOR_GOOD) else error.exit_status
    except Exception:
        log.exception(DEFECT_WORDS)
        return EXIT_DEFECT
    log.info("stopped")
    return 0
