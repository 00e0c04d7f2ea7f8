"""The platforms on which the table of edges is asserted."""

from collections.abc import Iterator

import pytest

from tests.telemetry.runs import Run, cluster, one_machine

RUNS = {"one machine": one_machine, "cluster": cluster}


@pytest.fixture(scope="package", params=["one machine", pytest.param("cluster", marks=pytest.mark.kafka)])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A running platform whose signals are collected."""
    with RUNS[request.param](tmp_path_factory.mktemp("telemetry") / "data") as running:
        yield running
