"""A table as a file: CSV for people's spreadsheets, Parquet and Arrow for programs.

What is withheld is empty, and the column `withheld` names it: unknown and withheld are never taken for 0.
"""

import csv
import io
from datetime import date
from typing import Any, Final

from msgspec import Struct

from services.insights.figures.table import Column, Row, Table
from shared.journey.instants import from_us, to_text

WITHHELD: Final = "withheld"
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


class FileFormat(Struct, frozen=True):
    """The ending and the media type of a kind of file."""

    ending: str
    media_type: str


FORMATS: Final = {
    "csv": FileFormat("csv", "text/csv; charset=utf-8"),
    "parquet": FileFormat("parquet", "application/vnd.apache.parquet"),
    "arrow": FileFormat("arrow", "application/vnd.apache.arrow.stream"),
}


def as_file(found: Table, kind: str) -> bytes:
    """The table in one of `FORMATS`."""
    return as_csv(found) if kind == "csv" else _as_columns(found, kind)


def as_csv(found: Table) -> bytes:
    """RFC 4180, UTF-8 with a byte order mark (spreadsheets need it), one header line with the API's names."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*(column.name for column in found.columns), WITHHELD])
    for row in found.rows:
        cells = [_cell(value, column) for value, column in zip(row.values, found.columns, strict=True)]
        writer.writerow([*cells, " ".join(sorted(row.withheld))])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _cell(value: Any, column: Column) -> Any:
    """Text that a spreadsheet would run as a formula is given a leading apostrophe."""
    if value is None:
        return ""
    if column.kind == "instant":
        return to_text(value)
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value


def as_json(found: Table) -> dict[str, Any]:
    """The table for the API: rows by column name, each with what is withheld of it."""
    return {
        "columns": [{"name": column.name, "kind": column.kind} for column in found.columns],
        "rows": [_record(found, row) for row in found.rows],
        "cut": found.cut,
    }


def _record(found: Table, row: Row) -> dict[str, Any]:
    values = zip(row.values, found.columns, strict=True)
    record: dict[str, Any] = {
        column.name: to_text(value) if column.kind == "instant" and isinstance(value, int) else value
        for value, column in values
    }
    return record | {WITHHELD: sorted(row.withheld)} if row.withheld else record


def _as_columns(found: Table, kind: str) -> bytes:
    # Read on first use: it takes a quarter of a second, and few processes ever write such a file.
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    types = {
        "day": pa.date32(), "instant": pa.timestamp("us", "UTC"), "count": pa.int64(), "flag": pa.bool_(),
        "decimal": pa.float64(), "share": pa.float64(), "rate": pa.float64(), "seconds": pa.float64(),
        "minutes": pa.float64(), "euros": pa.float64(),
    }  # fmt: skip
    arrays, fields = [], []
    for place, column in enumerate(found.columns):
        kind_of = types.get(column.kind, pa.string())
        arrays.append(pa.array([_typed(row.values[place], column) for row in found.rows], kind_of))
        fields.append(pa.field(column.name, kind_of))
    arrays.append(pa.array([sorted(row.withheld) for row in found.rows], pa.list_(pa.string())))
    fields.append(pa.field(WITHHELD, pa.list_(pa.string())))
    rows = pa.table(arrays, schema=pa.schema(fields))
    sink = io.BytesIO()
    if kind == "parquet":
        parquet.write_table(rows, sink)
    else:
        with pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows)
    return sink.getvalue()


def _typed(value: Any, column: Column) -> Any:
    if value is None:
        return None
    if column.kind == "day":
        return date.fromisoformat(value)
    if column.kind == "instant":
        return from_us(value)
    return float(value) if column.kind in {"decimal", "share", "rate", "seconds", "minutes", "euros"} else value
