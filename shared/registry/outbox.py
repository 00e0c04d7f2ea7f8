"""What is to be told: deliveries wait here until they arrived, or until people see that they did not.

A delivery is written in the transaction of its transition, so none is forgotten; it is claimed before it is sent, and noted when it
arrived. A process that dies between sending and noting, or sleeps for longer than its claim lasts, sends it a second time under the same
id: at least once, and receivers can tell the repeat.
"""

from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, Engine, Select, and_, exists, func, or_, select, update

from shared.errors import RecordConflict
from shared.registry.alert_tables import ALERTS, DEAD, DELIVERED, OUTBOX, RESOLVED, WAITING
from shared.registry.engine import typed_errors
from shared.registry.record import read_row

HOLD_US: Final = 60_000_000
"""A claim lasts so long: longer than any sending may take."""
MAX_WAIT_US: Final = 14 * 86_400_000_000
"""No delivery waits longer, for the hours of its route or its next try: one that would was written by a clock that has been
put back since."""
MAX_RETRY_WAIT_US: Final = 2 * 3_600_000_000
"""Nor longer for its next try once it was tried: twice what a receiver may ask for."""
MAX_CLAIMED: Final = 500
MAX_COUNTED: Final = 10_000
PAUSE_US: Final = 15 * 60_000_000
"""What is due within it waits already: so long a receiver that does not answer is left alone at most; longer, for its hours."""
MAX_LISTED: Final = 1_000
MAX_ERROR_CHARS: Final = 1_000


class OutboxRow(Struct, frozen=True, kw_only=True):
    """A delivery as it is kept; `id` is the same however often it is sent."""

    id: str
    alert: str
    number: int
    receiver: str
    state: str
    tries: int
    created_us: int
    next_try_us: int
    claimed_until_us: int
    last_error: str
    message: bytes


class WaitingRow(Struct, frozen=True, kw_only=True):
    """What waits for a receiver: so many, and of them the oldest that was tried, else the oldest.

    last_error: why its last try did not arrive, '' when it was not tried.
    """

    receiver: str
    waiting: int
    created_us: int
    last_error: str
    message: bytes


