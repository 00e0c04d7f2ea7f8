"""The data folder: what lies where, and who holds it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from services.wiring.streams import POINTS
from shared.errors import FolderInUse, ParcoursError

_RETRY_S: Final = 0.05
_SERVICE_WAIT_S: Final = 10.0


class DataFolder:
    """The paths below one data folder; nothing is created before it is asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.keys = root / "keys"
        self.log = root / "log"
        self.detector_state = root / "detector.sqlite"
        self.registry = root / "registry.sqlite"
        self.clickhouse = root / "clickhouse"
        self.positions = root / "positions"
        self.health = root / "health"
        self.service_logs = root / "logs"
        self.demo_marker = root / "demo.json"
        self.published_rules = self.log / "published-rules.json"
        self.key_fingerprints = self.log / "keys.json"

    def stream(self, name: str) -> Path:
        """The file of a stream of the log, e.g. `journey-events.ingest`; the detector's lies with its state."""
        return self.detector_state if name == POINTS else self.log / f"{name}.sqlite"

    def heartbeat(self, service: str) -> Path:
        """What a service without a port says of itself, at least once a second."""
        return self.health / f"{service}.json"

    def create(self) -> None:
        """Make the folders, readable by their owner only.

        Raises `ParcoursError` when that is not possible.
        """
        for folder in (self.root, self.log, self.positions, self.health, self.service_logs):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise ParcoursError(f"the data folder {self.root} cannot be made: {error.strerror}") from error

    def hold_service(self, name: str) -> AbstractContextManager[None]:
        """Hold the lock of a service; one that was killed, or whose supervisor was, gets time to be gone."""
        return self.hold(name, wait_s=_SERVICE_WAIT_S)

    @contextmanager
    def hold(self, name: str, wait_s: float = 0.0) -> Iterator[None]:
        """Hold `lock` (name "") or `lock.<name>` while inside; the lock goes with the process however it ends.

        Raises `FolderInUse` when another process still holds it after `wait_s`.
        """
        path = self._lock_path(name)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ParcoursError(f"the lock {path} cannot be opened: {error.strerror}") from error
        try:
            _lock(descriptor, self.root, wait_s)
            with suppress(OSError):  # the number only helps the person who meets the lock
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def is_held(self, name: str) -> bool:
        """Whether a process holds this lock now."""
        path = self._lock_path(name)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _lock_path(self, name: str) -> Path:
        return self.root / (f"lock.{name}" if name else "lock")


def _lock(descriptor: int, root: Path, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
                raise FolderInUse(
                    f"the data folder {root} is in use by process {holder}: "
                    f"stop that process, or choose another folder with PARCOURS_DATA"
                ) from None
            time.sleep(_RETRY_S)
        else:
            return


def write_json(path: Path, content: object, *, durable: bool = False) -> None:
    """Replace a small file by the content as JSON, atomically: a reader sees the old one or the new one.

    Unless `durable`, a loss of power soon after may leave it empty. Raises `OSError`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(msgspec.json.encode(content))
        if durable:
            file.flush()
            os.fsync(file.fileno())
    temporary.replace(path)


def read_json(path: Path) -> dict[str, object] | None:
    """The object that `write_json` wrote; `None` when there is none, or nothing that can be read as one."""
    try:
        content = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return content if isinstance(content, dict) else None
