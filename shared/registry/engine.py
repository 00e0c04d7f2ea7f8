"""Open the registry's database: bounded connections, bounded waits, typed errors."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry.metrics import get_meter
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from shared.errors import ConfigurationError, RegistryError
from shared.registry.deadline import bound_use

POOL_CONNECTIONS: Final = 4
WAIT_S: Final = 5
"""Bound on a connection, a lock and a statement."""

_failures = get_meter("parcours.registry").create_counter(
    "parcours.registry.errors", unit="{error}", description="Failures to reach the registry's database"
)
_POSTGRESQL: Final = "postgresql+psycopg"
_SQLITE: Final = "sqlite"


def make_engine(url: str) -> Engine:
    """An engine for `sqlite:///path` or `postgresql+psycopg://…`; nothing is opened. Raises `ConfigurationError`."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError(
            "PARCOURS_REGISTRY is not a database URL like postgresql+psycopg://user@host/db"
        ) from None
    if parsed.drivername not in {_POSTGRESQL, _SQLITE}:
        raise ConfigurationError(
            f"PARCOURS_REGISTRY begins with {parsed.drivername}: expected {_POSTGRESQL} or {_SQLITE}"
        )
    engine = create_engine(
        parsed,
        pool_size=POOL_CONNECTIONS,
        max_overflow=0,
        pool_timeout=WAIT_S,
        connect_args=_connect_options(parsed.drivername),
        hide_parameters=True,
    )
    if parsed.drivername == _SQLITE:
        event.listen(engine, "connect", _make_durable)
    else:
        bound_use(engine)
    return engine


def _connect_options(driver: str) -> dict[str, Any]:
    if driver == _SQLITE:
        return {"timeout": WAIT_S, "check_same_thread": False}
    return {
        "connect_timeout": WAIT_S,
        "application_name": "parcours",
        "options": f"-c statement_timeout={WAIT_S}s -c lock_timeout={WAIT_S}s -c timezone=UTC",
        # A database that went away without a word is noticed, rather than waited for.
        "tcp_user_timeout": WAIT_S * 1_000,
        "keepalives_idle": WAIT_S,
        "keepalives_interval": 1,
        "keepalives_count": WAIT_S,
    }


def _make_durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


@contextmanager
def typed_errors(doing: str) -> Iterator[None]:
    """Turn SQLAlchemy's errors into `RegistryError`; its own text may quote the URL or values, so only its type is told."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        _failures.add(1)
        cause = getattr(error, "orig", None) or error
        if type(cause).__name__ == "UndefinedTable" or "no such table" in str(cause):
            raise RegistryError("The registry has no tables yet: run `parcours service setup`") from error
        raise RegistryError(
            f"The registry cannot {doing} now ({type(cause).__name__}): is its database running?"
        ) from error
