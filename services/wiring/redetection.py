"""Detecting the past again on one machine: analytics reads what is loaded and sends it through ingest.

Only analytics may ask ingest for that, since what it sends is taken as stored already: both know a token that is made
from the site's keys and never leaves the machine.
"""

import hashlib
import hmac
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from services.redetection.ingest_client import IngestClient
from services.redetection.job import RedetectionJobs
from services.wiring.listener import reachable_host
from services.wiring.streams import EVENTS
from shared.ingest.problem import problem_response, request_language
from shared.journey.instants import to_text
from shared.privacy.keys import Keys
from shared.settings import Settings
from shared.store.client import Store
from shared.store.past import Past, read_past

PLATFORM_ROUTES: Final = "/v1/redetections"
_DETECTED: Final = "detected"
_POSITIONS: Final = """
SELECT partition, argMax(next_offset, at) FROM positions WHERE stream = {stream:String} GROUP BY partition
"""
_JOURNEYS: Final = """
SELECT count() FROM (
    SELECT 1 FROM events WHERE subject != '' AND ({all:UInt8} OR service = {service:String}) GROUP BY subject, service)
"""


def platform_token(keys: Keys) -> str:
    """What the processes of one platform show each other."""
    return hmac.new(keys.routing, b"parcours platform token", hashlib.sha256).hexdigest()


class PlatformOnly:
    """Refuses requests to the routes of a redetection that do not show the platform's token (401)."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PLATFORM_ROUTES):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        shown = request.headers.get("authorization", "").encode("utf-8", "surrogateescape")
        if hmac.compare_digest(shown, self._expected):
            await self._app(scope, receive, send)
            return
        headers = {"WWW-Authenticate": "Bearer"}
        refusal = problem_response(401, "platform_only", request_language(request), headers=headers)
        await refusal(scope, receive, send)


class StoredPast:
    """What has been loaded, as `services.redetection.job.Archive` asks for it."""

    def __init__(self, store: Store, events: str) -> None:
        """`events` is the stream of the events."""
        self._store = store
        self._events = events

    def count(self, service: str | None) -> int:
        """How many (subject, service) there are. Raises `StoreError`."""
        return int(self._store.query(_JOURNEYS, {"all": int(service is None), "service": service or ""}).rows[0][0])

    def read(self, service: str | None) -> Iterator[Past]:
        """All of them, with their events and the points in force. Raises `StoreError`."""
        return (past for past in read_past(self._store) if service is None or past.service == service)

    def loaded(self) -> Mapping[int, int]:
        """The next offset of the log to load, per partition."""
        return self._next_offsets(self._events)

    def detected(self) -> Mapping[int, int]:
        """The next offset of the log whose points are not all loaded, per partition."""
        return self._next_offsets(_DETECTED)

    def _next_offsets(self, stream: str) -> Mapping[int, int]:
        return dict(self._store.query(_POSITIONS, {"stream": stream}).rows)


def build_redetections(
    settings: Settings, store: Store, keys: Keys, now_us: Callable[[], int], stop: threading.Event, events: str = EVENTS
) -> RedetectionJobs:
    """The job; a run is named for the instant of its start. What an earlier process left open is ended."""
    address = settings.ingest_url or f"http://{reachable_host(settings.host)}:{settings.ingest_port}"
    ingest = IngestClient(address, platform_token(keys))
    jobs = RedetectionJobs(StoredPast(store, events), ingest, lambda: to_text(now_us()), stop)
    jobs.end_unfinished()
    return jobs
