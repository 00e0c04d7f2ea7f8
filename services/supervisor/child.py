"""One supervised process: its start, what it says, its end."""

import json
import logging
import logging.handlers
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, NamedTuple

from services.wiring.exit_status import DEFECT_WORDS, LAST_WORDS
from shared.errors import ParcoursError

_LOG_BYTES: Final = 5_000_000
_LOG_FILES: Final = 2
_MAX_LINE_BYTES: Final = 65_536
_SHOWN_LINES: Final = 10
_SHOWN_WINDOW_S: Final = 10.0
_REPEAT_WINDOW_S: Final = 600.0
"""What has been shown is not shown again so soon; lines without a form, as a crash writes them, are counted together."""
_REMEMBERED: Final = 64
_ALARMING: Final = {"warning", "error", "critical"}


class CannotStart(ParcoursError):
    """The system gives no process now: no memory, too many processes, or no interpreter where it was."""


class RestartBudget:
    """How often a child may be started again: `limit` times within `window_s`."""

    def __init__(self, limit: int = 5, window_s: float = 60.0) -> None:
        self._window_s = window_s
        self._starts: deque[float] = deque(maxlen=limit)

    def take(self, now_s: float) -> float | None:
        """Seconds to wait before the next start; `None` when the budget is used up."""
        limit = self._starts.maxlen or 0
        recent = sum(1 for start_s in self._starts if now_s - start_s < self._window_s)
        if recent >= limit:
            return None
        self._starts.append(now_s)
        return 0.0 if recent == 0 else float(2 ** (recent - 2))


class ServiceLog:
    """Keeps what a child says in a bounded file, and shows what is alarming, itself bounded, through `show`."""

    def __init__(self, name: str, path: Path, show: Callable[[str], None]) -> None:
        self.path = path
        self.last_error = ""
        self._last_words = ""
        self._name = name
        self._show = show
        self._shown: deque[float] = deque(maxlen=_SHOWN_LINES)
        self._said: deque[tuple[float, str]] = deque(maxlen=_REMEMBERED)
        self._unformed: deque[float] = deque(maxlen=_SHOWN_LINES)
        self._file = _QuietRotatingFile(path, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8", delay=True)
        self._file.setFormatter(logging.Formatter("%(message)s"))

    def write(self, line: str) -> None:
        """Keep one line; JSON of `shared.telemetry`, or anything that a process says as it dies.

        Last words are not shown here: whoever sees the child's end says them with what follows from it.
        """
        self._file.emit(logging.LogRecord(self._name, logging.INFO, "", 0, "%s", (line,), None))
        alarm = _alarm(line)
        if alarm is None:
            return
        if alarm.level != "warning":
            self.last_error = alarm.text
        if alarm.is_last:
            self._last_words = alarm.text
        elif not self._was_said(alarm):
            self.alarm(alarm.text)

    def take_last_words(self) -> str:
        """Why the child ended, which is not shown yet; empty when it did not say."""
        words, self._last_words = self._last_words, ""
        return words

    def end_with(self, words: str) -> None:
        """Say for the child why it ends, when it cannot."""
        self.last_error = self._last_words = words

    def alarm(self, text: str) -> None:
        """Show a line, unless many were shown just before."""
        now_s = time.monotonic()
        if len(self._shown) == _SHOWN_LINES and now_s - self._shown[0] < _SHOWN_WINDOW_S:
            return
        self._shown.append(now_s)
        is_last = len(self._shown) == _SHOWN_LINES and now_s - self._shown[0] < _SHOWN_WINDOW_S
        more = f" (more in {self.path})" if is_last else ""
        self._show(f"{self._name}: {text}{more}")

    def _was_said(self, alarm: "_Alarm") -> bool:
        """Whether a person has seen the same lately, or, of lines without a form, so many that more say nothing."""
        now_s = time.monotonic()
        if not alarm.is_formed:
            full = len(self._unformed) == _SHOWN_LINES and now_s - self._unformed[0] < _REPEAT_WINDOW_S
            if not full:
                self._unformed.append(now_s)
            return full
        if any(text == alarm.text and now_s - said_s < _REPEAT_WINDOW_S for said_s, text in self._said):
            return True
        self._said.append((now_s, alarm.text))
        return False

    def close(self) -> None:
        """Close the file; what a full disk still owes it is lost."""
        with suppress(OSError):
            self._file.close()


class _QuietRotatingFile(logging.handlers.RotatingFileHandler):
    """On a full disk the log of a service is what gives way."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the name is logging's
        del record


class _Alarm(NamedTuple):
    level: str
    text: str
    is_last: bool = False
    is_formed: bool = True


def _alarm(line: str) -> _Alarm | None:
    """What a person should see of a line; `None` when nothing."""
    try:
        said = json.loads(line)
        level, text = said["level"], said["message"]
    except (ValueError, TypeError, KeyError):
        return _Alarm("error", line.strip()[:500], is_formed=False)
    if level not in _ALARMING:
        return None
    error = said.get("error") or {}
    detail = error.get("text") or error.get("type")
    return _Alarm(level, f"{text}: {detail}" if detail else text, is_last=text in {LAST_WORDS, DEFECT_WORDS})


class Child:
    """A service run as a process of its own; it ends with the supervisor, whose pipe it holds as its standard input."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: ServiceLog) -> None:
        self.name = name
        self.log = log
        self.budget = RestartBudget()
        self.start_at_s = 0.0
        self._command = list(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The process, once there is one."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process in a session of its own, so that Ctrl-C in the terminal reaches the supervisor only.

        Raises `CannotStart`.
        """
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                self._command,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            assert self._process.stdout is not None
            reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
            reader.start()
        except (OSError, RuntimeError) as error:  # RuntimeError: the system gives no thread
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self.kill()
            raise CannotStart(f"{self.name} cannot be started with {self._command[0]}: {reason}") from error
        self._reader = reader

    def ended(self) -> int | None:
        """The exit status when the process has ended, all it said kept; `None` while it runs or was never started."""
        if self._process is None or self._process.poll() is None:
            return None
        self._release()
        return self._process.returncode

    def terminate(self) -> None:
        """Ask the process to stop."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """Stop the process at once and wait for its end."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._release()

    def _release(self) -> None:
        if self._reader is not None:
            self._reader.join(timeout=1.0)
            self._reader = None
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while line := stream.readline(_MAX_LINE_BYTES):
                text = line.decode(errors="replace").rstrip("\n")
                if text:
                    self.log.write(text)
