"""Events to the gateways: the client side of `/v1/events` and `/v1/imports`."""

from typing import Final, Literal

import httpx
import msgspec
from msgspec import Struct

from shared.client.http_client import ServiceClient
from shared.errors import ParcoursError

EVENTS_PATH: Final = "/v1/events"
BATCH_TYPE: Final = "application/cloudevents-batch+json"
MAX_BATCH_EVENTS: Final = 1_000
MAX_BATCH_BYTES: Final = 4_000_000
"""What a gateway takes in one request."""
_ANSWERED: Final = frozenset({202, 422})
_UNREADABLE: Final = 400


class Ends(Struct, frozen=True):
    """Where a log stands: its identity, and the next offset of each partition."""

    log_id: str
    ends: dict[str, int]


class EventResult(Struct, frozen=True):
    """What became of one event of a request; `reason` and `pointer` say why it was rejected."""

    status: Literal["accepted", "duplicate", "rejected"]
    reason: str = ""
    pointer: str = ""
    detail: str = ""


class _Answer(Struct):
    results: list[EventResult]


class _Problem(Struct):
    """A problem document: what a request whose only event is not even JSON gets."""

    reason: str = ""
    detail: str = ""


class IngestClient(ServiceClient):
    """The gateways."""

    def start_import(self, source: str) -> Ends:
        """Announces the source: from here on its clock is its own latest time."""
        return self._announce("/v1/imports", source)

    def finish_import(self, source: str) -> Ends:
        """Says that all of the source was sent; where the log ends with it."""
        return self._announce("/v1/imports/finish", source)

    def send(
        self,
        body: bytes,
        events: int,
        *,
        path: str = EVENTS_PATH,
        content_type: str = BATCH_TYPE,
        lang: str = "en",
    ) -> list[EventResult]:
        """Sends a body of so many events; what became of each, in order, once the accepted are durable.

        Sending a body again is harmless: an event counts once. Raises `ParcoursError` when the body as a whole is refused.
        """
        headers = {"Content-Type": content_type, "Accept-Language": lang}
        response = self.request("POST", path, content=body, headers=headers)
        if response.status_code == _UNREADABLE and events == 1:
            problem: _Problem = self.decoded(response, _Problem)
            return [EventResult("rejected", problem.reason, "", problem.detail)]
        if response.status_code not in _ANSWERED:
            raise self.refusal(response)
        return self._results(response, events)

    def _results(self, response: httpx.Response, events: int) -> list[EventResult]:
        results: list[EventResult] = self.decoded(response, _Answer).results
        if len(results) != events:
            raise ParcoursError(f"{response.url} answers {len(results)} results for {events} events")
        return results

    def _announce(self, path: str, source: str) -> Ends:
        headers = {"Content-Type": "application/json"}
        response = self.request("POST", path, content=msgspec.json.encode({"source": source}), headers=headers)
        if not response.is_success:
            raise self.refusal(response)
        ends: Ends = self.decoded(response, Ends)
        return ends
