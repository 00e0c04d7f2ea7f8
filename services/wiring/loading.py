"""The loader in a thread of the analytics process, and how far it has come."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from services.loader.freshness import Freshness
from services.loader.loop import Loader
from shared.errors import LogError
from shared.log.port import LogReader

_STOP_LIMIT_S: Final = 3.0
_FIRST_OFFSET: Final = 1

_log = logging.getLogger(__name__)


class Loading:
    """Runs a loader until `stop` is set. When it cannot go on, sets `stop` itself; `finish` then raises why."""

    def __init__(self, loader: Loader, streams: Callable[[], Sequence[LogReader]], stop: threading.Event) -> None:
        """`streams` gives readers of what the loader reads, of their own: the loader's belong to its thread."""
        self._loader = loader
        self._readers = list(streams())
        self._stop = stop
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)

    def start(self) -> None:
        """Begin to load."""
        self._thread.start()

    def alive(self) -> bool:
        """Whether the loader runs."""
        return self._thread.is_alive()

    def failing_s(self) -> float:
        """For how long loading has been failing; 0 when it works."""
        return self._loader.freshness().failing_s

    def freshness(self) -> Freshness:
        """How far loading has come."""
        return self._loader.freshness()

    def lag(self) -> Mapping[str, int]:
        """Records of each stream that stand in the log and are not yet loaded, as of the last second."""
        loaded = self._loader.freshness().streams
        found: dict[str, int] = {}
        for reader in self._readers:
            try:
                end = max(reader.ends().values(), default=_FIRST_OFFSET)
            except LogError:
                continue
            at = loaded.get(reader.stream)
            # The partitions of a local log share one sequence of offsets.
            found[reader.stream] = max(end - (min(at.next_offsets.values()) if at else _FIRST_OFFSET), 0)
        return found

    def finish(self) -> None:
        """Wait for the loader after `stop` was set. Raises what made it stop before."""
        self._thread.join(_STOP_LIMIT_S)
        for reader in self._readers:
            reader.close()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._loader.run(self._stop)
        except Exception as error:
            _log.info("loading cannot go on", exc_info=True)  # `finish` raises it, and the service says it last
            self._failure = error
            self._stop.set()
