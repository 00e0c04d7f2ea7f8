"""A Kafka broker, ClickHouse over HTTP and a registry, set up for a cluster; services of it as processes."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from services.wiring.cluster.setup import run_setup
from shared.registry.registry import Registry
from shared.settings import Settings, read_settings
from shared.store.client import Store
from tests.clickhouse_http.process import ClickHouseOverHttp
from tests.fixtures_store import MEMORY_MB, QUERY_LIMIT_S
from tests.kafka_broker.broker import Broker
from tests.kafka_broker.jars import BrokerNotAvailable
from tests.run.platform import ROOT, free_ports

PARTITIONS = 3
Start = Callable[..., "subprocess.Popen[bytes]"]


class Site:
    """The settings of a cluster, as a process reads them and as Python does, and its servers."""

    def __init__(self, folder: Path, broker: Broker, clickhouse: ClickHouseOverHttp) -> None:
        self.folder = folder
        self.broker = broker
        self.clickhouse = clickhouse
        self.port = free_ports(1)[0]
        self.environment: Mapping[str, str] = {
            "PARCOURS_DATA": str(folder / "data"),
            "PARCOURS_BROKERS": broker.brokers,
            "PARCOURS_CLICKHOUSE": clickhouse.dsn.replace("/default", "/parcours"),
            "PARCOURS_REGISTRY": f"sqlite:///{folder / 'registry.sqlite'}",
            "PARCOURS_PARTITIONS": str(PARTITIONS),
            "PARCOURS_PORT": str(self.port),
        }

    @property
    def settings(self) -> Settings:
        """As Python reads them."""
        return read_settings(self.environment)

    def start(self, service: str, **settings: str) -> "subprocess.Popen[bytes]":
        """A service as a process; its log lies beside the data."""
        named = {f"PARCOURS_{name.upper()}": value for name, value in settings.items()}
        log = (self.folder / f"{service}-{settings.get('instance', '')}.log").open("ab")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", "services", "service", service],
                cwd=ROOT,
                env={**os.environ, **self.environment, **named},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cluster's servers, set up; nothing runs."""
    folder = tmp_path_factory.mktemp("cluster")
    try:
        broker = Broker(tmp_path_factory.mktemp("kafka")).start()
    except BrokerNotAvailable as error:
        pytest.skip(str(error))
    clickhouse = ClickHouseOverHttp(folder / "clickhouse")
    clickhouse.start()
    site = Site(folder, broker, clickhouse)
    run_setup(site.settings, threading.Event())
    yield site
    clickhouse.kill()
    broker.kill()


@pytest.fixture
def store(site: Site) -> Iterator[Store]:
    """Its ClickHouse."""
    store = Store(site.settings.clickhouse, MEMORY_MB, QUERY_LIMIT_S)
    yield store
    store.close()


@pytest.fixture
def registry(site: Site) -> Iterator[Registry]:
    """Its registry."""
    with Registry(site.settings.registry) as registry:
        yield registry


@pytest.fixture
def start(site: Site) -> Iterator[Start]:
    """Starts a service of the cluster; what still runs at the end is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def start_it(service: str, **settings: str) -> "subprocess.Popen[bytes]":
        started.append(site.start(service, **settings))
        return started[-1]

    yield start_it
    for process in started:
        process.kill()
        process.wait()
