"""What people wrote down, what was opened, and the alerts, as one file: a part of a dump, and back into another registry.

Where the alert engine is stays behind: it counts anew from the log that it finds.
"""

import base64
import os
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import Date, Engine, LargeBinary, Table, select

from shared.errors import ConfigurationError, RegistryError
from shared.registry.alert_tables import ALERT_TRANSITIONS, ALERTS, OUTBOX, SILENCES
from shared.registry.alert_transfer import that_fit
from shared.registry.engine import typed_errors
from shared.registry.record_tables import ANNOTATIONS, IMPROVEMENTS, NOTES, OPENINGS, RECORD_HISTORY

FORMAT: Final = 1
TABLES: Final[tuple[Table, ...]] = (
    ANNOTATIONS,
    IMPROVEMENTS,
    RECORD_HISTORY,
    NOTES,
    OPENINGS,
    SILENCES,
    ALERTS,
    ALERT_TRANSITIONS,
    OUTBOX,
)
"""In this order they are brought in: an alert before what happened to it."""


class RecordFile(Struct, frozen=True):
    """The content of the file: rows by table, values as JSON holds them."""

    format: int
    tables: dict[str, list[dict[str, Any]]]


def write_records(engine: Engine, path: Path) -> dict[str, int]:
    """Write every record into a new file, readable by its owner only; rows by table.

    Raises `RegistryError` when the registry, or the disk, does not take part.
    """
    with typed_errors("give its records"), engine.connect() as connection:
        rows = {table.name: [dict(row) for row in connection.execute(select(table)).mappings()] for table in TABLES}
    content = RecordFile(FORMAT, {name: [_named(row) for row in each] for name, each in rows.items()})
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(content))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise RegistryError(f"{path} cannot be written: {error.strerror}") from error
    return {name: len(each) for name, each in rows.items()}


def read_records(engine: Engine, path: Path) -> dict[str, int]:
    """Bring the records of such a file into the registry, all or none; rows by table. What it has already stays as it is.

    Raises `ConfigurationError` for a file that is not one, `RegistryError`.
    """
    try:
        content = msgspec.json.decode(path.read_bytes(), type=RecordFile)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is no file of records ({type(error).__name__})") from error
    if content.format != FORMAT:
        raise ConfigurationError(f"{path} was written by another version (format {content.format}): update the program")
    counts = {}
    with typed_errors("take these records"), engine.begin() as connection:
        for table in TABLES:
            keys = [column.name for column in table.primary_key.columns]
            there = {tuple(row) for row in connection.execute(select(*table.primary_key.columns))}
            rows = [_typed(row, table) for row in content.tables.get(table.name, [])]
            new = [row for row in rows if tuple(row[key] for key in keys) not in there]
            new = that_fit(connection, table, new)
            if new:
                connection.execute(table.insert(), new)
            counts[table.name] = len(rows)
    return counts


def _named(row: dict[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}


def _typed(row: dict[str, Any], table: Table) -> dict[str, Any]:
    """Days are texts in JSON, and bytes are Base64. Raises `ConfigurationError` for a row that lacks a column."""
    try:
        values = {column.name: row[column.name] for column in table.columns}
        days = [column.name for column in table.columns if isinstance(column.type, Date)]
        blobs = [column.name for column in table.columns if isinstance(column.type, LargeBinary)]
        values |= {name: base64.b64decode(values[name], validate=True) for name in blobs}
        return values | {name: date.fromisoformat(values[name]) for name in days if values[name] is not None}
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"A row of {table.name} in the file of records is damaged") from error
