"""The tables of what designers write down: annotations, improvements, notes; and of what was opened, and why.

Days are those of UTC. Instants are milliseconds since 1970 UTC of the database's clock.
"""

from typing import Final

from sqlalchemy import JSON, BigInteger, Column, Date, Float, Index, Integer, String, Table, Text

from shared.registry.schema import METADATA

ID_CHARS: Final = 16

ANNOTATIONS: Final = Table(
    "annotations",
    METADATA,
    Column("id", String(ID_CHARS), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("service", Text),
    Column("territory", Text),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

IMPROVEMENTS: Final = Table(
    "improvements",
    METADATA,
    Column("id", String(ID_CHARS), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("services", JSON, nullable=False),
    Column("territories", JSON, nullable=False),
    Column("offices", JSON, nullable=False),
    Column("rule", String(40)),
    Column("owner", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("status", String(20), nullable=False),
    Column("cost_euros", Float),
    Column("cost_minutes", Float),
    Column("evidence", JSON, nullable=False),
    Column("comparison", JSON, nullable=False),
    Column("pilots", JSON, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

RECORD_HISTORY: Final = Table(
    "record_history",
    METADATA,
    Column("kind", String(20), primary_key=True),
    Column("id", String(ID_CHARS), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("ended", String(20), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("document", JSON, nullable=False),
)

NOTES: Final = Table(
    "notes",
    METADATA,
    Column("id", String(ID_CHARS), primary_key=True),
    Column("about", String(20), nullable=False),
    Column("about_id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("notes_about", "about", "about_id"),
)

OPENINGS: Final = Table(
    "openings",
    METADATA,
    Column("id", String(ID_CHARS), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("opened", Text, nullable=False),
    Column("form", String(20), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("text", Text, nullable=False),
    Column("who", Text, nullable=False),
    Index("openings_at_ms", "at_ms"),
)
