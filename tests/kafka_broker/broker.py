"""One Kafka node (KRaft, broker and controller in one JVM) that tests start, kill and start again."""

import shutil
import signal
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from shared.log.kafka.client import make_client
from tests.kafka_broker.jars import kafka_jars

JVM = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
FORMAT_TIMEOUT_S = 60
_POLL_S = 0.1

_PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "inter.broker.listener.name": "PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "broker.session.timeout.ms": "2000",  # how long a killed node's registration blocks its successor
    "broker.heartbeat.interval.ms": "400",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "file.delete.delay.ms": "1000",
}


class Broker:
    """A node on a folder and two ports of its own, kept over `kill` and `start`; ends with the process that made it.

    Making it formats the folder; raises `BrokerNotAvailable` where this machine lacks Java or the jars.
    """

    def __init__(self, folder: Path, *, port: int | None = None, properties: Mapping[str, str] | None = None) -> None:
        self._jars = kafka_jars()
        self.folder = folder
        self.port = port or free_port()
        self.log_file = folder / "broker.log"
        self._config = folder / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None
        self._launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="broker-parent")
        folder.mkdir(parents=True, exist_ok=True)
        if not self._config.exists():
            self._write_config(properties or {})
            self._format()

    @property
    def brokers(self) -> str:
        """What `PARCOURS_BROKERS` takes."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the running node."""
        assert self._process is not None, "the broker is not running"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self, *, wait: bool = True) -> Self:
        """Start the node on its folder and ports; wait until it serves (or call `wait_ready` later)."""
        assert not self.running, "the broker is running already"
        # the kernel kills the child with the *thread* that made it: so that is one that lives as long as this object
        self._process = self._launcher.submit(self._launch).result()
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until the node answers as the only broker of its cluster and can make topics."""
        deadline = time.monotonic() + timeout_s
        while not self._serves():
            assert self.running, f"the broker ended: {self._tail()}"
            assert time.monotonic() < deadline, f"the broker is not ready after {timeout_s:.0f} s: {self._tail()}"
            time.sleep(_POLL_S)

    def kill(self) -> None:
        """SIGKILL: what was acknowledged is in the operating system's cache, and nothing was tidied up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End in order (SIGTERM, then SIGKILL); harmless when it does not run."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """SIGSTOP: connections stay open, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        if number is not signal.SIGKILL:
            process.send_signal(signal.SIGCONT)
        try:
            process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=STOP_TIMEOUT_S)

    def _java(self, *arguments: str) -> list[str]:
        logging = [
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
        ]
        return ["java", *JVM, *logging, "-cp", f"{self._jars}/*", *arguments]

    def _launch(self) -> "subprocess.Popen[bytes]":
        tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with self.log_file.open("ab") as log:
            command = [*tied, *self._java("kafka.Kafka", str(self._config))]
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)

    def _write_config(self, properties: Mapping[str, str]) -> None:
        controller = free_port()
        own = {
            "log.dirs": str(self.folder / "data"),
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        }
        lines = [f"{name}={value}\n" for name, value in (_PROPERTIES | own | dict(properties)).items()]
        self._config.write_text("".join(lines))

    def _format(self) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
        command = self._java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._config))
        run = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_TIMEOUT_S, check=False)
        assert run.returncode == 0, run.stdout + run.stderr

    def _serves(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", self.port)):
                return False
        try:
            admin = make_client(KafkaAdminClient, bootstrap_servers=self.brokers, request_timeout_ms=3_000)
        except (KafkaError, OSError, ValueError):
            return False
        try:
            return len(admin.describe_cluster()["brokers"]) == 1
        except KafkaError:
            return False
        finally:
            admin.close()

    def _tail(self) -> str:
        return self.log_file.read_text(errors="replace")[-2_000:] if self.log_file.exists() else "no log"


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
