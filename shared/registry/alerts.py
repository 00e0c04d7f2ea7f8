"""Alerts in the registry: what a round found and what people did is kept whole or not at all, with what is to be told of it."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct, structs
from sqlalchemy import Connection, Engine, bindparam, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from shared.errors import RecordConflict
from shared.registry.alert_rows import AlertRow, Change, Fence, Held, NewDelivery, RoundWrite, TransitionRow
from shared.registry.alert_tables import ALERT_STATE, ALERT_TRANSITIONS, ALERTS, OUTBOX, RESOLVED, WAITING
from shared.registry.engine import typed_errors
from shared.registry.record import is_id, read_row
from shared.registry.schema import LEASES

MAX_LISTED: Final = 1_000
"""Of alerts, and of transitions of one, at once."""
MAX_FORGOTTEN: Final = 500
"""So many alerts are forgotten in one transaction."""

_ENGINE: Final = "engine"
_CHANGES: Final = "changes"
"""The rows of `alert_state`: the engine's state, and a count of all that was written about alerts."""
_MAX_INTEGER: Final = 2**31 - 1
_ANOTHER_ENGINE: Final = "Another process judges alerts now"
_CHANGED_MEANWHILE: Final = "Somebody else changed this alert meanwhile"

Row = TypeVar("Row", bound=Struct)


class Alerts:
    """The alerts of one registry; may be used from any thread. Every method raises `RegistryError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def held(self, resolved_since_us: int) -> Held:
        """What a round begins with: the engine's state, the open alerts and those resolved since."""
        state = select(ALERT_STATE).where(ALERT_STATE.c.name == _ENGINE)
        wanted = or_(ALERTS.c.state != RESOLVED, ALERTS.c.resolved_us >= resolved_since_us)
        with typed_errors("give its alerts"), self._engine.connect() as connection:
            kept = connection.execute(state).one_or_none()
            alerts = _read(connection, select(ALERTS).where(wanted), AlertRow)
        if kept is None:
            return Held(version=0, round_us=None, state=b"", alerts=alerts)
        return Held(version=kept.version, round_us=kept.round_us, state=bytes(kept.document), alerts=alerts)

    def commit_round(self, write: RoundWrite) -> None:
        """Keep what a round leaves: the engine's state, alerts, transitions and deliveries, in one transaction.

        Raises `RecordConflict`, and nothing is written, when another engine has written since or holds the lease, or when
        a person changed one of the alerts since it was read.
        """
        with typed_errors("keep a round of alerts"):
            try:
                with self._engine.begin() as connection:
                    # The first statement writes: SQLite then lets nobody else write, and what is read after it stays.
                    self._advance(connection, write)
                    _hold_fence(connection, write.fence)
                    self._count(connection)
                    _write_alerts(connection, write.alerts)
                    _append(connection, write.transitions, write.deliveries)
            except IntegrityError as error:
                raise RecordConflict(_CHANGED_MEANWHILE) from error

    def change(self, alert: str, replaces: int, act: Callable[[AlertRow], Change]) -> AlertRow:
        """What a person does: `act` gets the alert as it is and says what becomes of it; nobody else changes it meanwhile.

        Raises `RecordConflict` when `replaces` is not the present version, and whatever `act` raises; nothing is written then.
        """
        possible = is_id(alert) and 0 < replaces <= _MAX_INTEGER
        if not possible:
            raise RecordConflict(_CHANGED_MEANWHILE)
        query = select(ALERTS).where(ALERTS.c.id == alert, ALERTS.c.version == replaces).with_for_update()
        with typed_errors("change an alert"), self._engine.begin() as connection:
            self._count(connection)
            row = connection.execute(query).mappings().one_or_none()
            if row is None:
                raise RecordConflict(_CHANGED_MEANWHILE)
            change = act(read_row(row, AlertRow))
            _write_alerts(connection, [(change.alert, replaces)])
            _append(connection, [change.transition], change.deliveries)
        return change.alert

    def get(self, alert: str) -> AlertRow | None:
        """The alert with this id; `None` when there is none (any more)."""
        if not is_id(alert):
            return None
        return next(iter(self._rows(select(ALERTS).where(ALERTS.c.id == alert), AlertRow)), None)

    def open(self) -> list[AlertRow]:
        """Those that are not resolved, the latest first."""
        query = select(ALERTS).where(ALERTS.c.state != RESOLVED)
        return self._rows(query.order_by(ALERTS.c.fired_us.desc(), ALERTS.c.id), AlertRow)

    def resolved(self, since_us: int, limit: int = MAX_LISTED) -> list[AlertRow]:
        """Those resolved since then, the latest first, at most `limit` (1,000)."""
        query = select(ALERTS).where(ALERTS.c.resolved_us >= since_us)
        ordered = query.order_by(ALERTS.c.resolved_us.desc(), ALERTS.c.id).limit(min(limit, MAX_LISTED))
        return self._rows(ordered, AlertRow)

    def history(self, alert: str) -> list[TransitionRow]:
        """What happened to an alert, from the first; of more than 1,000 transitions the latest."""
        kept = ALERT_TRANSITIONS.c
        query = select(ALERT_TRANSITIONS).where(kept.alert == alert).order_by(kept.number.desc()).limit(MAX_LISTED)
        return self._rows(query, TransitionRow)[::-1] if is_id(alert) else []

    def changes(self) -> int:
        """Grows with every write about alerts: what is shown is up to date while it stays the same."""
        query = select(ALERT_STATE.c.version).where(ALERT_STATE.c.name == _CHANGES)
        with typed_errors("tell whether alerts changed"), self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one_or_none() or 0)

    def round_us(self) -> int | None:
        """The instant of the latest round; `None` before the first."""
        query = select(ALERT_STATE.c.round_us).where(ALERT_STATE.c.name == _ENGINE)
        with typed_errors("tell when alerts were judged"), self._engine.connect() as connection:
            found = connection.execute(query).scalar_one_or_none()
        return None if found is None else int(found)

    def forget(self, resolved_before_us: int) -> int:
        """Remove alerts resolved before then, with their history and all that was told of them; how many, at most 500.

        One of which something is still to be told stays.
        """
        waiting = select(OUTBOX.c.id).where(OUTBOX.c.alert == ALERTS.c.id, OUTBOX.c.state == WAITING).exists()
        old = select(ALERTS.c.id).where(ALERTS.c.resolved_us < resolved_before_us, ~waiting).limit(MAX_FORGOTTEN)
        with typed_errors("forget old alerts"), self._engine.begin() as connection:
            self._count(connection)
            gone = list(connection.execute(old).scalars())
            for table, column in ((OUTBOX, OUTBOX.c.alert), (ALERT_TRANSITIONS, ALERT_TRANSITIONS.c.alert)):
                connection.execute(delete(table).where(column.in_(gone)))
            connection.execute(delete(ALERTS).where(ALERTS.c.id.in_(gone)))
        return len(gone)

    def _advance(self, connection: Connection, write: RoundWrite) -> None:
        """Put the engine's state in place of the one that was read. Raises `RecordConflict` when that is not the present one."""
        values = {"version": write.replaces + 1, "round_us": write.round_us, "document": write.state}
        if write.replaces:
            present = ALERT_STATE.c.name == _ENGINE, ALERT_STATE.c.version == write.replaces
            statement: Any = update(ALERT_STATE).where(*present).values(**values)
        else:
            statement = self._insert(ALERT_STATE).values(name=_ENGINE, **values).on_conflict_do_nothing()
        if connection.execute(statement.returning(ALERT_STATE.c.version)).scalar_one_or_none() is None:
            raise RecordConflict(_ANOTHER_ENGINE)

    def _count(self, connection: Connection) -> None:
        """Say that something was written. All writers wait here for one another, one transaction after the other."""
        first = self._insert(ALERT_STATE).values(name=_CHANGES, version=1, document=b"")
        more = {"version": ALERT_STATE.c.version % _MAX_INTEGER + 1}
        connection.execute(first.on_conflict_do_update(index_elements=[ALERT_STATE.c.name], set_=more))

    def _insert(self, table: Any) -> Any:
        return (postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert)(table)

    def _rows(self, query: Any, kind: type[Row]) -> list[Row]:
        with typed_errors("read alerts"), self._engine.connect() as connection:
            return _read(connection, query, kind)


