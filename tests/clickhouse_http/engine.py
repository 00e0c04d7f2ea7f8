"""Runs statements for the HTTP front in chDB, as a ClickHouse server runs a request: settings of its own, then forgotten."""

import json
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import chdb

_CODE: Final = re.compile(r"Code: (\d+)")
_INSERT: Final = re.compile(rb"\s*(INSERT\s+INTO\s+[^;]*?)\s+FORMAT\s+(\w+)[ \t]*\r?\n?", re.IGNORECASE | re.DOTALL)
_SELECTS: Final = re.compile(rb"\bSELECT\b", re.IGNORECASE)
_TRAILING_FORMAT: Final = re.compile(rb"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Refused(Exception):
    """ClickHouse's own error: its number, and its text."""

    def __init__(self, message: str) -> None:
        self.message = message[max(message.find("Code: "), 0) :].strip()
        found = _CODE.search(message)
        self.code = int(found[1]) if found else 1002
        super().__init__(self.message)


class Answer(NamedTuple):
    """The body, the name of its format (none for a statement without result), and the rows read or written."""

    body: bytes
    fmt: str | None
    rows: int
    inserted: bool


class Request(NamedTuple):
    """One statement: its bytes with whatever data follow, bound parameters, settings, and the database."""

    statement: bytes
    parameters: Mapping[str, str]
    settings: Mapping[str, str]
    database: str
    default_format: str = ""
    session: str = ""


class Engine:
    """chDB on one folder. A request has a connection of its own; those of a session share one, one at a time."""

    def __init__(self, folder: Path, memory_bytes: int) -> None:
        self._options = f"{folder.resolve()}?max_server_memory_usage={memory_bytes}"
        self._first = chdb.connect(self._options)  # keeps the engine open between requests
        self._sessions: dict[str, tuple[Any, threading.Lock]] = {}
        self._opening = threading.Lock()

    def run(self, request: Request) -> Answer:
        """Run it to its end. Raises `Refused`."""
        with self._connection(request) as connection:
            insert = _INSERT.match(request.statement[:8_192])
            if insert and not _SELECTS.search(insert[1]):
                return self._insert(connection, request, insert)
            return _select(connection, request)

    def stream(self, request: Request) -> Iterator[bytes]:
        """The blocks of a query in Native format, as they come. Raises `Refused` before the first or within."""
        with self._connection(request) as connection:
            try:
                for block in connection.send_query(request.statement, "Native", params=dict(request.parameters)):
                    yield bytes(block.bytes())
            except RuntimeError as error:
                raise Refused(str(error)) from error

    def _insert(self, connection: Any, request: Request, insert: re.Match[bytes]) -> Answer:
        with tempfile.NamedTemporaryFile(suffix=".insert", delete=False) as file:
            file.write(request.statement[insert.end() :])
        try:
            statement = f"{insert[1].decode()} FROM INFILE '{file.name}' FORMAT {insert[2].decode()}"
            result = query(connection, statement, "TabSeparated", request.parameters)
            return Answer(b"", None, int(result.rows_read()), inserted=True)
        finally:
            Path(file.name).unlink()

    @contextmanager
    def _connection(self, request: Request) -> Iterator[Any]:
        if not request.session:
            connection = chdb.connect(self._options)
            try:
                yield self._prepared(connection, request)
            finally:
                connection.close()
            return
        with self._opening:
            if request.session not in self._sessions:
                self._sessions[request.session] = (chdb.connect(self._options), threading.Lock())
            connection, lock = self._sessions[request.session]
        if not lock.acquire(blocking=False):
            raise Refused("Code: 373. DB::Exception: Session is locked by a concurrent client. (SESSION_IS_LOCKED)")
        try:
            yield self._prepared(connection, request)
        finally:
            for name in request.settings:
                with suppress(Refused):
                    query(connection, f"SET {name} = DEFAULT", "TabSeparated")
            lock.release()

    def _prepared(self, connection: Any, request: Request) -> Any:
        if request.database:
            query(connection, f"USE `{request.database}`", "TabSeparated")
        # Nothing can be set after `readonly`.
        for name, value in sorted(request.settings.items(), key=lambda setting: setting[0] == "readonly"):
            if not _NAME.fullmatch(name):
                raise Refused(f"Code: 115. DB::Exception: Unknown setting '{name}'. (UNKNOWN_SETTING)")
            quoted = value.replace("\\", "\\\\").replace("'", "\\'")
            query(connection, f"SET {name} = '{quoted}'", "TabSeparated")
        return connection


def query(connection: Any, statement: bytes | str, fmt: str, parameters: Mapping[str, str] | None = None) -> Any:
    """What chDB itself answers. Raises `Refused`."""
    try:
        return connection.query(statement, fmt, params=dict(parameters or {}))
    except RuntimeError as error:
        raise Refused(str(error)) from error


def _select(connection: Any, request: Request) -> Answer:
    """A server tells by a header whether there is a result; chDB is asked for names, which only a result has."""
    trailing = _TRAILING_FORMAT.search(request.statement)
    fmt = trailing[1].decode() if trailing else request.default_format
    result = query(connection, request.statement, fmt or "TabSeparatedWithNames", request.parameters)
    body = bytes(result.bytes() or b"")
    inserted = request.statement.lstrip()[:6].upper() == b"INSERT"
    rows = int(result.rows_read())
    if fmt:
        return Answer(body, fmt, rows, inserted)
    if not body:
        return Answer(b"", None, rows, inserted)
    return Answer(body[body.find(b"\n") + 1 :], "TabSeparated", rows, inserted)


def summary(answer: Answer) -> str:
    """The value of `X-ClickHouse-Summary`."""
    read, written = (0, answer.rows) if answer.inserted else (answer.rows, 0)
    return json.dumps({"read_rows": str(read), "read_bytes": "0", "written_rows": str(written), "written_bytes": "0"})
