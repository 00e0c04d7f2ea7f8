"""Delete what is stored of given subjects; the aggregates follow, since projections are rebuilt with their rows."""

from collections.abc import Sequence
from typing import Final

from shared.store.client import Store
from shared.store.failures import typed_errors

_TABLES: Final = ("events", "points", "late_events", "touched_journeys", "journeys", "judged_contacts", "placed_points")
"""Journeys, what is judged and what is placed last: what is assembled meanwhile is assembled from what is left."""


def delete_subjects(store: Store, subjects: Sequence[str]) -> None:
    """Delete every row of the pseudonyms; when it returns, no query sees them. Safe to repeat. Raises `StoreError`."""
    for table in _TABLES:
        with typed_errors("DELETE of subjects"):
            store.writer().command(
                "DELETE FROM {table:Identifier} WHERE subject != '' AND subject IN {subjects:Array(String)}",
                parameters={"table": table, "subjects": list(subjects)},
                settings={"lightweight_deletes_sync": 2},
            )
