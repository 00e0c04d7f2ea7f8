"""Figures as they are printed and kept, and the machine they belong to."""

import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from msgspec import Struct

from shared.detection.occurrence import decode_arrivals
from shared.log.local import LocalLogWriter
from shared.log.port import Kind, Record
from tests.benchmarks.workload import EventMaker, pseudonyms, records, stream


class Figure(Struct, omit_defaults=True):
    """One figure: the median of `runs`. `aim` is what the project wants of it, in words."""

    name: str
    value: float
    unit: str
    runs: list[float] = []
    aim: str = ""


def figure(name: str, runs: Sequence[float], unit: str, aim: str = "") -> Figure:
    """The median of the runs."""
    rounded = [_rounded(run) for run in runs]
    return Figure(name, _rounded(statistics.median(runs)), unit, rounded if len(runs) > 1 else [], aim)


def line(figure: Figure) -> str:
    """The figure as it is printed."""
    spread = f"  ({min(figure.runs):,g} to {max(figure.runs):,g})" if figure.runs else ""
    aim = f"  aim: {figure.aim}" if figure.aim else ""
    return f"  {figure.name:<62} {figure.value:>12,g} {figure.unit}{spread}{aim}"


def describe_machine(folder: Path) -> dict[str, Any]:
    """What the figures depend on; two measurements that tell how fast and how busy the machine is now."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000,
        "load_1min": round(os.getloadavg()[0], 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "msgspec": version("msgspec"),
        "chdb": _version("chdb"),
        "clickhouse_engine": engine_version(),
        "decode_us_per_event": round(calibrate_us(), 3),
        "durable_append_ms": round(append_ms(folder), 2),
    }


def calibrate_us() -> float:
    """Processor microseconds to decode one stored event with msgspec: compare figures of two machines by it."""
    values = records(list(stream(EventMaker(1), pseudonyms(1_000), 10_000, 10**9)))
    return median_of(5, lambda: processor_us(lambda: [decode_arrivals(value) for value in values], 10_000))


def append_ms(folder: Path) -> float:
    """Milliseconds that one small record takes to become durable in the log."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        writer = LocalLogWriter(Path(place, "log.sqlite"), "calibration")
        record = Record(0, Kind.EVENTS, b"[{}]", 1)
        runs = []
        for _ in range(25):
            start_s = time.perf_counter()
            writer.append([record])
            runs.append((time.perf_counter() - start_s) * 1_000)
        writer.close()
    return statistics.median(runs)


def processor_us(work: Callable[[], object], items: int) -> float:
    """Processor microseconds of this process for each item of some work."""
    start_s = time.process_time()
    work()
    return (time.process_time() - start_s) / items * 1e6


def median_of(count: int, measure: Callable[[], float]) -> float:
    """The median of several measurements."""
    return statistics.median(measure() for _ in range(count))


def engine_version() -> str:
    """The version of the ClickHouse engine that chDB holds."""
    try:
        import chdb
    except ImportError:
        return "none"
    return str(chdb.engine_version)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _processor() -> str:
    for text in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if text.startswith("model name"):
            return text.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
