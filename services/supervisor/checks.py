"""What `parcours run` makes sure of before it starts anything: each problem is one line that says what to do."""

import errno
import shutil
from pathlib import Path
from typing import Final

from services.supervisor.access import check_access
from services.wiring.folder import DataFolder
from services.wiring.listener import open_listener
from services.wiring.rules import site_rules
from shared.errors import ConfigurationError, LogMismatch, ParcoursError
from shared.log.local import LocalLogReader
from shared.log.positions import StreamPosition, lag, read_positions
from shared.settings import Settings

_PROBE_BYTES: Final = 1_000_000
_MAX_PORT: Final = 65_535
_FEWEST_FREE_MB: Final = 16
"""Below, a service may fail whatever PARCOURS_MIN_FREE_MB says."""


def check_settings(settings: Settings) -> None:
    """Raises `ConfigurationError` for ports that cannot be and for a rule file that is missing or wrong."""
    for variable, port in (("PARCOURS_PORT", settings.port), ("PARCOURS_INGEST_PORT", settings.ingest_port)):
        if not 0 < port <= _MAX_PORT:
            raise ConfigurationError(f"{variable}={port}: a port is a number from 1 to {_MAX_PORT}")
    if settings.port == settings.ingest_port:
        raise ConfigurationError(f"PARCOURS_PORT and PARCOURS_INGEST_PORT are both {settings.port}: set one of them")
    site_rules(settings.rules)


def check_folder(folder: DataFolder, min_free_mb: int) -> None:
    """Make the data folder and try it.

    Raises `ParcoursError` when it or a file in it cannot be used, or its disk is full.
    """
    folder.create()
    probe = folder.root / ".probe"
    try:
        free_mb = shutil.disk_usage(folder.root).free // 1_000_000
        if free_mb < min_free_mb:
            raise ParcoursError(
                f"only {free_mb} MB are free on the disk of {folder.root}, less than PARCOURS_MIN_FREE_MB={min_free_mb}: "
                f"free some space, or choose another folder with PARCOURS_DATA"
            )
        for tried in (folder.root, folder.log, folder.positions, folder.health, folder.service_logs):
            probe = tried / ".probe"
            probe.write_bytes(bytes(_PROBE_BYTES))
            probe.unlink()
    except OSError as error:
        reason = "its disk is full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else error.strerror
        raise ParcoursError(f"the data folder cannot be written ({probe.parent}): {reason}") from error
    finally:
        _remove(probe)
    check_access(folder)


def is_short_of_space(folder: DataFolder, min_free_mb: int) -> bool:
    """Whether the disk is so full that services end for that reason alone."""
    try:
        return shutil.disk_usage(folder.root).free < max(min_free_mb, _FEWEST_FREE_MB) * 1_000_000
    except OSError:
        return False


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def check_ports(settings: Settings) -> None:
    """Raises `PortInUse`, or `ConfigurationError` when an address cannot be had at all, naming the variable."""
    for variable, port in (("PARCOURS_PORT", settings.port), ("PARCOURS_INGEST_PORT", settings.ingest_port)):
        open_listener(settings.host, port, variable).close()


def check_log(folder: DataFolder) -> None:
    """Compare what the consumers have passed with the logs they read.

    Raises `LogMismatch` when a log is missing, another one, or older than a consumer of it.
    """
    for consumer, positions in read_positions(folder.positions).items():
        for stream, position in positions.items():
            reader = LocalLogReader(folder.stream(stream), stream)
            try:
                _check_position(reader, position, folder.stream(stream))
            except LogMismatch as error:
                raise LogMismatch(f"{consumer} cannot go on: {error}") from error
            finally:
                reader.close()


def _check_position(reader: LocalLogReader, position: StreamPosition, path: Path) -> None:
    if reader.log_id() is None:
        raise LogMismatch(
            f"the log {path} is missing, of which it has read a part: restore the data folder from one backup"
        )
    lag(reader, position)
