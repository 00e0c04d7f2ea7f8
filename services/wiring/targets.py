"""The table of targets: what a platform consists of, what each part needs, how it is run and asked whether it is ready.

`parcours service NAME` runs one of them, `parcours run` all. A target's modules are imported when it is run.
"""

import importlib
import threading
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Final, Literal, NamedTuple

from services.wiring.folder import DataFolder, read_json
from services.wiring.listener import reachable_host
from shared.settings import Settings

_PROBE_LIMIT_S: Final = 2.0

Run = Callable[[Settings, threading.Event], None]


class Target(NamedTuple):
    """`run` is `module:function`. Ready is what answers on its port, or has given its first sign (`heartbeat`)."""

    needs: Sequence[str]
    run: str
    answers_on: Literal["port", "ingest_port", "heartbeat"]


TARGETS: Final[Mapping[str, Target]] = {
    "ingest": Target((), "services.wiring.ingest:run_ingest", "ingest_port"),
    "detector": Target(("ingest",), "services.wiring.detector:run_detector", "heartbeat"),
    "analytics": Target(("ingest",), "services.wiring.analytics:run_analytics", "port"),
}


def runner(name: str) -> Run:
    """What runs a target until the event is set."""
    module, _, function = TARGETS[name].run.partition(":")
    run: Run = getattr(importlib.import_module(module), function)
    return run


def is_ready(settings: Settings, name: str, pid: int) -> bool:
    """Whether the target, run by process `pid`, has begun its work."""
    answers_on = TARGETS[name].answers_on
    if answers_on == "heartbeat":
        heartbeat = read_json(DataFolder(settings.data).heartbeat(name))
        return heartbeat is not None and heartbeat.get("pid") == pid
    port = settings.port if answers_on == "port" else settings.ingest_port
    return _answers(f"{reachable_host(settings.host)}:{port}")


def _answers(address: str) -> bool:
    connection = HTTPConnection(address, timeout=_PROBE_LIMIT_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
