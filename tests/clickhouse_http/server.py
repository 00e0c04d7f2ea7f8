"""ClickHouse's HTTP protocol over chDB, for tests: `python -m tests.clickhouse_http.server FOLDER PORT USER PASSWORD`.

As much of the protocol as clickhouse-connect's HTTP client uses. What differs from a server: an empty answer in Native
format has no names of columns, `client_protocol_version` is ignored, an error within a streamed answer cuts it.
"""

import base64
import ctypes
import gzip
import hmac
import json
import signal
import socket
import struct
import sys
import time
import zlib
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import HTTP
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import lz4.frame

from tests.clickhouse_http.engine import Answer, Engine, Refused, Request, summary
from tests.clickhouse_http.faults import Fault, Faults

MEMORY_BYTES: Final = 1 << 30
_TRANSPORT: Final = {
    "query", "database", "default_format", "session_id", "session_timeout", "session_check", "query_id", "quota_key",
    "user", "password", "role", "compress", "decompress", "buffer_size", "wait_end_of_query", "client_protocol_version",
    "enable_http_compression", "send_progress_in_http_headers", "http_headers_progress_interval_ms",
    "cancel_http_readonly_queries_on_client_close",
}  # fmt: skip
_STATUS: Final = {60: 404, 81: 404, 516: 403, 164: 403, 497: 403, 159: 408, 202: 503, 241: 500, 62: 400, 47: 404}
_READ_BYTES: Final = 1 << 20


