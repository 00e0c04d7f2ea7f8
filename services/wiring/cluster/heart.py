"""Once a second, a process without a port says in the registry how it is."""

import logging
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from shared.errors import RegistryError
from shared.registry.heartbeats import Heartbeats

BEAT_S: Final = 1.0
SILENT_S: Final = 10.0
"""A process that has said nothing for so long is taken for dead."""

_log = logging.getLogger(__name__)


class Heart:
    """Beats from a thread of its own, from `start` (or entering) to `close`; a registry that is away is tried again."""

    def __init__(
        self, heartbeats: Heartbeats, service: str, instance: str, document: Callable[[], Mapping[str, Any]]
    ) -> None:
        """`document` gives JSON values; it is called from the thread."""
        self._heartbeats = heartbeats
        self._service = service
        self._instance = instance
        self._document = document
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"heart-{service}", daemon=True)
        self._failing = False

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def close(self) -> None:
        """Beat a last time and end."""
        self._ending.set()
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._beat()
            self._ending.wait(BEAT_S)
        self._beat()

    def _beat(self) -> None:
        try:
            self._heartbeats.beat(self._service, self._instance, self._document())
        except RegistryError as error:
            if not self._failing:
                _log.warning("the heartbeat cannot be written and is tried again", extra={"reason": str(error)})
            self._failing = True
        else:
            self._failing = False
