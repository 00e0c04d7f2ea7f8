"""A redetection that a kill cut off does not stay open."""

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from services.redetection.ingest_client import IngestClient
from services.redetection.job import RedetectionJobs
from shared.journey.control import RedetectionFinished, RedetectionStarted
from shared.store.past import Past
from tests.ingest.parts import Served, serve


class NothingLoaded:
    """An archive that no one reads here."""

    def count(self, service: str | None) -> int:
        raise AssertionError(service)

    def read(self, service: str | None) -> Iterator[Past]:
        raise AssertionError(service)

    def loaded(self) -> Mapping[int, int]:
        return {}

    def detected(self) -> Mapping[int, int]:
        return {}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A running gateway."""
    with serve(tmp_path) as running:
        yield running


def jobs(client: IngestClient) -> RedetectionJobs:
    """What analytics makes at its start."""
    return RedetectionJobs(NothingLoaded(), client, lambda: "2026-11-22T08:00:00Z", threading.Event())


def test_what_an_earlier_process_left_open_is_ended(served: Served) -> None:
    """The end of a run stands in the log soon after the process that did not finish it has been started again."""
    client = IngestClient(f"http://127.0.0.1:{served.port}", "token")
    client.start("cut off")
    jobs(client).end_unfinished()
    deadline_s = time.monotonic() + 20
    while RedetectionFinished not in {type(control) for control in served.controls()}:
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    client.close()
    kinds = [type(control) for control in served.controls()]
    assert kinds.index(RedetectionStarted) < kinds.index(RedetectionFinished)


def test_a_gateway_that_is_away_is_said_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    """Without ingest nothing can be ended: one warning, and the process goes on."""
    client = IngestClient("http://127.0.0.1:9", "token", sleep=lambda _seconds: None)
    jobs(client).end_unfinished()
    deadline_s = time.monotonic() + 20
    while not caplog.records:
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    client.close()
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "an unfinished redetection may still be open; the next run ends it"
    ]
