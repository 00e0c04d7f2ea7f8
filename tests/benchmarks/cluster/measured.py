"""Running one engine on a core of its own, and what it took: time and processor time, from its first record to its last commit."""

import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from msgspec import Struct

from tests.benchmarks.processes import processor_s

ENGINE_CORE: Final = 0
OTHERS_CORE: Final = 1
RUN_LIMIT_S: Final = 900.0
START_LIMIT_S: Final = 90.0
"""Within this an engine reads its first record."""
POLL_S: Final = 0.02
STOP_LIMIT_S: Final = 15.0
_MARK: Final = re.compile(rb"mark (\w+) ([\d.,]+) ([\d.,]+)")


class Span(Struct, frozen=True):
    """Seconds that passed, and processor seconds of the engine in them."""

    wall_s: float
    used_s: float


class Run(Struct, frozen=True):
    """A run: all of it, and its second half (of records), when a compiler has warmed up."""

    whole: Span
    second_half: Span | None
    resident_bytes: int


def two_cores() -> bool:
    """Whether an engine can have a core of its own."""
    return (os.cpu_count() or 1) > 1 and shutil.which("taskset") is not None


def leave_the_engines_core() -> None:
    """Keep this process, and what it starts from now on (the broker), off the engine's core."""
    if two_cores():
        os.sched_setaffinity(0, {OTHERS_CORE})


class EngineProcess:
    """An engine that runs; its marks are read as they come."""

    def __init__(
        self, command: Sequence[str], config: Mapping[str, Any], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._log = folder / "engine.log"
        pinned = ["taskset", "-c", str(ENGINE_CORE)] if two_cores() else []
        self.command = " ".join(command)
        self.marks: dict[str, tuple[float, float]] = {}
        with self._log.open("ab") as log:
            self.started_s = time.monotonic()
            self.process = subprocess.Popen(
                [*pinned, *command, json.dumps(config)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **environment},
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def used_s(self) -> float:
        """Processor seconds so far, of all its threads; no engine here has children."""
        return processor_s(self.process.pid)

    def resident_bytes(self) -> int:
        """Its memory in use."""
        text = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="utf-8")
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def check(self) -> None:
        """Fail with its last words when it has ended."""
        if self.process.poll() is not None and "end" not in self.marks:
            raise RuntimeError(f"an engine ended: {self._log.read_text(errors='replace')[-3_000:]}")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found = _MARK.match(line)
            if found:
                self.marks[found[1].decode()] = (float(found[2]), float(found[3]))


def await_end(engine: EngineProcess, committed: Any, records: int) -> Run:
    """Wait until `committed()` is the number of records, or the engine says `end`; what it took from its first record."""
    limit_s, start_limit_s = time.monotonic() + RUN_LIMIT_S, engine.started_s + START_LIMIT_S
    while True:
        done = "end" in engine.marks or ("first" in engine.marks and committed() >= records)
        end_s = time.monotonic()
        if done:
            break
        engine.check()
        assert end_s < limit_s, f"{engine.command} does not end"
        assert engine.marks or end_s < start_limit_s, f"{engine.command} does not read"
        time.sleep(POLL_S)
    used_s = engine.used_s() if engine.process.poll() is None else 0.0
    resident = engine.resident_bytes() if engine.process.poll() is None else 0
    end_s, used_s = engine.marks.get("end", (end_s, used_s))
    return Run(_span(engine, "first", end_s, used_s) or Span(0, 0), _span(engine, "half", end_s, used_s), resident)


def _span(engine: EngineProcess, mark: str, end_s: float, used_s: float) -> Span | None:
    if mark not in engine.marks:
        return None
    first_s, first_used_s = engine.marks[mark]
    return Span(end_s - first_s, used_s - first_used_s)
