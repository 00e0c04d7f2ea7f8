"""What a dump says of itself: `manifest.json`, written last, so that a dump without it is known to be unfinished."""

import hashlib
import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from shared.errors import StoreError

FORMAT: Final = 1
NAME: Final = "manifest.json"
_READ_BYTES: Final = 1 << 20


class Slice(Struct, frozen=True):
    """Rows of one table and year: times from `begin_s` to before `end_s` (seconds since 1970 UTC, whole hours).

    Where an hour alone has too many rows it is cut by a hash of the id: those of `number` of `of` parts.
    """

    begin_s: int
    end_s: int
    of: int = 1
    number: int = 0


class DumpFile(Struct, frozen=True):
    """One Parquet file; `digest` is the sum of the rows' hashes, whatever their order."""

    name: str
    table: str
    slice: Slice
    rows: int
    digest: str
    size_bytes: int
    sha256: str


class Manifest(Struct, frozen=True):
    """The whole dump: `columns` by table in order, `migrations` by name, `keys` by name with a fingerprint each."""

    format: int
    program: str
    migrations: list[str]
    keys: dict[str, str]
    columns: dict[str, list[str]]
    rows: dict[str, int]
    files: list[DumpFile]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it, durably, under its name only when it is whole. Raises `OSError`."""
    unfinished = folder / (NAME + ".new")
    with unfinished.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / NAME)
    sync_folder(folder)


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """The manifest and the SHA-256 of its text. Raises `StoreError`, one line, for a folder that holds no whole dump."""
    path = folder / NAME
    try:
        text = path.read_bytes()
        manifest = msgspec.json.decode(text, type=Manifest)
    except FileNotFoundError:
        raise StoreError(f"{path} is missing: the folder holds no dump, or one that was not finished") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is damaged: {error}") from error
    if manifest.format != FORMAT:
        raise StoreError(f"{path}: a dump of format {manifest.format}, this program reads {FORMAT}: update it")
    return manifest, hashlib.sha256(text).hexdigest()


def check_files(folder: Path, manifest: Manifest) -> None:
    """Compare every file with its digest. Raises `StoreError`, naming the first that is missing or damaged."""
    for file in manifest.files:
        path = folder / file.name
        try:
            size_bytes, sha256 = path.stat().st_size, _sha256(path)
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}") from error
        if (size_bytes, sha256) != (file.size_bytes, file.sha256):
            raise StoreError(f"{path} is damaged: it is not what was dumped; take another copy of the dump")


def sync_folder(folder: Path) -> None:
    """Make the names in the folder durable. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()
