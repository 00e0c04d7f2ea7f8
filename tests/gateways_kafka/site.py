"""Gateways of a cluster as processes, on a broker and a registry of their own."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import msgspec
from kafka import KafkaProducer

from services.wiring.cluster.setup import make_topics
from services.wiring.registry import open_registry
from shared.ingest.rejects import Reject
from shared.journey.codec import decode_controls, decode_events
from shared.journey.control import AnyControl
from shared.journey.event import Event
from shared.log.kafka.reader import KafkaLogReader
from shared.log.port import JOURNEY_EVENTS, REJECTED_EVENTS, Kind, StoredRecord
from shared.privacy.keys import load_or_make_keys
from shared.settings import Settings
from tests.kafka_broker.broker import Broker
from tests.run.platform import ROOT, environment, free_ports, wait_until

PARTITIONS = 2
SESSION_MS = 1_500
BATCH = "application/cloudevents-batch+json"


class GatewaySite:
    """What `setup` makes, without a store; then gateways by name."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.folder = folder
        self.broker = broker
        settings = Settings(data=folder / "data", brokers=broker.brokers, partitions=PARTITIONS)
        load_or_make_keys(settings.data / "keys")
        make_topics(settings)
        with open_registry(settings) as registry:
            registry.upgrade()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ports: dict[str, int] = {}

    def start(self, name: str, target: str | None = None) -> None:
        """Start a process; again on the port it had."""
        port = self._ports.setdefault(name, free_ports(1)[0])
        given = environment(
            self.folder / "data",
            brokers=self.broker.brokers,
            partitions=str(PARTITIONS),
            ingest_port=str(port),
            instance=name,
            group_session_ms=str(SESSION_MS),
        )
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-P", "-m", "services", "service", target or name]
            self._processes[name] = subprocess.Popen(command, cwd=self.folder, env=given, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """SIGKILL."""
        self._processes[name].kill()
        self._processes[name].wait()

    def stop(self, name: str) -> int:
        """SIGTERM; the exit status."""
        self._processes[name].send_signal(signal.SIGTERM)
        return self._processes[name].wait(20)

    def runs(self, name: str) -> bool:
        """Whether the process has not ended."""
        return self._processes[name].poll() is None

    def close(self) -> None:
        """End all."""
        for name, process in self._processes.items():
            if process.poll() is None:
                self.kill(name)

    def get(self, name: str, path: str) -> httpx.Response:
        """A page of a gateway."""
        return httpx.get(f"http://127.0.0.1:{self._ports[name]}{path}", timeout=5, trust_env=False)

    def ready(self, name: str) -> bool:
        """Whether it says so."""
        assert self.runs(name), self.said(name)
        return self.get(name, "/readyz").status_code == 200

    def wait_ready(self, *names: str) -> None:
        """Wait until all say so."""
        for name in names:
            wait_until(lambda name=name: self.ready(name), 40)

    def post(self, name: str, path: str, events: list[dict[str, object]]) -> int:
        """The status of the answer; 0 when there was none."""
        try:
            url = f"http://127.0.0.1:{self._ports[name]}{path}"
            body = msgspec.json.encode(events)
            return httpx.post(
                url, content=body, headers={"Content-Type": BATCH}, timeout=40, trust_env=False
            ).status_code
        except httpx.TransportError:
            return 0

    def said(self, name: str) -> str:
        """What a process logged."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def producer(self) -> KafkaProducer:
        """A channel system that writes to the raw topics."""
        return KafkaProducer(bootstrap_servers=self.broker.brokers, linger_ms=5)

    def records(self, topic: str = JOURNEY_EVENTS) -> list[StoredRecord]:
        """Everything in a topic."""
        reader = KafkaLogReader(self.broker.brokers, topic)
        try:
            return reader.read({}, 1 << 40)
        finally:
            reader.close()

    def events(self) -> Counter[tuple[str, str]]:
        """How often each event is stored, by identity."""
        return Counter((event.source, event.id) for event in self.stored())

    def stored(self) -> list[Event]:
        """All stored events, repeats included."""
        return [each for record in self.records() if record.kind is Kind.EVENTS for each in decode_events(record.value)]

    def controls(self, partition: int) -> list[AnyControl]:
        """The control events of a partition, in order."""
        return [
            each
            for record in self.records()
            if record.kind is Kind.CONTROL and record.partition == partition
            for each in decode_controls(record.value)
        ]

    def rejects(self) -> list[Reject]:
        """All rejects, repeats included."""
        return [
            each
            for record in self.records(REJECTED_EVENTS)
            for each in msgspec.json.decode(record.value, type=list[Reject])
        ]


__all__ = ["PARTITIONS", "ROOT", "GatewaySite", "wait_until"]
