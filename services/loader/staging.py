"""Staging tables on a server: each holder of the loader's lease has its own.

A holder that was paused and goes on after it lost its lease finds its tables gone: it can neither empty the ones of the
next holder between insert and move, nor move rows itself.
"""

from collections.abc import Mapping
from typing import Final

from services.loader.targets import Target
from shared.errors import StoreBusy
from shared.log.port import Kind
from shared.store.client import Store
from shared.store.failures import typed_errors

Targets = Mapping[Kind, Target]

_OF_HOLDERS: Final = """
SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, '^staging_[a-z_]+_[0-9]+$')
"""
_RUNNING: Final = """
SELECT count() FROM system.processes WHERE query_kind = 'Insert' AND current_database = currentDatabase()
"""


def fenced(targets: Targets, fence: int) -> Targets:
    """The same, with the staging tables of the holder whose fencing token is `fence`."""
    return {kind: target._replace(staging=f"{target.staging}_{fence}") for kind, target in targets.items()}


def take_staging(store: Store, targets: Targets, fence: int) -> None:
    """Make this holder's staging tables and drop those of earlier ones. Raises `StoreError`.

    A later holder's stay: then this one is the earlier, and its own are dropped in turn.
    """
    writer = store.writer()
    with typed_errors("staging tables"):
        for target in fenced(targets, fence).values():
            plain = target.staging.removesuffix(f"_{fence}")
            writer.command(f"CREATE TABLE IF NOT EXISTS {target.staging} AS {plain}")
    for (name,) in store.query(_OF_HOLDERS).rows:
        if int(name.rpartition("_")[2]) < fence:
            with typed_errors("staging tables"):
                writer.command(f"DROP TABLE IF EXISTS {name}")


def await_earlier_inserts(store: Store) -> None:
    """Raise `StoreBusy` while the server still runs an insert: one that a cut connection left, or an earlier holder.

    Identity is looked up when an insert begins; two at once could both find a row missing.
    """
    if not store.embedded and store.query(_RUNNING).rows[0][0]:
        raise StoreBusy("An earlier insert still runs in ClickHouse: waiting for its end")
