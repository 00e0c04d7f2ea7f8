"""Open pages of alerts without a browser: each is told by server-sent events and asks for the list, as `static/alerts.js` does."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Final

import uvloop
from msgspec import Struct

_LARGEST_BYTES: Final = 2**24
_NEWS: Final = (b"event: changes", b"event: unknown")


class Listed(Struct, frozen=True):
    """One request for the list: when it was sent and answered (s, of `time.monotonic`), and its status."""

    sent_s: float
    answered_s: float
    status: int


class Page:
    """One page. `names`: what is looked for in its lists.

    `news_s`: when it was told of changes; `lists`: what it asked for; `seen_s`: when the first list with a name stood on it.
    """

    def __init__(self, port: int, names: re.Pattern[bytes], query: str = "") -> None:
        self._port = port
        self._names = names
        self._path = f"/alerts/list{query}"
        self._asked = asyncio.Event()
        self._tag = b""
        self.news_s: list[float] = []
        self.lists: list[Listed] = []
        self.seen_s: dict[bytes, float] = {}

    async def follow(self) -> None:
        """Stay open until cancelled."""
        await asyncio.gather(self._listen(), self._ask())

    async def _listen(self) -> None:
        reader, writer = await self._connect()
        try:
            await self._hear(reader, writer)
        finally:
            writer.close()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_request("/api/v1/alerts/events", b"accept: text/event-stream\r\n"))
        head = await reader.readuntil(b"\r\n\r\n")
        _check(_status(head) == 200, head)
        while True:
            event = await reader.readuntil(b"\n\n")
            if any(each in event for each in _NEWS):
                self.news_s.append(time.monotonic())
                self._asked.set()

    async def _ask(self) -> None:
        """One request at a time; what is told meanwhile leads to one more."""
        self._asked.set()
        reader, writer = await self._connect()
        try:
            while True:
                await self._asked.wait()
                self._asked.clear()
                sent_s = time.monotonic()
                try:
                    await self._fetch(sent_s, reader, writer)
                except (asyncio.IncompleteReadError, ConnectionError):  # the server closes connections that rest
                    writer.close()
                    reader, writer = await self._connect()
                    await self._fetch(sent_s, reader, writer)
        finally:
            writer.close()

    async def _fetch(self, sent_s: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        known = b"if-none-match: %b\r\n" % self._tag if self._tag else b""
        writer.write(_request(self._path, known))
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(int(_field(head, b"content-length") or 0))
        status, answered_s = _status(head), time.monotonic()
        _check(status in (200, 304), head)
        self.lists.append(Listed(sent_s, answered_s, status))
        if status == 200:
            self._tag = _field(head, b"etag")
            for name in self._names.findall(body):
                self.seen_s.setdefault(name, answered_s)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port, limit=_LARGEST_BYTES)


@contextmanager
def opened(pages: Sequence[Page]) -> Iterator[Callable[[], None]]:
    """The pages are open while the block runs, in a thread of their own; what is given raises what closed one of them."""
    stop = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        following = asyncio.gather(*(page.follow() for page in pages))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait((following, stopping), return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            following.cancel()
        with suppress(asyncio.CancelledError):
            await following

    with ThreadPoolExecutor(1, thread_name_prefix="pages") as executor:
        done = executor.submit(uvloop.run, run())

        def check() -> None:
            if done.done():
                done.result()
                raise RuntimeError("the pages are closed")

        try:
            yield check
        finally:
            if loops and not done.done():
                loops[0].call_soon_threadsafe(stop.set)
            done.result()


def await_on_pages(condition: Callable[[], bool], check: Callable[[], None], limit_s: float) -> None:
    """Wait until the condition holds. Raises `TimeoutError`, and what closed a page."""
    deadline_s = time.monotonic() + limit_s
    while not condition():
        check()
        if time.monotonic() > deadline_s:
            raise TimeoutError("what was expected did not come onto the pages in time")
        time.sleep(0.02)


def _request(path: str, fields: bytes) -> bytes:
    return b"GET %b HTTP/1.1\r\nhost: 127.0.0.1\r\naccept-language: en\r\n%b\r\n" % (path.encode(), fields)


def _status(head: bytes) -> int:
    return int(head.split(b" ", 2)[1])


def _field(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return b""


def _check(holds: bool, head: bytes) -> None:
    if not holds:
        raise RuntimeError(f"a page got {head!r}")
