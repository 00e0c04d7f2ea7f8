"""A real PostgreSQL from Debian's packages, in a temporary folder, killed with the test process."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

_BINARIES: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
_PLAIN_USER: Final = "nobody"
_START_LIMIT_S: Final = 30.0
_SETTINGS: Final = ("fsync=off", "listen_addresses=127.0.0.1", "shared_buffers=16MB", "max_connections=30")


def missing() -> str | None:
    """What this machine lacks, if anything."""
    if not _BINARIES:
        return "PostgreSQL (apt-get install postgresql) is not on this machine"
    return None if shutil.which("setpriv") else "setpriv (util-linux) is not on this machine"


class PostgreSQL:
    """One server on a free port of this machine. It refuses to be root, so then it runs as a plain user."""

    def __init__(self) -> None:
        # not where others may have let temporary files go: this must be a folder that a plain user reaches
        self._folder = Path(tempfile.mkdtemp(prefix="parcours-postgresql-", dir="/tmp"))
        if os.geteuid() == 0:
            shutil.chown(self._folder, _PLAIN_USER, "nogroup")
        self._data = self._folder / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None
        self._binaries = _BINARIES[-1].parent
        subprocess.run(
            [
                *self._as_plain_user(),
                self._binaries / "initdb",
                "-D",
                self._data,
                "-U",
                "parcours",
                "-A",
                "trust",
                "-N",
            ],
            check=True,
            capture_output=True,
        )

    @property
    def url(self) -> str:
        """The URL of its one database."""
        return f"postgresql+psycopg://parcours:not-checked@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = [part for setting in _SETTINGS for part in ("-c", setting)]
        options += ["-c", f"unix_socket_directories={self._folder}", "-p", str(self.port)]
        self._process = subprocess.Popen(
            [*self._as_plain_user(), self._binaries / "postgres", "-D", self._data, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ready = [self._binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        end = time.monotonic() + _START_LIMIT_S
        while subprocess.run(ready, check=False).returncode != 0:
            assert self._process.poll() is None, "PostgreSQL did not start"
            assert time.monotonic() < end, "PostgreSQL does not answer"
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it as a crash would (`SIGQUIT` ends its children too, without a checkpoint)."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_START_LIMIT_S)
            self._process = None

    def pause(self) -> None:
        """Stop answering, without ending: every process of the server sleeps."""
        self._signal_all(signal.SIGSTOP)

    def go_on(self) -> None:
        """Answer again."""
        self._signal_all(signal.SIGCONT)

    def remove(self) -> None:
        """End it and delete its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in [self._process.pid, *map(int, children)]:
            with suppress(ProcessLookupError):  # one that served a connection has ended
                os.kill(pid, number)

    def _as_plain_user(self) -> list[str]:
        """PostgreSQL ends with the process that started it, and never runs as root."""
        command = ["setpriv", "--pdeathsig", "KILL"]
        if os.geteuid() == 0:
            command += ["--reuid", _PLAIN_USER, "--regid", "nogroup", "--clear-groups"]
        return [*command, "--"]
