"""A real HTTP server that answers as a test says: for what a platform in good health never does."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    """What is answered; a status of 0 closes the connection without an answer."""

    status: int
    document: Any = None
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


class Script(NamedTuple):
    """Where the server answers, and what it was asked so far."""

    url: str
    asked: list[Asked]


@contextmanager
def scripted_server(answer: Callable[[Asked], Answer]) -> Iterator[Script]:
    """A server on a free port of this machine; one request at a time."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            request = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            asked.append(request)
            status, document, headers = answer(request)
            if status == 0:
                self.close_connection = True
                return
            value = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, text in {"Content-Length": str(len(value)), **headers}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(value)

        def log_message(self, *_: object) -> None:
            pass

    Handler.do_GET = Handler.do_POST = Handler.handle_any

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Script(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
