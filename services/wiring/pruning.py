"""Once a minute, a log lets go of what is older than its retention and has been passed by every consumer of it."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from shared.errors import LogError
from shared.journey.instants import DAY_US
from shared.log.local import LocalLogWriter
from shared.log.positions import passed_by_all, read_positions

_INTERVAL_S: Final = 60.0
_RECORDS_AT_A_TIME: Final = 500
_MAX_RECORDS: Final = 100_000
_PAUSE_S: Final = 0.05

_log = logging.getLogger(__name__)


class Pruning:
    """The job for the logs that one process writes; runs in a thread of its own until `stop` is set."""

    def __init__(self, positions: Path, now_ms: Callable[[], int], stop: threading.Event) -> None:
        self._positions = positions
        self._now_ms = now_ms
        self._stop = stop
        self._logs: list[tuple[LocalLogWriter, int, Sequence[str]]] = []

    def add(self, log: LocalLogWriter, retention_days: int, consumers: Sequence[str]) -> None:
        """Prune this log too: `consumers` are all that read it and say how far; where there are none, age alone counts."""
        self._logs.append((log, retention_days, consumers))

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="pruning", daemon=True).start()

    def prune_once(self) -> int:
        """Prune every log once, in small steps between which appends have their turn; how many records went.

        Raises `LogError` and `OSError`.
        """
        positions = read_positions(self._positions)
        total = 0
        for log, retention_days, consumers in self._logs:
            passed = passed_by_all(positions, consumers, log.stream, log.log_id()) if consumers else log.ends()
            before_ms = self._now_ms() - retention_days * DAY_US // 1_000
            pruned = _RECORDS_AT_A_TIME
            while pruned == _RECORDS_AT_A_TIME and total < _MAX_RECORDS and not self._stop.is_set():
                pruned = log.prune(before_ms, passed, _RECORDS_AT_A_TIME)
                total += pruned
                self._stop.wait(_PAUSE_S)
        return total

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL_S):
            try:
                pruned = self.prune_once()
            except (LogError, OSError) as error:
                if not self._stop.is_set():
                    _log.warning("the log could not be pruned and is tried again", exc_info=error)
            else:
                if pruned:
                    _log.info("the log was pruned", extra={"records": pruned})
