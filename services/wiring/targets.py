"""The tables of targets: what a platform consists of, what each part needs, how it is run and asked whether it is ready.

`parcours service NAME` runs one of them; `parcours run` all of one machine. A target's modules are imported when it is run.
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
    """`run` is `module:function`. Ready is what answers on its port, has given its first sign (`heartbeat`), or is done."""

    needs: Sequence[str]
    run: str
    answers_on: Literal["port", "ingest_port", "heartbeat", "end"]


ONE_MACHINE: Final[Mapping[str, Target]] = {
    "ingest": Target((), "services.wiring.ingest:run_ingest", "ingest_port"),
    "detector": Target(("ingest",), "services.wiring.detector:run_detector", "heartbeat"),
    "analytics": Target(("ingest",), "services.wiring.analytics:run_analytics", "port"),
}

_CLUSTER_PARTS: Final = "services.wiring.cluster"
_GATEWAYS: Final = f"{_CLUSTER_PARTS}.gateways"

CLUSTER: Final[Mapping[str, Target]] = {
    "setup": Target((), f"{_CLUSTER_PARTS}.setup:run_setup", "end"),
    "channel-web": Target(("setup",), f"{_GATEWAYS}:run_channel_web", "ingest_port"),
    "channel-phone": Target(("setup",), f"{_GATEWAYS}:run_channel_phone", "ingest_port"),
    "channel-counter": Target(("setup",), f"{_GATEWAYS}:run_channel_counter", "ingest_port"),
    "casework": Target(("setup",), f"{_GATEWAYS}:run_casework", "ingest_port"),
    "detector": Target(("setup",), f"{_CLUSTER_PARTS}.detector:run_detector", "heartbeat"),
    "loader": Target(("setup",), f"{_CLUSTER_PARTS}.loader:run_loader", "heartbeat"),
    "alerts": Target(("setup",), f"{_CLUSTER_PARTS}.alerts:run_alerts", "heartbeat"),
    "insights": Target(("setup",), f"{_CLUSTER_PARTS}.insights:run_insights", "port"),
}


def targets(settings: Settings) -> Mapping[str, Target]:
    """Those of a cluster where there are brokers, else those of one machine."""
    return CLUSTER if settings.brokers else ONE_MACHINE


def runner(target: Target) -> Run:
    """What runs a target until the event is set."""
    module, _, function = target.run.partition(":")
    run: Run = getattr(importlib.import_module(module), function)
    return run


def is_ready(settings: Settings, name: str, pid: int) -> bool:
    """Whether the target of one machine, run by process `pid`, has begun its work."""
    answers_on = ONE_MACHINE[name].answers_on
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
