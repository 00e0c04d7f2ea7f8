"""Rejects are kept for the site's time and no longer."""

from shared.journey.instants import DAY_US, to_text
from shared.store.client import Store
from shared.store.failures import typed_errors


def set_reject_retention(store: Store, days: int) -> None:
    """Make the table's own bound the site's: by itself ClickHouse drops old rows when it merges, that is, at some time."""
    with typed_errors("rejects TTL"):
        store.writer().command(
            f"ALTER TABLE rejects MODIFY TTL toDateTime(time, 'UTC') + INTERVAL {int(days)} DAY",
            settings={"materialize_ttl_after_modify": 0},
        )


def delete_old_rejects(store: Store, days: int, now_us: int) -> None:
    """Delete the rejects older than `days` now. Raises `StoreError`."""
    with typed_errors("rejects retention"):
        store.writer().command(
            "DELETE FROM rejects WHERE time < {before:String}::DateTime64(6, 'UTC')",
            parameters={"before": to_text(now_us - days * DAY_US)[:-1]},
        )
