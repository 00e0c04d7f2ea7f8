"""Detector workers that tests start, kill and stop: in a thread of the test, or as a process."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from services.detector.cluster import ClusterSettings
from services.detector.faust_worker import Membership, run_worker
from services.detector.status import DetectorStatus
from tests.detector_faust.site import Site

SESSION_MS: Final = 2_000
STOP_LIMIT_S: Final = 5.0


class ThreadWorker:
    """A worker in this process; leaving the block stops it and raises what it raised."""

    def __init__(self, site: Site, settings: ClusterSettings | None = None, instance: str = "a") -> None:
        self._stop = threading.Event()
        self.error: BaseException | None = None
        self.statuses: list[DetectorStatus] = []
        self._settings = settings or site.settings(SESSION_MS)
        self._membership = Membership(instance, SESSION_MS)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is None:
            self.raise_error()

    def stop(self, limit_s: float = 15.0) -> None:
        """As SIGTERM does."""
        self._stop.set()
        self._thread.join(limit_s)
        assert not self._thread.is_alive(), "the worker does not stop"

    def await_end(self, limit_s: float) -> BaseException:
        """The error with which the worker ends by itself."""
        self._thread.join(limit_s)
        assert not self._thread.is_alive(), "the worker goes on"
        assert self.error is not None, "the worker ended without an error"
        return self.error

    def raise_error(self) -> None:
        """Raise what the worker raised, if it did."""
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            run_worker(self._settings, self._membership, time.monotonic, self._stop, self.statuses.append)
        except BaseException as error:
            self.error = error


class ProcessWorker:
    """A worker as a process of its own, with its log in a file."""

    def __init__(self, site: Site, instance: str, folder: Path, session_ms: int = SESSION_MS) -> None:
        config = {
            "brokers": site.brokers,
            "topics": list(site.topics),
            "instance": instance,
            "session_ms": session_ms,
        }
        self.log_file = folder / f"{instance}.log"
        with self.log_file.open("ab") as log:
            command = [sys.executable, "-m", "tests.detector_faust.worker_process", json.dumps(config)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def alive(self) -> None:
        """Fail when it has ended."""
        assert self.process.poll() is None, self.log_file.read_text()[-3_000:]

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(10)

    def send(self, number: signal.Signals) -> None:
        """A signal."""
        self.process.send_signal(number)

    def stop(self) -> tuple[int, float]:
        """SIGTERM; the exit status, and how long it took."""
        start_s = time.monotonic()
        self.process.terminate()
        status = self.process.wait(4 * STOP_LIMIT_S)
        return status, time.monotonic() - start_s

    def lines(self) -> list[dict[str, Any]]:
        """Its log."""
        found = []
        for line in self.log_file.read_text().splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                found.append({"message": line})
        return found

    def await_line(self, message: str, timeout_s: float, count: int = 1) -> None:
        """Wait until a message was logged so often."""
        wait_until(lambda: sum(line["message"] == message for line in self.lines()) >= count, timeout_s)


def wait_until(is_so: Callable[[], bool], timeout_s: float) -> None:
    """Poll a condition."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.05)
