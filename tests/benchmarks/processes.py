"""Processes that are measured from outside: a gateway of its own, and what the system knows of a process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.run.platform import environment, free_ports, wait_until

STOP_LIMIT_S = 20


@contextmanager
def gateway(folder: Path) -> Iterator[tuple[int, int]]:
    """`parcours service ingest` in an empty folder: its port and its process."""
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "services", "service", "ingest"],
        env=environment(folder, ingest_port=str(port)),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200, 30)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_LIMIT_S)


def processor_s(pid: int) -> float:
    """Processor seconds, its own and the system's, that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes() -> int:
    """Memory of this process that is in use."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")
