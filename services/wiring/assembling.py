"""The assembler in a thread beside the loader."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from services.loader.assembler_loop import AssemblerLoop
from services.loader.assembly import Assembler
from services.loader.freshness import Freshness
from services.loader.loop import Stop
from shared.clock import now_us
from shared.detection.settings import RuleBook
from shared.store.client import Store

_STOP_LIMIT_S: Final = 3.0

_log = logging.getLogger(__name__)


class Assembling:
    """Assembles until `until` is set. When it cannot go on, sets `stop`; `finish` then raises why."""

    def __init__(
        self,
        store: Store,
        book: Callable[[], RuleBook],
        freshness: Callable[[], Freshness],
        stop: threading.Event,
        until: Stop | None = None,
        fence: int = 0,
    ) -> None:
        """`freshness` is the loader's; `until` is `stop` where nothing else ends it; `fence` as the loader's."""
        assembler = Assembler(store.open_writer, book, now_us, on_server=not store.embedded, fence=fence)
        self._loop = AssemblerLoop(assembler, lambda: freshness().lag_s > 0)
        self._stop = stop
        self._until = until or stop
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="assembler", daemon=True)

    def start(self) -> None:
        """Begin to assemble."""
        self._thread.start()

    def finish(self) -> None:
        """Wait for the end after `until` was set, a few seconds at most. Raises what made it stop before."""
        self._thread.join(_STOP_LIMIT_S)
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._loop.run(self._until)
        except Exception as error:
            _log.info("assembling journeys cannot go on", exc_info=True)  # `finish` raises it
            self._failure = error
            self._stop.set()
