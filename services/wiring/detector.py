"""The detector process on one machine: no port; its position and its heartbeat are files."""

import logging
import os
import threading
from contextlib import ExitStack
from typing import Final

from services.detector.local import LocalDetector
from services.detector.state_file import StateFile
from services.wiring.folder import DataFolder, write_json
from services.wiring.streams import EVENTS, POINTS, POINTS_CONSUMERS
from shared.clock import now_ms
from shared.errors import DetectionError, LogError
from shared.journey.instants import DAY_US
from shared.log.file_guard import FileGuard
from shared.log.local import LocalLogReader
from shared.log.positions import passed_by_all, read_positions, write_position
from shared.settings import Settings

_HEARTBEAT_MS: Final = 1_000
_PRUNE_INTERVAL_MS: Final = 60_000
_PRUNED_AT_A_TIME: Final = 200
_LOG_POLL_S: Final = 0.1
_US_PER_MS: Final = 1_000

_log = logging.getLogger(__name__)


def run_detector(settings: Settings, stop: threading.Event) -> None:
    """Detect until `stop` is set. Raises `ParcoursError` when that cannot begin or go on."""
    folder = DataFolder(settings.data)
    folder.create()
    with ExitStack() as stack:
        stack.enter_context(folder.hold_service("detector"))
        reader = LocalLogReader(folder.stream(EVENTS), EVENTS)
        stack.callback(reader.close)
        partitions = _await_log(reader, stop)
        if not partitions:
            return
        state_file = StateFile(folder.detector_state, partitions)
        stack.callback(state_file.close)
        detector = LocalDetector(
            reader,
            state_file,
            now_ms,
            checkpoint_ms=settings.checkpoint_ms,
            checkpoint_quiet_ms=settings.checkpoint_quiet_ms,
            hot_journeys=settings.hot_journeys,
            young_journeys=settings.young_journeys,
        )
        housekeeping = Housekeeping(folder, state_file, detector, settings.log_retention_days)
        housekeeping.beat()
        detector.run(stop, housekeeping.after_checkpoint)
        housekeeping.beat()


def _await_log(reader: LocalLogReader, stop: threading.Event) -> int:
    """The number of partitions, once ingest has made the log; 0 when asked to stop before."""
    while not stop.is_set():
        partitions = len(reader.ends())
        if partitions:
            return partitions
        stop.wait(_LOG_POLL_S)
    return 0


class Housekeeping:
    """Between checkpoints, once a second: say how far detection is; once a minute: let go of old rows of `frictions`."""

    def __init__(self, folder: DataFolder, state_file: StateFile, detector: LocalDetector, retention_days: int) -> None:
        self._folder = folder
        self._file = state_file
        self._detector = detector
        self._retention_ms = retention_days * DAY_US // _US_PER_MS
        self._guard = FileGuard(folder.detector_state)
        self._beat_at_ms = 0
        self._prune_at_ms = now_ms() + _PRUNE_INTERVAL_MS

    def after_checkpoint(self) -> None:
        """Everything folded is durable now. What fails here is tried again in a second.

        Raises `DetectionError` when the file to which all this is written is no longer the one in the folder.
        """
        at_ms = now_ms()
        if at_ms - self._beat_at_ms < _HEARTBEAT_MS:
            return
        self._beat_at_ms = at_ms
        self._check_file()
        try:
            self.beat()
            if at_ms >= self._prune_at_ms and self._prune(at_ms) < _PRUNED_AT_A_TIME:
                self._prune_at_ms = at_ms + _PRUNE_INTERVAL_MS
        except (OSError, LogError) as error:
            _log.warning("position and heartbeat cannot be written", exc_info=error)

    def _check_file(self) -> None:
        lost = self._guard.lost()
        if lost is not None:
            raise DetectionError(
                f"{lost} was removed or replaced while the detector wrote to it; put it back, or restore the data folder "
                f"from one backup"
            )

    def beat(self) -> None:
        """Write the position and the heartbeat. Raises `OSError`."""
        status = self._detector.status()
        if status.log_id:
            write_position(self._folder.positions, "detector", EVENTS, status.log_id, status.next_offsets)
        heartbeat = {"pid": os.getpid(), "at_us": now_ms() * _US_PER_MS, "status": status}
        write_json(self._folder.heartbeat("detector"), heartbeat)

    def _prune(self, at_ms: int) -> int:
        positions = read_positions(self._folder.positions)
        passed = passed_by_all(positions, POINTS_CONSUMERS, POINTS, self._file.meta.log_id)
        return self._file.prune(at_ms - self._retention_ms, passed, _PRUNED_AT_A_TIME)