class Front(ThreadingHTTPServer):
    """The server: one engine, one user, the faults ordered."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], engine: Engine, user: str, password: str) -> None:
        self.engine = engine
        self.faults = Faults()
        self.credentials = f"{user}:{password}".encode()
        super().__init__(address, Handler)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Front
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        """`/ping`, or a statement of the URL, which then may not write."""
        if urlsplit(self.path).path in {"/ping", "/"} and "query=" not in self.path:
            self._answer(HTTPStatus.OK, b"Ok.\n")
        else:
            self._statement(b"", readonly="2")

    def do_POST(self) -> None:
        """A statement, or `/faults`."""
        try:
            body = self._body()
        except (ValueError, OSError, RuntimeError):
            self.close_connection = True
            return
        if urlsplit(self.path).path == "/faults":
            self.server.faults.order(Fault(**json.loads(body)))
            self._answer(HTTPStatus.OK, b"Ok.\n")
        elif urlsplit(self.path).path == "/struck":
            self._answer(HTTPStatus.OK, str(self.server.faults.struck).encode())
        else:
            self._statement(body, readonly="")

    def _statement(self, body: bytes, readonly: str) -> None:
        if not self._known_user():
            text = "Code: 516. DB::Exception: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)"
            self._refuse(Refused(text))
            return
        asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        if self.headers.get("Content-Type", "").startswith("multipart/form-data"):
            asked |= _form(self.headers["Content-Type"], body)
            body = b""
        request = _request(asked, body, readonly)
        fault = self.server.faults.strike(request.statement[:20_000].decode("utf-8", "replace"))
        if fault is not None and (fault.code or fault.moment == "before"):
            self._refuse(
                Refused(f"Code: {fault.code}. DB::Exception: as ordered. (ORDERED)")
            ) if fault.code else self._cut()
            return
        if fault is not None and fault.moment == "during":
            self._cut()
        if fault is not None:
            time.sleep(fault.delay_s)
        try:
            if fault is None and asked.get("wait_end_of_query") != "1" and _is_native_query(request):
                self._stream(self.server.engine.stream(request))
                return
            answer = self.server.engine.run(request)
        except Refused as refused:
            if fault is None:
                self._refuse(refused)
            return
        if fault is None:
            self._answer_rows(answer, asked)
        elif fault.moment == "after":
            self._cut()

    def _answer_rows(self, answer: Answer, asked: dict[str, str]) -> None:
        headers = {
            "X-ClickHouse-Summary": summary(answer),
            "X-ClickHouse-Query-Id": asked.get("query_id", str(uuid4())),
        }
        if answer.fmt:
            headers["X-ClickHouse-Format"] = answer.fmt
        body = answer.body
        if asked.get("enable_http_compression") == "1" and body:
            accepted = [name.strip() for name in self.headers.get("Accept-Encoding", "").split(",")]
            if "lz4" in accepted:
                body, headers["Content-Encoding"] = lz4.frame.compress(body), "lz4"
            elif "gzip" in accepted:
                body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
        self._answer(HTTPStatus.OK, body, headers)

    def _stream(self, blocks: Iterator[bytes]) -> None:
        """An error before the first block is told; a later one can only cut."""
        first = next(blocks, b"")
        self._head(HTTPStatus.OK, {"Transfer-Encoding": "chunked", "X-ClickHouse-Format": "Native"})
        try:
            while first:
                self.wfile.write(f"{len(first):x}\r\n".encode() + first + b"\r\n")
                first = next(blocks, b"")
        except Refused:
            self._cut()
            return
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _refuse(self, refused: Refused) -> None:
        headers = {"X-ClickHouse-Exception-Code": str(refused.code)}
        text = f"{refused.message} (version 26.9, HTTP front of tests)\n"
        self._answer(_STATUS.get(refused.code, 500), text.encode(), headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self._head(status, {"Content-Length": str(len(body))} | (headers or {}))
        self.wfile.write(body)
        self.wfile.flush()

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        standard = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-ClickHouse-Server-Display-Name": "front",
            "X-ClickHouse-Timezone": "UTC",
        }
        for name, value in (standard | headers).items():
            self.send_header(name, value)
        self.end_headers()

    def _cut(self) -> None:
        """Reset the connection: the other side learns that it is gone, and nothing else."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()
        self.wfile = _Nowhere()  # type: ignore[assignment]

    def _known_user(self) -> bool:
        kind, _, shown = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            given = base64.b64decode(shown)
        else:
            user, key = self.headers.get("X-ClickHouse-User", ""), self.headers.get("X-ClickHouse-Key", "")
            given = f"{user}:{key}".encode()
        return hmac.compare_digest(given, self.server.credentials)

    def _body(self) -> bytes:
        body = self._chunked() if self.headers.get("Transfer-Encoding") == "chunked" else self._sized()
        encoding = self.headers.get("Content-Encoding", "")
        if encoding == "gzip":
            return gzip.decompress(body)
        if encoding == "lz4":
            return bytes(lz4.frame.decompress(body))
        if encoding == "deflate":
            return zlib.decompress(body)
        return body

    def _sized(self) -> bytes:
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        if len(body) < length:
            raise ValueError("cut short")
        return body

    def _chunked(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0] or b"x", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class _Nowhere:
    """Takes what is written to a connection that was cut."""

    closed = False

    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


def _request(asked: dict[str, str], body: bytes, readonly: str) -> Request:
    """The statement is that of the URL followed by the body, as a server reads it."""
    statement = asked.get("query", "").encode()
    statement = statement + b"\n" + body if statement and body else statement or body
    settings = {
        name: value for name, value in asked.items() if name not in _TRANSPORT and not name.startswith("param_")
    }
    if readonly:
        settings.setdefault("readonly", readonly)
    parameters = {name.removeprefix("param_"): value for name, value in asked.items() if name.startswith("param_")}
    return Request(
        statement,
        parameters,
        settings,
        asked.get("database", ""),
        asked.get("default_format", ""),
        asked.get("session_id", ""),
    )


def _is_native_query(request: Request) -> bool:
    return request.statement.rstrip().endswith(b"FORMAT Native") and request.statement.lstrip()[:6].upper() == b"SELECT"


def _form(content_type: str, body: bytes) -> dict[str, str]:
    parsed = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    fields: dict[str, str] = {}
    for part in parsed.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        fields[str(name)] = payload.decode()
    return fields


def main() -> None:
    """Serve until killed, or until the process that started it ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    folder, port, user, password = sys.argv[1:]
    front = Front(("127.0.0.1", int(port)), Engine(Path(folder), MEMORY_BYTES), user, password)
    print("ready", front.server_address[1], flush=True)
    front.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
