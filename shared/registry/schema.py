"""The tables of the registry, alike in SQLite and PostgreSQL. Instants are milliseconds since 1970 UTC of the database's clock."""

from typing import Any, Final

from sqlalchemy import JSON, BigInteger, Column, Integer, MetaData, String, Table
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

METADATA: Final = MetaData()

LEASES: Final = Table(
    "leases",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("token", BigInteger, nullable=False),
)

HEARTBEATS: Final = Table(
    "heartbeats",
    METADATA,
    Column("service", String(200), primary_key=True),
    Column("instance", String(200), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("document", JSON, nullable=False),
)

VALUES: Final = Table(
    "values",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("document", JSON, nullable=False),
)


class database_now_ms(FunctionElement[int]):  # noqa: N801  # an SQL function, named as SQL names them
    """The database's clock, read when the statement runs: processes of several machines then share one clock."""

    type = BigInteger()
    inherit_cache = True


@compiles(database_now_ms, "postgresql")
def _of_postgresql(_element: database_now_ms, _compiler: SQLCompiler, **_: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"


@compiles(database_now_ms, "sqlite")
def _of_sqlite(_element: database_now_ms, _compiler: SQLCompiler, **_: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
