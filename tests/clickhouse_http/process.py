"""The HTTP front as a process that tests start, kill and start again."""

import json
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from tests.clickhouse_http.faults import Moment

USER: Final = "parcours"
PASSWORD: Final = "not/a:secret@all"  # what a password may hold, to see it survive a URL
QUOTED: Final = "not%2Fa%3Asecret%40all"


class ClickHouseOverHttp:
    """One front on one folder; it keeps its port when it is started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def dsn(self) -> str:
        """As a site would set it."""
        return f"http://{USER}:{QUOTED}@127.0.0.1:{self.port}/default"

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.clickhouse_http.server", self._folder, str(self.port), USER, PASSWORD],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what it says of cut connections
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline().split()
        assert said[:1] == ["ready"], "the HTTP front of ClickHouse did not start"
        self.port = int(said[1])

    def kill(self) -> None:
        """As `kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def order_cut(self, match: str, moment: Moment = "after", delay_s: float = 0.0, times: int = 1) -> None:
        """Cut the connection of the next statements that contain `match` (see `Fault`)."""
        self._post("/faults", {"match": match, "moment": moment, "delay_s": delay_s, "times": times})

    def order_error(self, match: str, code: int, times: int = 1) -> None:
        """Refuse the next statements that contain `match` with that error."""
        self._post("/faults", {"match": match, "code": code, "times": times})

    def struck(self) -> int:
        """How many statements have met a fault."""
        return int(self._post("/struck", {}))

    def _post(self, path: str, document: dict[str, object]) -> bytes:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", path, json.dumps(document))
            return connection.getresponse().read()
        finally:
            connection.close()
