"""The whole platform on one machine, in the foreground."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import click

import services
from services.supervisor import checks, demo
from services.supervisor.child import Child, ServiceLog
from services.supervisor.liveness import Heartbeats
from services.supervisor.supervise import StopRequest, Supervisor
from services.wiring.folder import DataFolder, read_json
from services.wiring.listener import reachable_host
from services.wiring.site_keys import check_site_keys
from shared.settings import Settings

_REPOSITORY: Final = Path(services.__file__).resolve().parent.parent
_SAMPLE: Final = _REPOSITORY / "deploy" / "samples" / "kansas-city-311"
_DEMO: Final = ("import", str(_SAMPLE / "kcmo311.csv.gz"), "--mapping", str(_SAMPLE / "mapping.toml"), "--wait")
_SHOW_CURSOR: Final = "\033[?25h"
"""For a terminal; click leaves it out elsewhere."""


def run_platform(
    settings: Settings,
    environment: Mapping[str, str],
    needs: Mapping[str, Sequence[str]],
    ready: Callable[[str, int], bool],
) -> None:
    """Check, start, watch until Ctrl-C or SIGTERM, stop.

    `needs` names the services and what each needs; `ready` asks a service, by name and process id. Raises
    `ParcoursError` before anything was started, or when a service cannot be kept running and all were stopped.
    """
    stop = StopRequest()
    folder = DataFolder(settings.data)
    checks.check_settings(settings)
    folder.create()
    with folder.hold(""), stop.listening():
        checks.check_folder(folder, settings.min_free_mb)
        check_site_keys(folder)
        checks.check_ports(settings)
        checks.check_log(folder)
        children = [_child(name, folder, environment) for name in needs]
        supervisor = Supervisor(
            children,
            needs,
            lambda child: child.pid is not None and ready(child.name, child.pid),
            stop,
            lambda: checks.is_short_of_space(folder, settings.min_free_mb),
            Heartbeats(lambda name: read_json(folder.heartbeat(name))).is_silent,
        )
        try:
            _say(f"Parcours is starting (data folder: {settings.data})")
            if supervisor.start():
                _say(_banner(settings))
                _watch(supervisor, settings, folder, environment)
        finally:
            if stop:
                _say("Stopping …")
            supervisor.stop()
        _say("Stopped.")


def _watch(supervisor: Supervisor, settings: Settings, folder: DataFolder, environment: Mapping[str, str]) -> None:
    load = None
    if demo.is_due(folder.demo_marker, settings.demo):
        _say(f"Loading the data of {demo.NAME}; the page fills meanwhile (PARCOURS_DEMO=0 starts empty)")
        load = demo.DemoLoad(_command(*_DEMO), _environment(environment), folder.demo_marker)
    try:
        while supervisor.step():
            load = _tend_load(load)
    finally:
        if load is not None:
            load.stop()
            _say(_SHOW_CURSOR)  # the progress bar that was cut off had hidden it


def _tend_load(load: demo.DemoLoad | None) -> demo.DemoLoad | None:
    outcome = load.outcome() if load is not None else "running"
    if load is None or outcome == "running":
        return load
    load.stop()
    if outcome == "loaded":
        _say(f"The data of {demo.NAME} are loaded.")
    else:
        _warn(f"the data of {demo.NAME} could not be loaded; the next start tries again")
    return None


def _banner(settings: Settings) -> str:
    host = reachable_host(settings.host)
    return (
        f"\n  For people           http://{host}:{settings.port}/\n"
        f"  For channel systems  http://{host}:{settings.ingest_port}/\n\n"
        f"  Ctrl-C stops everything.\n"
    )


def _child(name: str, folder: DataFolder, environment: Mapping[str, str]) -> Child:
    log = ServiceLog(name, folder.service_logs / f"{name}.log", _warn)
    return Child(name, _command("service", name), _environment(environment), log)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "services", "--supervised", *arguments]


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The same settings, and the modules of this repository wherever the command was started from."""
    paths = [str(_REPOSITORY), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)}


def _say(text: str) -> None:
    click.echo(text)


def _warn(text: str) -> None:
    click.echo(f"parcours: {text}", err=True)
