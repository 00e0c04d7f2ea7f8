"""Staging tables on a server: each holder of the loader's lease has its own.

A holder that was paused and goes on after it lost its lease finds its tables gone: it can neither empty the ones of the
next holder between insert and move, nor move rows itself.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from clickhouse_connect.driver.client import Client

from services.loader.targets import Target
from shared.errors import StoreBusy
from shared.log.port import Kind
from shared.store.failures import typed_errors

Targets = Mapping[Kind, Target]

_OF_HOLDERS: Final = """
SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, '^staging_[a-z_]+_[0-9]+$')
"""
_RUNNING: Final = """
SELECT countIf({assembling:Bool} = match(query, '^[[:space:]]*INSERT INTO (journeys|judged_contacts|placed_points|staging_journey_)'))
FROM system.processes WHERE query_kind = 'Insert' AND current_database = currentDatabase()
"""
"""Inserts of the loader or of the assembler, which work side by side."""


def fenced(targets: Targets, fence: int) -> Targets:
    """The same, with the staging tables of the holder whose fencing token is `fence`."""
    return {kind: target._replace(staging=f"{target.staging}_{fence}") for kind, target in targets.items()}


def take_staging(writer: Client, plain: Iterable[str], fence: int) -> None:
    """Make this holder's copies of staging tables, and drop all of earlier holders. Raises `StoreError`.

    A later holder's stay: then this one is the earlier, and its own are dropped in turn.
    """
    with typed_errors("staging tables"):
        for table in plain:
            writer.command(f"CREATE TABLE IF NOT EXISTS {table}_{fence} AS {table}")
        for (name,) in writer.query(_OF_HOLDERS).result_rows:
            if int(name.rpartition("_")[2]) < fence:
                writer.command(f"DROP TABLE IF EXISTS {name}")


def await_earlier_inserts(writer: Client, *, assembling: bool = False) -> None:
    """Raise `StoreBusy` while a server still runs an insert: one that a cut connection left, or an earlier holder.

    Identity is looked up when an insert begins; two at once could both find a row missing.
    """
    with typed_errors("system.processes"):
        running = writer.query(_RUNNING, parameters={"assembling": assembling}).result_rows[0][0]
    if running:
        raise StoreBusy("An earlier insert still runs in ClickHouse: waiting for its end")
