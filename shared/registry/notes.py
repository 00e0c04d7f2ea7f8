"""Notes that people leave on a journey, a point, a rule or a service.

A note is free text and may hold what it should not: removed, it is gone, and no history keeps it.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from sqlalchemy import Engine, select

from shared.registry.engine import typed_errors
from shared.registry.record import Line, checked, columns, is_id, new_id, read_row
from shared.registry.record_tables import NOTES
from shared.registry.schema import database_now_ms

MAX_NOTES: Final = 200
"""That one journey, point, rule or service shows: the newest."""
NoteAbout = Literal["journey", "point", "rule", "service"]


class NoteValues(Struct, frozen=True, kw_only=True):
    """What a note says, and of what (`about` and its id or name). `author` is a role, not a person's name."""

    about: NoteAbout
    about_id: Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[^\x00]*$")]
    text: Annotated[str, Meta(min_length=1, max_length=4_000, pattern=r"^(?=[\s\S]*\S)[^\x00]*$")]
    author: Line


class Note(NoteValues, frozen=True, kw_only=True):
    """A note as it is kept; `at_ms` is when it was left."""

    id: str
    at_ms: int


class Notes:
    """The notes of one registry; may be used from any thread. Every method raises `RegistryError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, values: NoteValues) -> Note:
        """Keep a note. Raises `RecordRefused` for one that cannot be kept."""
        row = columns(checked(values)) | {"id": new_id()}
        statement = NOTES.insert().values(**row, at_ms=database_now_ms()).returning(NOTES)
        with typed_errors("keep a note"), self._engine.begin() as connection:
            return read_row(connection.execute(statement).mappings().one(), Note)

    def about(self, about: NoteAbout, about_id: str) -> list[Note]:
        """The newest notes on this, oldest first."""
        query = (
            select(NOTES)
            .where(NOTES.c.about == about, NOTES.c.about_id == about_id)
            .order_by(NOTES.c.at_ms.desc(), NOTES.c.id)
            .limit(MAX_NOTES)
        )
        with typed_errors("read notes"), self._engine.connect() as connection:
            return [read_row(row, Note) for row in connection.execute(query).mappings()][::-1]

    def remove(self, about: NoteAbout, about_id: str, note: str) -> bool:
        """Erase a note on this; whether there was one."""
        if not is_id(note):
            return False
        which = (NOTES.c.id == note, NOTES.c.about == about, NOTES.c.about_id == about_id)
        with typed_errors("remove a note"), self._engine.begin() as connection:
            return connection.execute(NOTES.delete().where(*which)).rowcount > 0
