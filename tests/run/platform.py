"""`parcours run` as a process, in a folder and on ports of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0
"""The supervisor waits 3.5 s for its children; the rest is a machine that runs other tests at the same time."""


def free_ports(count: int) -> list[int]:
    """Ports that are free now."""
    with ExitStack() as stack:
        return [stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(count)]


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """The environment of a platform in `folder`, without what this process' own says of Parcours."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PARCOURS_")}
    given = {f"PARCOURS_{name.upper()}": value for name, value in settings.items()}
    # every count is shown: they are compared
    site = {"PARCOURS_DATA": str(folder), "PARCOURS_DEMO": "0", "PARCOURS_SMALL_CELL_MIN": "1"}
    return {**inherited, **site, "PYTHONPATH": str(ROOT), **given}


def wait_until(condition: Callable[[], Any], limit_s: float = 20.0) -> Any:
    """What the condition gives once it holds; fails after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            if found := condition():
                return found
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether the process runs (a dead one that waits for its parent does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


class Platform:
    """One `parcours run`; `stdout` and `stderr` gather what it says."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        ports = free_ports(2)
        self.settings = {"port": str(ports[0]), "ingest_port": str(ports[1]), **settings}
        self.people = f"http://127.0.0.1:{self.settings['port']}"
        self.systems = f"http://127.0.0.1:{self.settings['ingest_port']}"
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._readers: list[threading.Thread] = []

    def start_without_privileges(self) -> None:
        """As `start`; where the tests run as root, without root's right to pass every permission."""
        if os.geteuid() != 0:
            self.start()
            return
        if shutil.which("setpriv") is None:
            pytest.skip("root passes every permission, and there is no setpriv to give that up")
        self.start("setpriv", "--bounding-set=-dac_override,-dac_read_search")

    def start(self, *prefix: str) -> None:
        """Start it; returns at once. `prefix` is a command that runs it."""
        self.stdout.clear()
        self.stderr.clear()
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-P", "-m", "services", "run"],
            cwd=self.folder.parent,
            env=environment(self.folder, **self.settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._readers = [
            threading.Thread(target=lines.extend, args=(stream,), daemon=True)
            for lines, stream in ((self.stdout, self._process.stdout), (self.stderr, self._process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def started(self) -> "Platform":
        """Start it and wait for both addresses."""
        self.start()
        wait_until(lambda: any("For channel systems" in line for line in self.stdout) or self.status() is not None, 60)
        assert self.status() is None, self.stderr
        return self

    @property
    def pid(self) -> int:
        """The supervisor."""
        assert self._process is not None
        return self._process.pid

    def status(self) -> int | None:
        """The exit status; `None` while it runs."""
        assert self._process is not None
        return self._process.poll()

    def children(self) -> dict[str, int]:
        """Services by name, and their processes."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int(entry.joinpath("stat").read_text().rpartition(")")[2].split()[1])
                command = entry.joinpath("cmdline").read_bytes().decode().split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == self.pid and "service" in command:
                found[command[command.index("service") + 1]] = int(entry.name)
        return found

    def interrupt(self) -> float:
        """Ctrl-C; how long it took to end, in seconds."""
        start_s = time.monotonic()
        os.kill(self.pid, signal.SIGINT)
        return self.ended(start_s)

    def ended(self, start_s: float | None = None) -> float:
        """Wait for its end; how long that took, in seconds."""
        start_s = time.monotonic() if start_s is None else start_s
        assert self._process is not None
        self._process.wait(START_LIMIT_S)
        taken_s = time.monotonic() - start_s
        for reader in self._readers:
            reader.join(5)
        for stream in (self._process.stdout, self._process.stderr):
            stream.close()
        return taken_s

    def post(self, *events: dict[str, Any]) -> httpx.Response:
        """Send events to the gateway of any source."""
        media_type = "application/cloudevents-batch+json"
        return httpx.post(f"{self.systems}/v1/events", json=list(events), headers={"content-type": media_type})

    def post_until_accepted(self, *events: dict[str, Any]) -> None:
        """Send events, again while ingest is away."""
        wait_until(lambda: self.post(*events).status_code == 202)

    def counted(self) -> dict[str, int]:
        """Events by type, as the API counts them."""
        answer = httpx.get(f"{self.people}/api/v1/events/summary", params={"group_by": "type"})
        return {row["type"]: row["events"] for row in answer.json()["rows"]} if answer.status_code == 200 else {}


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Platform]:
    """A started platform, which ends with the block however that ends."""
    platform = Platform(folder, **settings)
    try:
        yield platform.started()
    finally:
        if platform.status() is None:
            children = platform.children().values()
            os.kill(platform.pid, signal.SIGKILL)
            platform.ended()
            wait_until(lambda: not any(map(alive, children)))
