"""Named documents that processes share, changed by compare-and-set (e.g. the rules that a log has published)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Engine, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shared.registry.engine import typed_errors
from shared.registry.schema import VALUES, database_now_ms


class Value(NamedTuple):
    """A document and its version: 1, 2, 3 … in the order in which it was put."""

    version: int
    document: Mapping[str, Any]


class Values:
    """The values of one registry; may be used from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, name: str) -> Value | None:
        """The latest; `None` while there is none. Raises `RegistryError`."""
        query = select(VALUES.c.version, VALUES.c.document).where(VALUES.c.name == name)
        with typed_errors(f"give {name}"), self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Value(row.version, row.document)

    def put(self, name: str, document: Mapping[str, Any], replaces: int) -> bool:
        """Put the document (JSON values only) as version `replaces + 1` if `replaces` is the present version.

        0 is the version of what is not there. False, and nothing changed, when another was faster. Raises `RegistryError`.
        """
        now = database_now_ms()
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        row = {"version": replaces + 1, "at_ms": now, "document": dict(document)}
        first = insert(VALUES).values(name=name, **row).on_conflict_do_nothing().returning(VALUES.c.version)
        present = VALUES.c.name == name, VALUES.c.version == replaces
        next_one = update(VALUES).where(*present).values(row).returning(VALUES.c.version)
        with typed_errors(f"keep {name}"), self._engine.begin() as connection:
            done = connection.execute(next_one if replaces else first)
            return done.scalar_one_or_none() is not None
