"""The limits of the port, as every writer checks them before it keeps anything."""

from collections.abc import Sequence

from shared.errors import LogError
from shared.log.port import MAX_RECORD_BYTES, MAX_RECORD_EVENTS, Record


def check_records(records: Sequence[Record], stream: str, partitions: int) -> None:
    """Raise `LogError` for a record that breaks a limit of the port or names a partition that does not exist."""
    for record in records:
        if not 1 <= record.items <= MAX_RECORD_EVENTS:
            raise LogError(f"{stream}: a record of {record.items} items; it may have 1 to {MAX_RECORD_EVENTS}")
        if len(record.value) > MAX_RECORD_BYTES:
            raise LogError(f"{stream}: a record of {len(record.value)} bytes; it may have {MAX_RECORD_BYTES}")
        if not 0 <= record.partition < partitions:
            raise LogError(f"{stream}: a record for partition {record.partition}; the log has {partitions}, from 0")
