"""The HTTP server of a service: what it refuses, and how it stops."""

import json
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from services.wiring import http
from services.wiring.listener import open_listener


@pytest.fixture
def server() -> Iterator[tuple[int, threading.Event, threading.Thread]]:
    """A served app on a free port, its stop event and its thread."""
    app = FastAPI()

    @app.get("/slow")
    def slow() -> dict[str, bool]:
        time.sleep(0.5)
        return {"done": True}

    @app.get("/")
    def root() -> dict[str, bool]:
        return {"ok": True}

    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    thread = threading.Thread(target=http.serve, args=(app, open_listener("127.0.0.1", port, "PARCOURS_PORT"), stop))
    thread.start()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/")
            break
        except httpx.TransportError:
            time.sleep(0.02)
    yield port, stop, thread
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def head(port: int, data: bytes) -> bytes:
    """What the server answers to raw bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(data)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
            if b"\r\n\r\n" in answer and b"400" in answer:
                break
        return answer


def test_headers_that_are_too_large_are_refused(server: tuple[int, threading.Event, threading.Thread]) -> None:
    """A request line with headers of more than 32 kB gets 400; one just below is served."""
    port = server[0]
    large = f"GET / HTTP/1.1\r\nhost: x\r\nx-large: {'y' * http.MAX_HEAD_BYTES}\r\n\r\n".encode()
    assert head(port, large).startswith(b"HTTP/1.1 400 ")
    many = "".join(f"x-{number}: {'y' * 100}\r\n" for number in range(400))
    assert head(port, f"GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n".encode()).startswith(b"HTTP/1.1 400 ")
    fits = httpx.get(f"http://127.0.0.1:{port}/", headers={"x-large": "y" * (http.MAX_HEAD_BYTES - 500)})
    assert fits.status_code == 200


def test_a_url_that_is_too_long_is_refused(server: tuple[int, threading.Event, threading.Thread]) -> None:
    """The request line counts too."""
    assert head(server[0], f"GET /{'y' * http.MAX_HEAD_BYTES} HTTP/1.1\r\n\r\n".encode()).startswith(b"HTTP/1.1 400 ")


def test_what_is_not_http_is_refused(server: tuple[int, threading.Event, threading.Thread]) -> None:
    """Bytes that no parser knows get 400 and the connection is closed."""
    assert head(server[0], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_head_that_does_not_arrive_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, server: tuple[int, threading.Event, threading.Thread]
) -> None:
    """A client that sends nothing, or half a head, does not hold a connection for ever."""
    monkeypatch.setattr(http, "HEAD_LIMIT_S", 0.2)
    assert head(server[0], b"") == b""
    assert head(server[0], b"GET / HTTP/1.1\r\nhost:") == b""


def test_a_connection_serves_request_after_request(
    monkeypatch: pytest.MonkeyPatch, server: tuple[int, threading.Event, threading.Thread]
) -> None:
    """The limits count for each request: a connection kept alive is not ended by an earlier one."""
    monkeypatch.setattr(http, "HEAD_LIMIT_S", 0.2)
    with httpx.Client(base_url=f"http://127.0.0.1:{server[0]}") as client:
        for path in ("/", "/slow", "/", "/slow"):
            assert client.get(path, headers={"x-large": "y" * 20_000}).status_code == 200


def test_nothing_is_said_about_the_server(server: tuple[int, threading.Event, threading.Thread]) -> None:
    """The answer names no server software."""
    assert "server" not in httpx.get(f"http://127.0.0.1:{server[0]}/").headers


def test_a_request_under_way_ends_before_the_server(server: tuple[int, threading.Event, threading.Thread]) -> None:
    """Stopping lets requests that were accepted finish."""
    port, stop, thread = server
    answers: list[bytes] = []
    client = threading.Thread(target=lambda: answers.append(httpx.get(f"http://127.0.0.1:{port}/slow").content))
    client.start()
    time.sleep(0.2)
    stop.set()
    client.join(5)
    thread.join(5)
    assert json.loads(answers[0]) == {"done": True}
