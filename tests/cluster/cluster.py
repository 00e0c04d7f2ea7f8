"""A whole cluster on this machine: a Kafka node, ClickHouse over HTTP, a registry, and every service as a process.

The processes are watched as an orchestrator would: one that ends is started again, and what it ended with is noted.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx

from services.wiring.exit_status import EXIT_DEFECT
from shared.log.kafka.reader import KafkaLogReader
from shared.log.port import JOURNEY_EVENTS
from tests.clickhouse_http.process import ClickHouseOverHttp
from tests.kafka_broker.broker import Broker
from tests.run.platform import ROOT, free_ports, wait_until

GATEWAYS: Final = {
    "channel-web": "/v1/web/events",
    "channel-phone": "/v1/phone/events",
    "channel-counter": "/v1/counter/events",
    "casework": "/v1/events",
}
DETECTORS: Final = ("detector-1", "detector-2")
SERVICES: Final = (*GATEWAYS, *DETECTORS, "loader", "insights")
START_LIMIT_S: Final = 90.0
STOP_LIMIT_S: Final = 20.0
AGAIN_AFTER_S: Final = 0.3
_POLL_S: Final = 0.05


class Cluster:
    """Services by name, on ports of their own. `ends` counts what a service ended with by itself, by (name, status)."""

    def __init__(self, folder: Path, broker: Broker, clickhouse: ClickHouseOverHttp, registry: str, **settings: str):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.broker, self.clickhouse = broker, clickhouse
        ports = dict(zip((*GATEWAYS, "insights"), free_ports(len(GATEWAYS) + 1), strict=True))
        self.addresses = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        self.ends: Counter[tuple[str, int]] = Counter()
        self._ports = ports
        self._settings = {
            "data": str(folder / "data"),
            "demo": "0",
            "brokers": broker.brokers,
            "clickhouse": clickhouse.dsn,
            "registry": registry,
            "partitions": "4",
            "min_free_mb": "64",
            "ingest_url": self.addresses["casework"],
            "group_session_ms": "6000",
            **settings,
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._launched_s: dict[str, float] = {}
        self._wanted: set[str] = set()
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def address_of(self, path: str) -> str:
        """The gateway that serves a path; control events go to casework."""
        served = {path: name for name, path in GATEWAYS.items()}
        return self.addresses[served.get(path, "casework")]

    def start(self) -> "Cluster":
        """Set up, start every service, and wait until those with a port are ready."""
        with self._launch("setup") as setup:
            assert setup.wait(START_LIMIT_S) == 0, self.log("setup")
        for name in SERVICES:
            self.start_service(name)
        self._watcher.start()
        for name in (*GATEWAYS, "insights"):
            wait_until(lambda name=name: self._answers(name), START_LIMIT_S)
        return self

    def start_service(self, name: str) -> None:
        """Start it; from now on it is started again whenever it ends."""
        with self._lock:
            self._wanted.add(name)
            self._processes[name] = self._launch(name)

    def stop_service(self, name: str) -> int:
        """Stop it in order; its exit status. It stays away."""
        with self._lock:
            self._wanted.discard(name)
            process = self._processes[name]
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            return process.wait(STOP_LIMIT_S)
        finally:
            self._release(process)

    def pid(self, name: str) -> int:
        """The process that runs now (or has just ended)."""
        with self._lock:
            return self._processes[name].pid

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a service, if it runs."""
        with self._lock:
            self._processes[name].send_signal(number)

    def stop(self) -> dict[str, int]:
        """Stop everything in order, as an orchestrator would; exit statuses by name."""
        self._over.set()
        with self._lock:
            self._wanted.clear()
            running = dict(self._processes)
        for process in running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        try:
            return {name: process.wait(STOP_LIMIT_S) for name, process in running.items()}
        finally:
            self.kill()

    def kill(self) -> None:
        """End all that still runs, at once."""
        self._over.set()
        with self._lock:
            self._wanted.clear()
            for process in self._processes.values():
                if process.poll() is None:
                    process.kill()
                process.wait()
                self._release(process)

    def log(self, name: str) -> str:
        """The last of what a service said."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-4_000:] if path.exists() else ""

    def said(self, name: str) -> str:
        """All that a service said."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def memory_bytes(self, name: str) -> int:
        """What a service holds in memory now; 0 when it does not run."""
        try:
            status = Path(f"/proc/{self.pid(name)}/status").read_text()
        except FileNotFoundError:
            return 0
        found = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
        return int(found[0]) * 1_024 if found else 0

    def age_s(self, name: str) -> float:
        """How long ago the service was started."""
        return time.monotonic() - self._launched_s[name]

    def log_ends(self) -> tuple[str | None, Mapping[int, int]]:
        """The identity of `journey-events` and its ends."""
        reader = KafkaLogReader(self.broker.brokers, JOURNEY_EVENTS)
        try:
            return reader.log_id(), reader.ends()
        finally:
            reader.close()

    def settle(self, limit_s: float) -> None:
        """Wait until everything in the log now is loaded, detected, and its points loaded."""
        log_id, ends = self.log_ends()

        def reached() -> bool:
            answer = httpx.get(f"{self.addresses['insights']}/api/v1/freshness", timeout=10, trust_env=False)
            if answer.status_code != 200:
                return False
            streams = answer.json()["streams"]
            positions = [streams.get(name, {}) for name in (JOURNEY_EVENTS, "detected")]
            return all(
                position.get("log_id") == log_id and position["next_offsets"].get(str(partition), 0) >= end
                for position in positions
                for partition, end in ends.items()
            )

        wait_until(reached, limit_s)

    def _release(self, process: "subprocess.Popen[bytes]") -> None:
        if process.stdin is not None:
            process.stdin.close()

    def _answers(self, name: str) -> bool:
        path = "/healthz" if name == "insights" else "/readyz"
        return httpx.get(f"{self.addresses[name]}{path}", timeout=2, trust_env=False).status_code == 200

    def _watch(self) -> None:
        while not self._over.wait(_POLL_S):
            with self._lock:
                ended = [name for name in self._wanted if self._processes[name].poll() is not None]
                for name in ended:
                    self.ends[name, self._processes[name].returncode] += 1
                    self._release(self._processes[name])
            if ended and not self._over.wait(AGAIN_AFTER_S):
                with self._lock:
                    for name in self._wanted.intersection(ended):
                        if (pipe := self._processes[name].stdin) is not None:
                            pipe.close()
                        self._processes[name] = self._launch(name)

    def _launch(self, name: str) -> "subprocess.Popen[bytes]":
        self._launched_s[name] = time.monotonic()
        target = "detector" if name in DETECTORS else name
        own = {"instance": name}
        if name in self._ports:
            own["port" if name == "insights" else "ingest_port"] = str(self._ports[name])
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PARCOURS_")}
        given = {f"PARCOURS_{key.upper()}": value for key, value in (self._settings | own).items()}
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "services", "--supervised", "service", target],
                cwd=self.folder,
                env={**inherited, "PYTHONPATH": str(ROOT), **given},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )


def unexpected_ends(ends: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], int]:
    """Ends by a defect; a service may end by name, to be started again, or be killed."""
    return {(name, status): count for (name, status), count in ends.items() if status == EXIT_DEFECT}
