"""Server-sent events of alerts: one poller for all who listen, so that fifty pages ask the registry no more than one."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final

import msgspec
from starlette.concurrency import run_in_threadpool

from services.insights.alerts_state import AlertsState
from shared.errors import ParcoursError

POLL_S: Final = 0.25
"""An alert is on the page within two seconds: this is the part of the way here."""
HEARTBEAT_S: Final = 15.0
"""Shorter than the minute after which proxies close a connection that says nothing."""
MAX_LISTENERS: Final = 200
"""Four times the fifty pages that are open in a busy operations room."""
RETRY_MS: Final = 3_000
"""Browsers connect again after so long."""
HEARTBEAT: Final = b"event: heartbeat\ndata: {}\n\n"
"""An event, not a comment: pages cannot see comments, and notice by the heartbeats that a connection is dead."""

_RETRY: Final = f"retry: {RETRY_MS}\n\n".encode()

_log = logging.getLogger(__name__)

UNKNOWN: Final = b"event: unknown\ndata: {}\n\n"
"""The registry does not answer: nobody knows whether alerts changed."""


class AlertsFeed:
    """Tells listeners when alerts changed. read: the present state; stopping: whether the server ends."""

    def __init__(
        self,
        read: Callable[[], AlertsState],
        stopping: Callable[[], bool],
        *,
        poll_s: float = POLL_S,
        heartbeat_s: float = HEARTBEAT_S,
        max_listeners: int = MAX_LISTENERS,
    ) -> None:
        self._read = read
        self._stopping = stopping
        self._poll_s = poll_s
        self._heartbeat_s = heartbeat_s
        self._max_listeners = max_listeners
        self._listeners: set[asyncio.Event] = set()
        self._event = b""
        self._poller: asyncio.Task[None] | None = None

    def full(self) -> bool:
        """Whether nobody else can listen now."""
        return len(self._listeners) >= self._max_listeners

    async def listen(self) -> AsyncIterator[bytes]:
        """What changed since the listener came, and that it did not for long, until the server stops.

        `changes` tells the state, first the present one; `unknown` that the registry does not answer. It ends at once where
        many came at the same moment and the others are enough.
        """
        if self.full():
            yield _RETRY
            return
        news = asyncio.Event()
        self._listeners.add(news)
        self._keep_polled()
        told = b""
        try:
            yield _RETRY
            while not self._stopping():
                news.clear()
                if self._event != told:
                    told = self._event
                    yield told
                elif not await self._wait(news):
                    self._keep_polled()
                    yield HEARTBEAT
        finally:
            self._listeners.discard(news)

    async def _wait(self, news: asyncio.Event) -> bool:
        """Whether there was something before the next heartbeat."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._heartbeat_s):
                await news.wait()
                return True
        return False

    def _keep_polled(self) -> None:
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())

    async def _poll(self) -> None:
        """Ask while anybody listens."""
        while self._listeners and not self._stopping():
            event = await self._look()
            if event != self._event:
                self._event = event
                self._wake()
            await asyncio.sleep(self._poll_s)
        self._event = b""
        self._wake()

    async def _look(self) -> bytes:
        try:
            state = await run_in_threadpool(self._read)
        except ParcoursError:
            if self._event != UNKNOWN:
                _log.warning("the registry does not answer: pages of alerts hear of no changes")
            return UNKNOWN
        return _event(state)

    def _wake(self) -> None:
        for each in self._listeners:
            each.set()


def _event(state: AlertsState) -> bytes:
    """Without the instants: they change with each round, which alone is no news."""
    undelivered = sum(each.waiting for each in state.undelivered)
    told = {"changes": state.changes, "watch": state.watch, "undelivered": undelivered}
    return b"id: %d\nevent: changes\ndata: %b\n\n" % (state.changes, msgspec.json.encode(told))