def _read(connection: Connection, query: Any, kind: type[Row]) -> list[Row]:
    return [read_row(row, kind) for row in connection.execute(query).mappings()]


def _hold_fence(connection: Connection, fence: Fence | None) -> None:
    """Nobody else gets the lease until this transaction ends. Raises `RecordConflict` when somebody else got it before."""
    if fence is None:
        return
    held = update(LEASES).where(LEASES.c.name == fence.lease, LEASES.c.token == fence.token)
    if connection.execute(held.values(token=fence.token)).rowcount != 1:
        raise RecordConflict(_ANOTHER_ENGINE)


def _write_alerts(connection: Connection, alerts: Sequence[tuple[AlertRow, int]]) -> None:
    """Add the new ones and replace the others. Raises `RecordConflict` when one is not the version that was read."""
    read = {row.id: version for row, version in alerts if version}
    query = select(ALERTS.c.id, ALERTS.c.version).where(ALERTS.c.id.in_(list(read))).order_by(ALERTS.c.id)
    found = {row.id: row.version for row in connection.execute(query.with_for_update())} if read else {}
    if found != read:
        raise RecordConflict(_CHANGED_MEANWHILE)
    # Those that end make room for those that begin: one open alert a key.
    changed = sorted((row for row, version in alerts if version), key=lambda row: (row.state != RESOLVED, row.id))
    if changed:
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in AlertRow.__struct_fields__ if name != "id"}
        statement = update(ALERTS).where(ALERTS.c.id == bindparam("new_id")).values(**values)
        connection.execute(statement, [{f"new_{k}": v for k, v in structs.asdict(row).items()} for row in changed])
    if new := [structs.asdict(row) for row, version in alerts if not version]:
        connection.execute(ALERTS.insert(), new)


def _append(connection: Connection, transitions: Sequence[TransitionRow], deliveries: Sequence[NewDelivery]) -> None:
    if transitions:
        connection.execute(ALERT_TRANSITIONS.insert(), [structs.asdict(each) for each in transitions])
    if deliveries:
        fresh: dict[str, Any] = {"state": WAITING, "tries": 0, "claimed_until_us": 0, "last_error": ""}
        rows = [structs.asdict(each) | fresh | {"id": each.id, "next_try_us": each.due_us} for each in deliveries]
        for each in rows:
            del each["due_us"]
        connection.execute(OUTBOX.insert(), rows)
