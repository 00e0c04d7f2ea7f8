"""What of the alerts of a dump can be brought into a registry that has alerts of its own."""

from typing import Any, Final

from sqlalchemy import Connection, Table, select

from shared.registry.alert_tables import ALERT_TRANSITIONS, ALERTS, DEAD, OUTBOX, RESOLVED, WAITING

BROUGHT_IN: Final = "Brought in from a dump: send it by hand if it was not told before"
Rows = list[dict[str, Any]]


def that_fit(connection: Connection, table: Table, rows: Rows) -> Rows:
    """The rows that can be kept, as they are to be kept.

    An open alert stays out where one of its cause is open already, and with it what happened to it. What waited to be told
    may have been told since: it becomes a dead letter, for people to decide.
    """
    if table is ALERTS:
        open_keys = set(connection.execute(select(ALERTS.c.key).where(ALERTS.c.state != RESOLVED)).scalars())
        return [row for row in rows if row["state"] == RESOLVED or row["key"] not in open_keys]
    if table is ALERT_TRANSITIONS or table is OUTBOX:
        kept = set(connection.execute(select(ALERTS.c.id)).scalars())
        rows = [row for row in rows if row["alert"] in kept]
    if table is OUTBOX:
        given_up = {"state": DEAD, "claimed_until_us": 0, "last_error": BROUGHT_IN}
        return [row | given_up if row["state"] == WAITING else row for row in rows]
    return rows
