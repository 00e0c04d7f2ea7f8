"""The secrets of a site: made at the first start, kept in one folder, never sent anywhere.

Losing them tears every journey apart; a folder that has lost only some of them is therefore refused, not completed.
"""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import ConfigurationError

KEY_BYTES: Final = 32

_ROUTING: Final = "routing.key"
_SEALING: Final = "sealing.key"
_FIRST_PSEUDONYM: Final = "pseudonym-1.key"
_NAMES: Final = (_ROUTING, _FIRST_PSEUDONYM, _SEALING)
_PSEUDONYM_NAME: Final = re.compile(r"pseudonym-([1-9][0-9]{0,8})\.key")
_UNFINISHED: Final = ".new"


@dataclass(frozen=True, repr=False)
class Keys:
    """32 bytes each; `pseudonym` by epoch, from 1. Their representation shows no secret."""

    routing: bytes
    pseudonym: dict[int, bytes]
    sealing: bytes


def load_or_make_keys(folder: Path) -> Keys:
    """The keys in the folder (mode 700, files 600); a new folder is given new ones, once, whoever starts at the same time.

    Raises `ConfigurationError`, one line, for a file that is missing, too open, of another length or not readable.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(folder):
            _make_if_new(folder)
            return _load(folder)
    except OSError as error:
        raise ConfigurationError(f"{error.filename or folder}: the keys cannot be used: {error.strerror}") from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make_if_new(folder: Path) -> None:
    """Write all keys aside, then give them their names; a start that was cut off between the two is finished."""
    missing = [name for name in _NAMES if not (folder / name).exists()]
    has_pseudonym_key = any(_PSEUDONYM_NAME.fullmatch(path.name) for path in folder.iterdir())
    if len(missing) == len(_NAMES) and not has_pseudonym_key:
        folder.chmod(0o700)
        for name in _NAMES:
            _write(folder / (name + _UNFINISHED), secrets.token_bytes(KEY_BYTES))
        _sync(folder)
    for name in missing:
        unfinished = folder / (name + _UNFINISHED)
        if unfinished.exists():
            unfinished.rename(folder / name)
    _sync(folder)


def _write(path: Path, key: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())


def _load(folder: Path) -> Keys:
    _check_mode(folder, 0o700)
    pseudonym = {
        int(name[1]): _read(path) for path in sorted(folder.iterdir()) if (name := _PSEUDONYM_NAME.fullmatch(path.name))
    }
    if not pseudonym:
        _read(folder / _FIRST_PSEUDONYM)
    return Keys(_read(folder / _ROUTING), pseudonym, _read(folder / _SEALING))


def _read(path: Path) -> bytes:
    if not path.exists():
        raise ConfigurationError(
            f"{path}: this key is missing while others are there; restore it from a backup (a new one would tear journeys)"
        )
    _check_mode(path, 0o600)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{path}: a key has {KEY_BYTES} bytes, this one {len(key)}; restore it from a backup")
    return key


def _check_mode(path: Path, widest: int) -> None:
    mode = path.stat().st_mode & 0o777
    if mode & ~widest:
        raise ConfigurationError(
            f"{path}: others may use this secret (mode {mode:03o}); close it with: chmod {widest:03o} {path}"
        )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
