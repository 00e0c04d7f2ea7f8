"""Leases: at most one process does a job, for as long as it keeps saying so.

Time is the database's. A lease is a promise about time, not about what a paused process still does: the token grows with
every change of hands, so that what a job writes to can tell an old holder from the new one.
"""

from typing import Final

from sqlalchemy import ColumnElement, Engine, and_, case, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from shared.errors import RegistryError
from shared.registry.engine import typed_errors
from shared.registry.schema import LEASES, database_now_ms

MAX_TTL_S: Final = 300.0
_MS_PER_S: Final = 1_000


class Leases:
    """The leases of one registry. Every method is one statement and may be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def hold(self, name: str, holder: str, ttl_s: float) -> bool:
        """Take the lease, or renew it, for `ttl_s` from now; whether `holder` has it.

        `holder` must name one process, not a machine: two processes of one name would both hold. Raises `RegistryError`;
        then it is unknown whether the lease was renewed.
        """
        return self.take(name, holder, ttl_s) is not None

    def take(self, name: str, holder: str, ttl_s: float) -> int | None:
        """As `hold`, but gives the fencing token of the holder: it stays while the lease is renewed in time."""
        if not 0 < ttl_s <= MAX_TTL_S:
            raise RegistryError(f"The lease {name} was asked for {ttl_s} s: expected at most {MAX_TTL_S:.0f}")
        now = database_now_ms()
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        statement = insert(LEASES).values(name=name, holder=holder, until_ms=now + int(ttl_s * _MS_PER_S), token=1)
        new = statement.excluded
        renewed = and_(LEASES.c.holder == new.holder, ~_free(now))
        upsert = statement.on_conflict_do_update(
            index_elements=[LEASES.c.name],
            set_={
                "holder": new.holder,
                "until_ms": new.until_ms,
                "token": case((renewed, LEASES.c.token), else_=LEASES.c.token + 1),
            },
            where=or_(LEASES.c.holder == new.holder, _free(now)),
        ).returning(LEASES.c.token)
        with typed_errors(f"give the lease {name}"), self._engine.begin() as connection:
            token = connection.execute(upsert).scalar_one_or_none()
            return None if token is None else int(token)

    def release(self, name: str, holder: str) -> None:
        """Let the next one have it at once; nothing happens when `holder` does not have it. Raises `RegistryError`.

        The row stays, since its token must go on growing.
        """
        ended = LEASES.update().where(LEASES.c.name == name, LEASES.c.holder == holder).values(until_ms=0)
        with typed_errors(f"release the lease {name}"), self._engine.begin() as connection:
            connection.execute(ended)

    def holder(self, name: str) -> str | None:
        """Who has the lease now; `None` when it is free. Raises `RegistryError`."""
        query = select(LEASES.c.holder).where(LEASES.c.name == name, ~_free(database_now_ms()))
        with typed_errors(f"tell the holder of {name}"), self._engine.connect() as connection:
            holder = connection.execute(query).scalar_one_or_none()
            return None if holder is None else str(holder)


def _free(now: database_now_ms) -> ColumnElement[bool]:
    """A lease that has ended, or that ends later than any may: then the database's clock was put back since."""
    return or_(LEASES.c.until_ms <= now, LEASES.c.until_ms > now + int(MAX_TTL_S * _MS_PER_S))
