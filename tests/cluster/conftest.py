"""A cluster for the tests: a broker, ClickHouse over HTTP and PostgreSQL of its own, and every service as a process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clickhouse_http.process import ClickHouseOverHttp
from tests.cluster.cluster import Cluster
from tests.kafka_broker.broker import Broker
from tests.registry.postgresql import PostgreSQL, missing


@pytest.fixture
def cluster_of(own_broker: Broker, tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Makes a cluster that has not been started, under a rule file's text; it ends with the test."""
    lacking = missing()
    if lacking:
        pytest.skip(lacking)
    with ExitStack() as stack:
        clickhouse = ClickHouseOverHttp(tmp_path / "clickhouse")
        clickhouse.start()
        stack.callback(clickhouse.kill)
        registry = PostgreSQL()
        stack.callback(registry.remove)
        registry.start()

        def make(rules: str, **settings: str) -> Cluster:
            (tmp_path / "rules.toml").write_text(rules, encoding="utf-8")
            cluster = Cluster(
                tmp_path / "cluster",
                own_broker,
                clickhouse,
                registry.url,
                rules=str(tmp_path / "rules.toml"),
                **settings,
            )
            stack.callback(cluster.kill)
            return cluster

        yield make
