"""Make the stored sums that a part of a table lacks: what is read by name (stored_sums.py) would take them for nothing.

A part lacks sums that a migration added after it was written, until ClickHouse has made them, and sums that ClickHouse found
damaged when it loaded the part.
"""

import logging
from typing import Final

from clickhouse_connect.driver.client import Client

from shared.store.stored_sums import STORED

_PARTS: Final = """
SELECT table, partition_id, name FROM system.parts
WHERE active AND rows > 0 AND database = currentDatabase() AND table IN {tables:Array(String)}
"""
_SUMS: Final = """
SELECT table, parent_name, name FROM system.projection_parts
WHERE active AND NOT is_broken AND database = currentDatabase() AND table IN {tables:Array(String)}
"""
_IN_PARTITION: Final = "IN PARTITION ID {partition:String}"

_log = logging.getLogger(__name__)


def complete_sums(writer: Client) -> list[tuple[str, str, str]]:
    """Make what is lacking, and give it: table, name of the sums, partition. Takes as long as the part's rows do."""
    tables = {"tables": sorted(STORED)}
    has = set(map(tuple, writer.query(_SUMS, parameters=tables).result_rows))
    lacking = {
        (table, sums.name, partition)
        for table, partition, part in writer.query(_PARTS, parameters=tables).result_rows
        for sums in STORED[table]
        if (table, part, sums.name) not in has
    }
    for table, sums, partition in sorted(lacking):
        _log.warning("Stored sums are made again", extra={"table": table, "sums": sums, "partition": partition})
        # A projection made of a part counts rows that are only marked as deleted.
        for change in ("APPLY DELETED MASK", f"MATERIALIZE PROJECTION {sums}"):
            statement = f"ALTER TABLE {table} {change} {_IN_PARTITION}"
            writer.command(statement, parameters={"partition": partition}, settings={"mutations_sync": 2})
    return sorted(lacking)
