"""Openings: each look at a single point, a journey, a list or an export of them, and for which purpose."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from sqlalchemy import Engine, select

from shared.errors import RecordRefused
from shared.registry.engine import typed_errors
from shared.registry.record import checked, columns, is_id, new_id, read_row
from shared.registry.record_tables import OPENINGS
from shared.registry.schema import database_now_ms

KEPT_DAYS: Final = 365
"""An opening is forgotten after a year."""
MAX_LISTED: Final = 1_000
UNKNOWN: Final = "unknown"
"""Who opened: nothing tells people apart yet."""
_MS_PER_DAY: Final = 86_400_000

Purpose = Literal["improve-service", "citizen-request", "check-rule", "data-protection", "other"]
PURPOSES: Final[tuple[Purpose, ...]] = (
    "improve-service",
    "citizen-request",
    "check-rule",
    "data-protection",
    "other",
)
Opened = Literal["point", "points", "journey", "journeys"]
"""One point or a list of them, one journey or a set of them."""
Form = Literal["page", "api", "export"]

_Text = Annotated[str, Meta(max_length=1_000, pattern=r"^[^\x00]*$")]


class OpeningValues(Struct, frozen=True, kw_only=True):
    """What was opened: one thing (`opened` is its id) or a list or set (`opened` are its filters as a query)."""

    kind: Opened
    opened: Annotated[str, Meta(max_length=4_000, pattern=r"^[^\x00]*$")]
    form: Form
    purpose: Purpose
    text: _Text = ""
    who: _Text = UNKNOWN


class Opening(OpeningValues, frozen=True, kw_only=True):
    """An opening as it is kept."""

    id: str
    at_ms: int


class Openings:
    """The openings of one registry; may be used from any thread. Every method raises `RegistryError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, values: OpeningValues) -> Opening:
        """Record an opening, and forget those older than `KEPT_DAYS`.

        Raises `RecordRefused` for a purpose that is none: `other` says nothing without its text.
        """
        found = checked(values)
        if found.purpose == "other" and not found.text.strip():
            raise RecordRefused("text", "text: the purpose “other” must be put into words")
        now = database_now_ms()
        with typed_errors("record an opening"), self._engine.begin() as connection:
            connection.execute(OPENINGS.delete().where(OPENINGS.c.at_ms < now - KEPT_DAYS * _MS_PER_DAY))
            added = OPENINGS.insert().values(**columns(found), id=new_id(), at_ms=now).returning(OPENINGS)
            return read_row(connection.execute(added).mappings().one(), Opening)

    def get(self, opening: str) -> Opening | None:
        """The opening of this id; `None` when there is none (any more)."""
        if not is_id(opening):
            return None
        query = select(OPENINGS).where(OPENINGS.c.id == opening)
        with typed_errors("read an opening"), self._engine.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
            return None if row is None else read_row(row, Opening)

    def latest(self, limit: int = MAX_LISTED) -> list[Opening]:
        """The latest openings, newest first."""
        query = select(OPENINGS).order_by(OPENINGS.c.at_ms.desc(), OPENINGS.c.id).limit(min(limit, MAX_LISTED))
        with typed_errors("read openings"), self._engine.connect() as connection:
            return [read_row(row, Opening) for row in connection.execute(query).mappings()]
