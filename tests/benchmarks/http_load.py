"""A load generator that costs little: requests prepared as bytes, sent over connections that stay open."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

import msgspec
import uvloop

from tests.ingest.parts import BATCH, SINGLE


def batch_request(events: Sequence[object]) -> bytes:
    """A POST of events as one batch."""
    return _request(msgspec.json.encode(events), BATCH)


def single_request(event: object) -> bytes:
    """A POST of one event."""
    return _request(msgspec.json.encode(event), SINGLE)


def _request(body: bytes, media_type: str) -> bytes:
    head = f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Connection:
    """One connection to a gateway; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def post(self, request: bytes) -> None:
        """Send a prepared request and read its answer. Raises `RuntimeError` unless that is 202."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        fields = head.lower().split(b"\r\n")
        length = next(int(field[15:]) for field in fields if field.startswith(b"content-length:"))
        body = await self._reader.readexactly(length)
        if b" 202 " not in head[:16]:
            raise RuntimeError(f"{head!r}{body[:200]!r}")

    def close(self) -> None:
        """End the connection."""
        self._writer.close()


def with_connections(port: int, count: int, work: Callable[[Connection], Awaitable[int]]) -> int:
    """Run `work` on each of `count` connections at once; the sum of what they give."""

    async def run() -> int:
        connections = [Connection(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(count)]
        try:
            return sum(await asyncio.gather(*(work(connection) for connection in connections)))
        finally:
            for connection in connections:
                connection.close()

    return uvloop.run(run())


def post_for(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> int:
    """Post requests, from the start again when they are used up, for some seconds; how many were answered."""
    end_s = time.monotonic() + seconds
    numbers = iter(range(10**9))

    async def work(connection: Connection) -> int:
        answered = 0
        while time.monotonic() < end_s:
            await connection.post(requests[next(numbers) % len(requests)])
            answered += 1
        return answered

    return with_connections(port, connections, work)


def post_once(port: int, requests: Sequence[bytes], connections: int) -> int:
    """Post every request once, as fast as they are answered; how many there were."""
    waiting = iter(requests)

    async def work(connection: Connection) -> int:
        answered = 0
        for request in waiting:
            await connection.post(request)
            answered += 1
        return answered

    return with_connections(port, connections, work)


def post_at_rate(
    port: int, requests: Sequence[bytes], connections: int, a_second: float, answered: Callable[[float], None]
) -> int:
    """Post requests at their due times, one by one `1 / a_second` apart, whatever the answers take.

    `answered` is called after each answer with the time (of `time.monotonic`) at which its request was due.
    """
    start_s = time.monotonic()
    waiting: Iterator[tuple[int, bytes]] = iter(enumerate(requests))

    async def work(connection: Connection) -> int:
        count = 0
        for number, request in waiting:
            due_s = start_s + number / a_second
            await asyncio.sleep(max(due_s - time.monotonic(), 0))
            await connection.post(request)
            answered(due_s)
            count += 1
        return count

    return with_connections(port, connections, work)
