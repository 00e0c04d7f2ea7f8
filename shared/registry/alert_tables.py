"""The tables of alerts: what they are now, what happened to them, silences, what is to be told, and where the engine is.

Instants that end in `_us` are microseconds since 1970 UTC of the caller's clock; `_ms` are those of the database's.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text, text

from shared.registry.record_tables import ID_CHARS
from shared.registry.schema import METADATA

RESOLVED: Final = "resolved"
WAITING: Final = "waiting"
DELIVERED: Final = "delivered"
DEAD: Final = "dead"
"""The states of a delivery."""

ALERTS: Final = Table(
    "alerts",
    METADATA,
    Column("id", String(ID_CHARS), primary_key=True),
    Column("key", String(ID_CHARS), nullable=False),
    Column("state", String(20), nullable=False),
    Column("severity", String(20), nullable=False),
    Column("suppressed_by", String(40), nullable=False),
    Column("fired_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("resolved_us", BigInteger),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Index("alerts_resolved_us", "resolved_us"),
)
_OPEN: Final = text(f"state <> '{RESOLVED}'")
Index("alerts_open_key", ALERTS.c.key, unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)

ALERT_TRANSITIONS: Final = Table(
    "alert_transitions",
    METADATA,
    Column("alert", String(ID_CHARS), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("step", String(20), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("until_us", BigInteger),
)

SILENCES: Final = Table(
    "silences",
    METADATA,
    Column("id", String(ID_CHARS), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("condition", String(20), nullable=False),
    Column("rule", String(40), nullable=False),
    Column("service", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("territory", Text, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("id", String(256), primary_key=True),
    Column("alert", String(ID_CHARS), nullable=False),
    Column("number", Integer, nullable=False),
    Column("receiver", String(200), nullable=False),
    Column("state", String(10), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("next_try_us", BigInteger, nullable=False),
    Column("claimed_until_us", BigInteger, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Index("outbox_state", "state", "next_try_us"),
    Index("outbox_alert", "alert", "receiver", "number"),
)

ALERT_STATE: Final = Table(
    "alert_state",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("round_us", BigInteger),
    Column("document", LargeBinary, nullable=False),
)
