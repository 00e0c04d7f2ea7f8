"""The feed of server-sent events alone: heartbeats, a registry that does not answer, the end of the server."""

import asyncio
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from services.insights.alerts_feed import HEARTBEAT, UNKNOWN, AlertsFeed
from services.insights.alerts_state import AlertsState
from services.insights.meters import InsightsMeters
from shared.errors import RegistryError


class Site:
    """What the feed asks: a state, or an error; and whether the server stops."""

    def __init__(self) -> None:
        self.changes = 1
        self.broken = False
        self.stopping = False
        self.asked = 0

    def read(self) -> AlertsState:
        self.asked += 1
        if self.broken:
            raise RegistryError("no answer")
        return AlertsState(changes=self.changes, watch="looking", looked_us=self.asked, through_us=None)

    def feed(self, heartbeat_s: float = 5.0, max_listeners: int = 2) -> AlertsFeed:
        return AlertsFeed(
            self.read, lambda: self.stopping, poll_s=0.01, heartbeat_s=heartbeat_s, max_listeners=max_listeners
        )


async def told(stream: AsyncIterator[bytes]) -> bytes:
    """The next that a listener hears."""
    return await asyncio.wait_for(anext(stream), 10)


def test_a_listener_hears_the_state_then_each_change() -> None:
    """A round that changes nothing but its instant is no news."""

    async def listen() -> None:
        site = Site()
        stream = site.feed().listen()
        assert (await told(stream)).startswith(b"retry: ")
        first = (await told(stream)).decode().splitlines()
        assert first[:2] == ["id: 1", "event: changes"]
        assert json.loads(first[2].removeprefix("data: ")) == {"changes": 1, "watch": "looking", "undelivered": 0}
        waiting = asyncio.ensure_future(told(stream))
        await asyncio.sleep(0.1)
        assert site.asked > 2
        assert not waiting.done()
        site.changes = 5
        assert (await waiting).startswith(b"id: 5\n")
        await stream.aclose()

    asyncio.run(listen())


def test_many_who_come_at_once_are_no_more_than_the_bound() -> None:
    """They were let in before any of them was counted; those beyond the bound are sent away and come back later."""

    async def listen() -> None:
        feed = Site().feed(max_listeners=2)
        streams = [feed.listen() for _ in range(5)]
        assert not feed.full()
        assert all([(await told(each)).startswith(b"retry: ") for each in streams])
        for each in streams[:2]:
            assert b"event: changes" in await told(each)
        for each in streams[2:]:
            with pytest.raises(StopAsyncIteration):
                await told(each)
        for each in streams[:2]:
            await each.aclose()
        assert not feed.full()

    asyncio.run(listen())


def test_silence_is_broken_by_heartbeats() -> None:
    """They are events, which a page can see."""

    async def listen() -> None:
        stream = Site().feed(heartbeat_s=0.05).listen()
        heard = [await told(stream) for _ in range(4)]
        assert heard[-1] == HEARTBEAT
        assert HEARTBEAT.startswith(b"event: ")
        await stream.aclose()

    asyncio.run(listen())


def test_a_registry_that_does_not_answer_is_told_and_recovers() -> None:
    """`unknown` once, then the state again."""

    async def listen() -> None:
        site = Site()
        stream = site.feed().listen()
        await told(stream)
        await told(stream)
        site.broken = True
        assert await told(stream) == UNKNOWN
        site.broken = False
        assert (await told(stream)).startswith(b"id: 1\n")
        await stream.aclose()

    asyncio.run(listen())


def test_nobody_is_asked_when_nobody_listens() -> None:
    """The poller ends with the last listener, and begins with the next; places are free again."""

    async def listen() -> None:
        site = Site()
        feed = site.feed(max_listeners=2)
        streams = [feed.listen(), feed.listen()]
        for each in streams:
            await told(each)
        assert feed.full()
        for each in streams:
            await each.aclose()
        assert not feed.full()
        await asyncio.sleep(0.1)
        asked = site.asked
        await asyncio.sleep(0.1)
        assert site.asked == asked
        again = feed.listen()
        await told(again)
        assert (await told(again)).startswith(b"id: 1\n")
        await again.aclose()

    asyncio.run(listen())


def test_the_stream_ends_with_the_server() -> None:
    """Without waiting for a heartbeat."""

    async def listen() -> None:
        site = Site()
        stream = site.feed(heartbeat_s=60).listen()
        await told(stream)
        await told(stream)
        site.stopping = True
        assert [each async for each in stream] in ([], [b""])

    asyncio.run(asyncio.wait_for(listen(), 10))


def test_listening_for_an_hour_is_no_slow_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted, but not among the times that tell how fast the server answers."""
    meters = InsightsMeters()
    counted: list[str] = []
    timed: list[str] = []
    monkeypatch.setattr(meters, "_requests", SimpleNamespace(add=lambda _, labels: counted.append(labels["route"])))
    monkeypatch.setattr(meters, "_request_s", SimpleNamespace(record=lambda _, labels: timed.append(labels["route"])))
    for route in ("/alerts", "/api/v1/alerts/events"):
        meters.observe_request(route, 200, 3_600.0)
    assert counted == ["/alerts", "/api/v1/alerts/events"]
    assert timed == ["/alerts"]
