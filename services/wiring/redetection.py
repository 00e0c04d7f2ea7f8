"""Joins the redetection job to what analytics holds: the past in ClickHouse, and the loader's positions."""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping

from services.loader.freshness import Freshness
from services.redetection.ingest_client import IngestClient
from services.redetection.job import RedetectionJobs
from services.wiring.streams import EVENTS
from shared.settings import Settings
from shared.store.client import Store
from shared.store.past import Past, read_past

DETECTED = "detected"
_COUNT = """
SELECT uniqExact(service, subject) FROM events WHERE subject != '' AND ({service:String} = '' OR service = {service:String})
"""


class LoadedPast:
    """The archive of the job: ClickHouse, as far as the loader has come."""

    def __init__(self, store: Store, freshness: Callable[[], Freshness]) -> None:
        self._store, self._freshness = store, freshness

    def count(self, service: str | None) -> int:
        """How many (subject, service) there are."""
        return int(self._store.query(_COUNT, {"service": service or ""}).rows[0][0])

    def read(self, service: str | None) -> Iterator[Past]:
        """All of them, with their events and points."""
        return (past for past in read_past(self._store) if service is None or past.service == service)

    def loaded(self) -> Mapping[int, int]:
        """The next offset of the events to load."""
        return self._next_offsets(EVENTS)

    def detected(self) -> Mapping[int, int]:
        """The next offset of the events whose points are not all loaded."""
        return self._next_offsets(DETECTED)

    def _next_offsets(self, stream: str) -> Mapping[int, int]:
        found = self._freshness().streams.get(stream)
        return {} if found is None else found.next_offsets


def build_redetections(
    settings: Settings, store: Store, freshness: Callable[[], Freshness], token: str, stop: threading.Event
) -> RedetectionJobs:
    """The job, talking to ingest on this machine."""
    ingest = IngestClient(f"http://{settings.host}:{settings.ingest_port}", token)
    return RedetectionJobs(LoadedPast(store, freshness), ingest, lambda: secrets.token_hex(8), stop)
