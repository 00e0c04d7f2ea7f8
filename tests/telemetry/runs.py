"""A platform that runs with a collector: on one machine, and on a cluster with a real broker."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from kafka import KafkaProducer

from tests.clickhouse_http.process import ClickHouseOverHttp
from tests.cluster.cluster import Cluster
from tests.kafka_broker.broker import Broker
from tests.kafka_broker.jars import BrokerNotAvailable
from tests.run.platform import Platform, running
from tests.telemetry.receiver import Receiver, SpanId, receiving
from tests.telemetry.table import DETECTOR, GATEWAY, INSIGHTS, LOADER

BATCH = "application/cloudevents-batch+json"


class Run(NamedTuple):
    """`services` gives the service.name of each role of the table."""

    receiver: Receiver
    services: dict[str, str]
    systems: str
    people: str
    logs: Path
    said: list[str]
    brokers: str = ""

    def post(self, *events: dict[str, Any], parent: SpanId | None = None, **headers: str) -> httpx.Response:
        """Send events, within a trace if one is given."""
        traced = {"traceparent": f"00-{parent.trace}-{parent.span}-01"} if parent else {}
        return httpx.post(
            f"{self.systems}/v1/events", json=list(events), headers={"content-type": BATCH} | traced | headers
        )

    def post_at_once(self, *events: dict[str, Any]) -> None:
        """Send events, each in a request of its own, so that they meet in one commit."""
        with ThreadPoolExecutor(len(events)) as pool:
            answers = list(pool.map(lambda event: self.post(event, parent=new_trace()), events))
        assert [answer.status_code for answer in answers] == [202] * len(events)

    def write_raw(self, *texts: bytes) -> None:
        """On a cluster: put records into a channel's raw topic, where identifiers stand in clear."""
        if not self.brokers:
            return
        producer = KafkaProducer(bootstrap_servers=self.brokers)
        try:
            for sent in [producer.send("channel-web", text) for text in texts]:
                sent.get(timeout=20)
        finally:
            producer.close()

    def written(self) -> str:
        """All that the services wrote to their logs, and said on the terminal."""
        lines = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(self.logs.glob("*.log"))]
        return "\n".join([*lines, *self.said])

    def scraped(self) -> str:
        """The metrics of all ports."""
        return "\n".join(httpx.get(f"{address}/metrics").text for address in (self.systems, self.people))


def new_trace() -> SpanId:
    """The span of a publisher."""
    return SpanId(secrets.token_hex(16), secrets.token_hex(8))


def event(event_id: str, **changes: Any) -> dict[str, Any]:
    """A call that was refused, just now: a friction point by itself."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "/test/telemetry",
        "type": "call.rejected",
        "time": datetime.now(UTC).isoformat(),
        "subject": f"account:{event_id}",
        "data": {"service": "housing", "channel": "phone"},
    } | changes


@contextmanager
def one_machine(folder: Path) -> Iterator[Run]:
    """`parcours run`, with commits and checkpoints that wait long enough for several traces to meet."""
    with (
        receiving() as receiver,
        running(folder, otlp_endpoint=receiver.url, linger_ms="100", checkpoint_quiet_ms="800") as platform,
    ):
        yield run_of(platform, receiver)


@contextmanager
def cluster(folder: Path) -> Iterator[Run]:
    """Every service a process of its own, round a Kafka node; the registry is a file that they share."""
    folder.mkdir()
    broker = _broker(folder / "kafka")
    with ExitStack() as stack:
        stack.callback(broker.kill)
        clickhouse = ClickHouseOverHttp(folder / "clickhouse")
        clickhouse.start()
        stack.callback(clickhouse.kill)
        receiver = stack.enter_context(receiving())
        waiting = {"linger_ms": "100", "checkpoint_quiet_ms": "800", "partitions": "1"}
        services = Cluster(folder / "services", broker, clickhouse, "", otlp_endpoint=receiver.url, **waiting)
        stack.callback(services.kill)
        services.start()
        yield Run(
            receiver=receiver,
            services={
                GATEWAY: "parcours-casework",
                DETECTOR: "parcours-detector",
                LOADER: "parcours-loader",
                INSIGHTS: "parcours-insights",
            },
            systems=services.addresses["casework"],
            people=services.addresses["insights"],
            logs=services.folder,
            said=[],
            brokers=broker.brokers,
        )


def _broker(folder: Path) -> Broker:
    try:
        return Broker(folder).start()
    except BrokerNotAvailable as error:
        pytest.skip(str(error))


def run_of(platform: Platform, receiver: Receiver) -> Run:
    """The roles of the table on one machine."""
    services = {
        GATEWAY: "parcours-ingest",
        DETECTOR: "parcours-detector",
        LOADER: "parcours-analytics",
        INSIGHTS: "parcours-analytics",
    }
    return Run(receiver, services, platform.systems, platform.people, platform.folder / "logs", platform.stderr)