class OutboxRows:
    """The deliveries of one registry; may be used from any thread. Every method raises `RegistryError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, limit: int, now_us: int) -> list[OutboxRow]:
        """At most `limit` (500) deliveries that are due and nobody else's, the longest due first; this caller's for `HOLD_US`.

        Of one alert and receiver only the first that waits is given out: messages arrive in the order of what happened.
        """
        # As a common table expression it is evaluated once: within IN, PostgreSQL may do so again and lock more rows.
        due = self._due(now_us).limit(min(limit, MAX_CLAIMED)).with_for_update(skip_locked=True).cte("due")
        claimed = update(OUTBOX).where(OUTBOX.c.id.in_(select(due.c.id)), OUTBOX.c.state == WAITING)
        statement = claimed.values(claimed_until_us=now_us + HOLD_US).returning(OUTBOX)
        with typed_errors("give out deliveries"), self._engine.begin() as connection:
            rows = [read_row(row, OutboxRow) for row in connection.execute(statement).mappings()]
        return sorted(rows, key=lambda row: (row.next_try_us, row.created_us, row.alert, row.number, row.receiver))

    def delivered(self, delivery: str) -> None:
        """It has arrived. Nothing happens when it does not wait (any more)."""
        self._set(delivery, WAITING, state=DELIVERED, claimed_until_us=0)

    def failed(self, delivery: str, error: str, next_try_us: int) -> None:
        """It did not arrive and is due again then; without an error it was not tried, and no try is counted."""
        values: dict[str, Any] = {"next_try_us": next_try_us, "claimed_until_us": 0}
        if error:
            values |= {"tries": OUTBOX.c.tries + 1, "last_error": _plain(error)}
        self._set(delivery, WAITING, **values)

    def dead(self, delivery: str, error: str) -> None:
        """It is given up, and listed for people. Nothing happens when it does not wait (any more)."""
        self._set(delivery, WAITING, state=DEAD, claimed_until_us=0, tries=OUTBOX.c.tries + 1, last_error=_plain(error))

    def retry(self, delivery: str, now_us: int) -> None:
        """Try a dead one again, from the first try, as if it were written now: else it would be too old at once.

        Raises `RecordConflict` when it is not dead (any more).
        """
        if not self._set(delivery, DEAD, state=WAITING, tries=0, created_us=now_us, next_try_us=now_us):
            raise RecordConflict("This message is not given up (any more)")

    def dead_letters(self, limit: int = MAX_LISTED) -> list[OutboxRow]:
        """What was given up, the latest first, at most `limit` (1,000)."""
        query = select(OUTBOX).where(OUTBOX.c.state == DEAD).order_by(OUTBOX.c.created_us.desc(), OUTBOX.c.id)
        return self._rows(query.limit(min(limit, MAX_LISTED)))

    def of(self, alert: str) -> list[OutboxRow]:
        """All that was and is to be told of an alert, from the first, at most 1,000."""
        query = select(OUTBOX).where(OUTBOX.c.alert == alert).order_by(OUTBOX.c.number, OUTBOX.c.receiver)
        return self._rows(query.limit(MAX_LISTED))

    def counts(self) -> dict[str, int]:
        """How many wait and how many are dead."""
        query = (
            select(OUTBOX.c.state, func.count().label("number"))
            .where(OUTBOX.c.state != DELIVERED)
            .group_by(OUTBOX.c.state)
        )
        with typed_errors("count deliveries"), self._engine.connect() as connection:
            found = {row.state: int(row.number) for row in connection.execute(query)}
        return {WAITING: found.get(WAITING, 0), DEAD: found.get(DEAD, 0)}

    def oldest_waiting_us(self) -> int | None:
        """When the oldest that waits was written; `None` when none does."""
        query = select(func.min(OUTBOX.c.created_us)).where(OUTBOX.c.state == WAITING)
        with typed_errors("tell what waits"), self._engine.connect() as connection:
            found = connection.execute(query).scalar_one_or_none()
        return None if found is None else int(found)

    def waiting(self, now_us: int) -> list[WaitingRow]:
        """What waits for each receiver, by its name; not what waits for the hours of its route. Of more than `MAX_COUNTED` those
        that are due first are counted.
        """
        kept = OUTBOX.c
        due = or_(kept.last_error != "", _over(kept.next_try_us, now_us + PAUSE_US, MAX_WAIT_US))
        some = select(kept.id, kept.receiver, kept.created_us, kept.last_error).where(kept.state == WAITING, due)
        first = some.order_by(kept.next_try_us).limit(MAX_COUNTED).subquery()
        order = (first.c.last_error == "", first.c.created_us, first.c.id)
        place = func.row_number().over(partition_by=first.c.receiver, order_by=order)
        number = func.count().over(partition_by=first.c.receiver)
        ranked = select(first.c.id, place.label("place"), number.label("waiting")).subquery()
        query = (
            select(kept.receiver, ranked.c.waiting, kept.created_us, kept.last_error, kept.message)
            .join(ranked, ranked.c.id == kept.id)
            .where(ranked.c.place == 1)
            .order_by(kept.receiver)
            .limit(MAX_LISTED)
        )
        with typed_errors("tell what waits"), self._engine.connect() as connection:
            return [read_row(row, WaitingRow) for row in connection.execute(query).mappings()]

    def active(self, receiver: str) -> list[bytes]:
        """The latest message to this receiver of each alert that is open and told of; one that still waits, perhaps for the
        hours of its route, is none yet.
        """
        other = OUTBOX.alias()
        same = other.c.alert == OUTBOX.c.alert, other.c.receiver == receiver
        latest = select(func.max(other.c.number)).where(*same, other.c.state != WAITING)
        query = (
            select(OUTBOX.c.message)
            .join(ALERTS, ALERTS.c.id == OUTBOX.c.alert)
            .where(ALERTS.c.state != RESOLVED, ALERTS.c.suppressed_by == "", OUTBOX.c.receiver == receiver)
            .where(OUTBOX.c.number == latest.scalar_subquery())
            .order_by(ALERTS.c.fired_us, ALERTS.c.id)
        )
        with typed_errors("tell what is active"), self._engine.connect() as connection:
            return [bytes(message) for message in connection.execute(query).scalars()]

    def _due(self, now_us: int) -> Select[tuple[str]]:
        earlier = OUTBOX.alias()
        kept = OUTBOX.c
        first = ~exists().where(
            earlier.c.alert == kept.alert,
            earlier.c.receiver == kept.receiver,
            earlier.c.state == WAITING,
            earlier.c.number < kept.number,
        )
        due = or_(
            _over(kept.next_try_us, now_us, MAX_WAIT_US),
            and_(kept.tries > 0, kept.next_try_us > now_us + MAX_RETRY_WAIT_US),
        )
        return (
            select(kept.id)
            .where(kept.state == WAITING, first)
            .where(due, _over(kept.claimed_until_us, now_us, HOLD_US))
            .order_by(kept.next_try_us, kept.created_us, kept.alert, kept.number, kept.receiver)
        )

    def _set(self, delivery: str, present: str, **values: Any) -> bool:
        statement = update(OUTBOX).where(and_(OUTBOX.c.id == delivery, OUTBOX.c.state == present)).values(**values)
        with typed_errors("note a delivery"), self._engine.begin() as connection:
            return connection.execute(statement).rowcount > 0

    def _rows(self, query: Select[Any]) -> list[OutboxRow]:
        with typed_errors("read deliveries"), self._engine.connect() as connection:
            return [read_row(row, OutboxRow) for row in connection.execute(query).mappings()]


def _over(instant: ColumnElement[int], now_us: int, longest_us: int) -> ColumnElement[bool]:
    """Past, or so far ahead that a clock must have been put back since it was written."""
    return or_(instant <= now_us, instant > now_us + longest_us)


def _plain(error: str) -> str:
    return error[:MAX_ERROR_CHARS].replace("\0", "")
