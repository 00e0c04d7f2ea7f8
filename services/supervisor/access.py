"""Whether this user may use what lies in the data folder already: a file put back by another user is named at once."""

import os
import pwd
import stat
from collections import deque
from pathlib import Path
from typing import Final

from services.wiring.folder import DataFolder
from shared.errors import ParcoursError

_MAX_ENTRIES: Final = 20_000
"""ClickHouse may have any number of files; those nearest to the root are looked at first."""
_WORDS: Final = {os.R_OK: "read", os.R_OK | os.W_OK: "read and write", os.R_OK | os.W_OK | os.X_OK: "use"}


def check_access(folder: DataFolder) -> None:
    """Try the permissions of every file that Parcours has made, at most `_MAX_ENTRIES` of them.

    Raises `ParcoursError` for the first that this user may not use.
    """
    waiting = deque(_made_by_parcours(folder))
    for _ in range(_MAX_ENTRIES):
        if not waiting:
            return
        path = waiting.popleft()
        is_folder = path.is_dir()
        _check(path, _wanted(folder, path, is_folder=is_folder))
        if is_folder:
            waiting.extend(_entries(path))


def _made_by_parcours(folder: DataFolder) -> list[Path]:
    """What else stands in the folder (`lost+found` of a disk, a copy) is none of our business."""
    ours = {folder.keys, folder.log, folder.positions, folder.health, folder.service_logs, folder.clickhouse}
    prefixes = ("lock", folder.clickhouse.name + ".lock", folder.detector_state.name, folder.demo_marker.name)
    return [path for path in _entries(folder.root) if path in ours or path.name.startswith(prefixes)]


def _wanted(folder: DataFolder, path: Path, *, is_folder: bool) -> int:
    if is_folder:
        return os.R_OK | os.W_OK | os.X_OK
    replaced_not_written = folder.keys in path.parents or folder.clickhouse in path.parents
    return os.R_OK if replaced_not_written else os.R_OK | os.W_OK


def _check(path: Path, wanted: int) -> None:
    if os.access(path, wanted, effective_ids=True):
        return
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    if status.st_uid == os.geteuid():
        advice = f"allow it with: chmod u+{'rwx' if wanted & os.X_OK else 'rw'} {path}"
    else:
        advice = "start Parcours as the owner of the data folder, or give the file back to that user"
    mode, owner = stat.S_IMODE(status.st_mode), _user(status.st_uid)
    raise ParcoursError(f"{path}: this user may not {_WORDS[wanted]} it (mode {mode:03o}, owner {owner}): {advice}")


def _entries(path: Path) -> list[Path]:
    try:
        return sorted(path.iterdir())
    except FileNotFoundError:
        return []


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
