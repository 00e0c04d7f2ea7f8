"""Asks ingest to write a redetection's control events into the log, over HTTP."""

import time
from collections.abc import Callable, Sequence
from typing import Final

import httpx
import msgspec

from shared.errors import Unreachable
from shared.journey.control import JourneyReplayed

TRIES: Final = 8
FIRST_WAIT_S: Final = 0.2
TIMEOUT_S: Final = 30.0


class Reached(msgspec.Struct):
    """How far the log reaches: the offset after the last record, per partition."""

    log_id: str
    ends: dict[int, int]


class IngestClient:
    """Each call is answered once its control events are durable. Raises `Unreachable` after `TRIES` tries."""

    def __init__(self, address: str, token: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = httpx.Client(
            base_url=address, timeout=TIMEOUT_S, headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )
        self._sleep = sleep

    def start(self, run: str) -> Reached:
        """`redetection.started`"""
        return self._post("/v1/redetections", msgspec.json.encode({"run": run}))

    def replay(self, parts: Sequence[JourneyReplayed]) -> Reached:
        """`journey.replayed`"""
        return self._post("/v1/redetections/replay", msgspec.json.encode(parts))

    def finish(self, run: str) -> Reached:
        """`redetection.finished`"""
        return self._post("/v1/redetections/finish", msgspec.json.encode({"run": run}))

    def close(self) -> None:
        """Release the connection."""
        self._client.close()

    def _post(self, path: str, body: bytes) -> Reached:
        problem = ""
        for attempt in range(TRIES):
            if attempt:
                self._sleep(FIRST_WAIT_S * 2 ** (attempt - 1))
            try:
                response = self._client.post(path, content=body, headers={"Content-Type": "application/json"})
            except httpx.TransportError as error:
                problem = str(error) or type(error).__name__
                continue
            if response.status_code == httpx.codes.ACCEPTED:
                return msgspec.json.decode(response.content, type=Reached, strict=False)
            problem = f"status {response.status_code}"
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
        raise Unreachable(f"ingest at {self._client.base_url} did not take {path}: {problem}")
