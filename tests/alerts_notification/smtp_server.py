"""A real SMTP server on this machine, as far as a sender goes: EHLO, STARTTLS, AUTH PLAIN, MAIL, RCPT, DATA."""

import asyncio
import base64
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple


class Mail(NamedTuple):
    """One mail as it was taken."""

    sender: str
    to: tuple[str, ...]
    content: bytes
    encrypted: bool
    user: str


class MailServer:
    """Takes mails into `mails`. `replies`: what to answer to a command (or `greeting`, `content`, `silent`) instead."""

    def __init__(self, context: ssl.SSLContext | None, *, tls_from_the_start: bool = False, auth: str = "") -> None:
        self.mails: list[Mail] = []
        self.commands: list[str] = []
        self.replies: dict[str, str] = {}
        self.port = 0
        self._context = context
        self._from_the_start = tls_from_the_start
        self._auth = auth

    async def start(self) -> asyncio.Server:
        """Listen on a free port."""
        context = self._context if self._from_the_start else None
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await _Session(self, reader, writer).run()
                await writer.drain()
                writer.close()
                await asyncio.wait_for(writer.wait_closed(), 1)
        finally:
            writer.transport.abort()


class _Session:
    def __init__(self, server: MailServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._encrypted = server._from_the_start
        self._user = self._sender = ""
        self._to: list[str] = []

    async def run(self) -> None:
        """Answer until QUIT."""
        if "silent" in self._server.replies:
            await self._reader.read()
            return
        await self._say(self._server.replies.get("greeting", "220 mail.example ESMTP"))
        while line := (await self._reader.readline()).decode().rstrip("\r\n"):
            command = line.split(" ")[0].upper()
            self._server.commands.append(line)
            if command in self._server.replies or line in self._server.replies:
                await self._say(self._server.replies.get(line) or self._server.replies[command])
                if command != "EHLO":
                    continue
            if not await self._do(command, line):
                return

    async def _do(self, command: str, line: str) -> bool:
        match command:
            case "EHLO":
                offers = ["STARTTLS"] if self._server._context and not self._encrypted else ["AUTH PLAIN"]
                await self._say(
                    "250-mail.example\r\n" + "".join(f"250-{each}\r\n" for each in offers) + "250 SIZE 100000"
                )
            case "STARTTLS":
                await self._say("220 go on")
                await self._writer.start_tls(self._server._context)  # type: ignore[arg-type]
                self._encrypted = True
            case "AUTH":
                await self._log_in(line.split(" ")[2])
            case "MAIL":
                self._sender, self._to = line.partition("<")[2].partition(">")[0], []
                await self._say("250 ok")
            case "RCPT":
                self._to.append(line.partition("<")[2].partition(">")[0])
                await self._say("250 ok")
            case "DATA":
                await self._take()
            case "QUIT":
                await self._say("221 bye")
                return False
            case _:
                await self._say("250 ok")
        return True

    async def _log_in(self, credentials: str) -> None:
        _, user, password = base64.b64decode(credentials).decode().split("\0")
        self._user = user
        await self._say("235 ok" if f"{user}:{password}" == self._server._auth else "535 no")

    async def _take(self) -> None:
        await self._say("354 go on")
        content = b""
        while (line := await self._reader.readline()) not in {b".\r\n", b""}:
            content += line[1:] if line.startswith(b".") else line
        reply = self._server.replies.get("content", "250 taken")
        if reply.startswith("2"):
            mail = Mail(self._sender, tuple(self._to), content, self._encrypted, self._user)
            self._server.mails.append(mail)
        await self._say(reply)

    async def _say(self, text: str) -> None:
        self._writer.write(text.encode() + b"\r\n")
        await self._writer.drain()


@contextmanager
def running(server: MailServer) -> Iterator[MailServer]:
    """The server, in a thread of its own."""
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server
    finally:

        async def end() -> None:
            listening.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await asyncio.sleep(0.05)  # so that connections that were broken off are closed

        asyncio.run_coroutine_threadsafe(end(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
