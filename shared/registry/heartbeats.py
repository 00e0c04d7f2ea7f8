"""Heartbeats: what each process of a service last said of itself, and how long ago."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from shared.registry.engine import typed_errors
from shared.registry.schema import HEARTBEATS, database_now_ms

KEPT_S: Final = 86_400
"""A process that has been silent for longer is forgotten: containers get a new name with each start."""
_MS_PER_S: Final = 1_000


class Heartbeat(NamedTuple):
    """One process: `age_s` is how long ago it spoke, by the database's clock, and never negative."""

    instance: str
    age_s: float
    document: Mapping[str, Any]


class Heartbeats:
    """The heartbeats of one registry; may be used from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def beat(self, service: str, instance: str, document: Mapping[str, Any]) -> None:
        """Replace what this process said (JSON values only). Raises `RegistryError`."""
        now = database_now_ms()
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        statement = insert(HEARTBEATS).values(service=service, instance=instance, at_ms=now, document=dict(document))
        upsert = statement.on_conflict_do_update(
            index_elements=[HEARTBEATS.c.service, HEARTBEATS.c.instance],
            set_={"at_ms": statement.excluded.at_ms, "document": statement.excluded.document},
        )
        forgotten = delete(HEARTBEATS).where(
            HEARTBEATS.c.service == service, HEARTBEATS.c.at_ms < now - KEPT_S * _MS_PER_S
        )
        with typed_errors(f"take the heartbeat of {service}"), self._engine.begin() as connection:
            connection.execute(upsert)
            connection.execute(forgotten)

    def latest(self, service: str) -> list[Heartbeat]:
        """Of every process of the service, the latest first. Raises `RegistryError`."""
        age_ms = (database_now_ms() - HEARTBEATS.c.at_ms).label("age_ms")
        query = (
            select(HEARTBEATS.c.instance, age_ms, HEARTBEATS.c.document)
            .where(HEARTBEATS.c.service == service)
            .order_by(HEARTBEATS.c.at_ms.desc(), HEARTBEATS.c.instance)
        )
        with typed_errors(f"tell the heartbeats of {service}"), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [Heartbeat(instance, max(age, 0) / _MS_PER_S, document) for instance, age, document in rows]
