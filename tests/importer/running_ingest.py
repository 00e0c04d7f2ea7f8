"""The real ingest service on free ports and a folder of its own, in this process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import NamedTuple

import httpx
import msgspec

from services.wiring.folder import DataFolder
from services.wiring.ingest import run_ingest
from services.wiring.streams import EVENTS
from shared.log.local import LocalLogReader
from shared.log.port import Kind
from shared.settings import Settings

_START_LIMIT_S = 20.0


class Ingest(NamedTuple):
    """A running service: where it answers, and what it keeps."""

    url: str
    settings: Settings

    def stored(self, kind: Kind) -> list[dict[str, object]]:
        """All items of one kind in its log, in order, decoded."""
        reader = self.reader()
        try:
            records = reader.read({}, 1_000_000_000)
        finally:
            reader.close()
        return [item for record in records if record.kind is kind for item in msgspec.json.decode(record.value)]

    def reader(self) -> LocalLogReader:
        """A reader of its log of events."""
        return LocalLogReader(DataFolder(self.settings.data).stream(EVENTS), EVENTS)


@contextmanager
def running_ingest(folder: Path) -> Iterator[Ingest]:
    """Starts the service and waits until it is ready; stops it at the end."""
    settings = Settings(data=folder, ingest_port=free_port(), min_free_mb=1)
    stop = Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            run_ingest(settings, stop)
        except BaseException as error:
            failures.append(error)

    thread = Thread(target=run)
    thread.start()
    try:
        url = f"http://127.0.0.1:{settings.ingest_port}"
        _await_ready(url, thread)
        yield Ingest(url, settings)
    finally:
        stop.set()
        thread.join()
    assert not failures


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_ready(url: str, thread: Thread) -> None:
    deadline = monotonic() + _START_LIMIT_S
    while thread.is_alive() and monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        sleep(0.02)
    raise AssertionError("the ingest service did not become ready")
