"""Which rule settings the log last published, remembered beside it.

A small file answers at every start. It is removed before new settings are appended and written again afterwards, so where
it is missing (or speaks of another log) the log itself is read.
"""

import contextlib
import os
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from shared.journey.codec import decode_controls
from shared.journey.control import RulesPublished
from shared.log.port import Kind, LogReader, Position

_READ_BYTES: Final = 8_000_000


class PublishedRules(Struct):
    """The last `rules.published` of the log `log_id`."""

    log_id: str
    version: int
    rules: dict[str, Any]


class PublishedRulesMemory(Protocol):
    """Remembers what was last published, so that the log need not be read for it. All methods block."""

    def latest(self, log_id: str) -> PublishedRules | None:
        """What was last published in this log. Raises `LogError` when the log must be read and cannot be."""

    def forget(self) -> None:
        """Before something is published. Raises `OSError` or `ParcoursError`."""

    def remember(self, published: PublishedRules) -> None:
        """After it is durable; where that fails, the next one asked reads the log."""


def last_published(reader: LogReader, log_id: str) -> PublishedRules | None:
    """Read the whole log for what it last published. Raises `LogError`."""
    latest: PublishedRules | None = None
    after: dict[int, Position] = {}
    while records := reader.read(after, _READ_BYTES):
        for record in records:
            after[record.partition] = Position(log_id, record.offset + 1)
            if record.kind is not Kind.CONTROL or b'"rules.published"' not in record.value:
                continue
            for control in decode_controls(record.value):
                if isinstance(control, RulesPublished) and (latest is None or control.version >= latest.version):
                    latest = PublishedRules(log_id, control.version, control.rules)
    return latest


class PublishedRulesFile:
    """The file `path`, and the log it speaks of. All methods block."""

    def __init__(self, path: Path, reader: LogReader) -> None:
        self._path = path
        self._reader = reader

    def latest(self, log_id: str) -> PublishedRules | None:
        """What was last published in this log. Raises `LogError` when the log must be read and cannot be."""
        try:
            remembered = msgspec.json.decode(self._path.read_bytes(), type=PublishedRules)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            remembered = None
        if remembered is not None and remembered.log_id == log_id:
            return remembered
        return last_published(self._reader, log_id)

    def forget(self) -> None:
        """Before something is published. Raises `OSError`."""
        self._path.unlink(missing_ok=True)
        self._sync_folder()

    def remember(self, published: PublishedRules) -> None:
        """After it is durable. Without space nothing is remembered, and the next start reads the log."""
        beside = self._path.with_suffix(".new")
        with contextlib.suppress(OSError):
            with beside.open("wb") as file:
                file.write(msgspec.json.encode(published))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
            self._sync_folder()

    def _sync_folder(self) -> None:
        descriptor = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
