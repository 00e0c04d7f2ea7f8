"""A site over the generated data, and the questions it is asked."""

import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
from msgspec import Struct

from tests.benchmarks.insights.scenarios import SERVICES, TERRITORIES
from tests.benchmarks.processes import processor_s
from tests.run.platform import environment, free_ports, wait_until

_START_LIMIT_S: Final = 120
_STOP_LIMIT_S: Final = 30
_ANSWER_LIMIT_S: Final = 60.0

FILTERS: Final = {
    "no filter": {},
    "busiest service": {"service": SERVICES[0]},
    "rare service": {"service": SERVICES[-1]},
    "service, a year": {"service": SERVICES[1], "from": "2025-07-01", "to": "2026-07-01"},
    "service and region": {"service": SERVICES[0], "territory": TERRITORIES[0].rpartition("/")[0]},
    "territory": {"territory": TERRITORIES[0]},
    "channel": {"channel": "phone"},
    "a quarter": {"from": "2026-04-01", "to": "2026-07-01"},
    "a year": {"from": "2025-07-01", "to": "2026-07-01"},
    "all three years": {"from": "2023-07-01", "to": "2026-07-01"},
}
"""Each is asked of every page and figure."""


class Answered(Struct):
    """How long one page or figure took: `answers` over all filters, and which filter was slowest. `refused`: not 200.

    `processor_ms` is what the process used for the dearest filter, on average: it says more than time where a machine is
    shared, and includes what it does beside answering.
    """

    target: str
    answers: int
    p50_ms: float
    p95_ms: float
    processor_ms: float
    slowest: str
    by_filter_ms: dict[str, float]
    by_filter_processor_ms: dict[str, float]
    refused: dict[str, int]


@contextmanager
def site(folder: Path) -> Iterator[tuple[str, int]]:
    """The analytics process over a data folder: its address and its number."""
    (port,) = free_ports(1)
    with (folder / "analytics.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "services", "service", "analytics"],
            env=environment(folder, port=str(port), small_cell_min="10"),
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: httpx.get(f"{address}/healthz", trust_env=False).status_code == 200, _START_LIMIT_S)
            yield address, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_STOP_LIMIT_S)


def ask_all(address: str, pid: int, targets: Sequence[str], rounds: int) -> Iterator[Answered]:
    """Ask of every page and figure each filter `rounds` times after one that is not counted, in an order of chance."""
    with httpx.Client(base_url=address, timeout=_ANSWER_LIMIT_S, trust_env=False) as client:
        for target in targets:
            yield _ask(client, pid, target, rounds)


def _ask(client: httpx.Client, pid: int, target: str, rounds: int) -> Answered:
    names = list(FILTERS)
    times: dict[str, list[float]] = {}
    used: dict[str, list[float]] = {}
    refused: dict[str, int] = {}
    for number in range(rounds + 1):
        random.Random(number).shuffle(names)
        for name in names:
            if name in refused:
                continue
            used_s, start_s = processor_s(pid), time.perf_counter()
            status = _status(client, target, FILTERS[name])
            if status != 200:
                refused[name] = status
            elif number:
                times.setdefault(name, []).append((time.perf_counter() - start_s) * 1_000)
                used.setdefault(name, []).append((processor_s(pid) - used_s) * 1_000)
    everything = sorted(value for values in times.values() for value in values)
    p50, p95 = (everything[int(len(everything) * share)] for share in (0.5, 0.95)) if everything else (0.0, 0.0)
    medians = {name: round(statistics.median(values), 1) for name, values in times.items()}
    processor = {name: round(statistics.mean(values), 1) for name, values in used.items()}
    slowest = max(processor, key=lambda name: processor[name], default="")
    dearest = processor.get(slowest, 0.0)
    return Answered(
        target, len(everything), round(p50, 1), round(p95, 1), dearest, slowest, medians, processor, refused
    )


def _status(client: httpx.Client, target: str, filters: dict[str, str]) -> int:
    try:
        return client.get(target, params=filters).status_code
    except httpx.TimeoutException:
        return 0
