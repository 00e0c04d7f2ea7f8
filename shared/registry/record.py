"""What records have in common: checked values, ids, versions, and a history of what was changed or removed."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection, Engine, Table, func, select
from sqlalchemy.exc import IntegrityError

from shared.errors import RecordConflict, RecordRefused
from shared.registry.engine import typed_errors
from shared.registry.record_tables import ID_CHARS, RECORD_HISTORY
from shared.registry.schema import database_now_ms

MAX_RECORDS: Final = 5_000
"""Of one kind: all of them can then be read at once."""
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2299
"""The range of ClickHouse's DateTime64."""

_MAX_VERSION: Final = 2**31 - 1
_CHANGED_MEANWHILE: Final = "Somebody else changed or removed this meanwhile"
_NO_NULL: Final = r"^[^\x00]*$"
_SOME: Final = r"^(?=[\s\S]*\S)[^\x00]*$"
Line = Annotated[str, Meta(min_length=1, max_length=200, pattern=_SOME)]
"""A title, a role: one line that says something."""
Prose = Annotated[str, Meta(max_length=4_000, pattern=_NO_NULL)]
"""A paragraph; may be empty."""
Name = Annotated[str, Meta(min_length=1, max_length=256, pattern=_SOME)]
"""The name of a service, a territory, an office, as events carry it."""
Names = Annotated[list[Name], Meta(max_length=200)]


class Earlier(Struct, frozen=True, kw_only=True):
    """A version that is no more: what it held (JSON values), and when and how it `ended` (`changed` or `removed`)."""

    version: int
    ended: str
    at_ms: int
    document: Mapping[str, Any]


Values = TypeVar("Values", bound=Struct)
Record = TypeVar("Record", bound=Struct)
Checked = TypeVar("Checked", bound=Struct)


def checked(values: Checked) -> Checked:
    """The same values, each of the declared kind and length. Raises `RecordRefused` naming the field."""
    try:
        found = msgspec.json.decode(msgspec.json.encode(values), type=type(values))
    except msgspec.ValidationError as error:
        field = str(error).rpartition("at `$.")[2].strip("`").partition("[")[0].partition(".")[0]
        raise RecordRefused(field, f"{field}: {str(error).partition(' - ')[0]}") from error
    except UnicodeEncodeError as error:
        raise RecordRefused("", "A text holds characters that are none") from error
    for name in found.__struct_fields__:
        if isinstance(value := getattr(found, name), date):
            check_day(name, value)
    return found


def check_day(field: str, day: date) -> None:
    """Raises `RecordRefused` for a day that no event can have."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise RecordRefused(field, f"{field}: expected a day from {FIRST_YEAR} to {LAST_YEAR}")


def new_id() -> str:
    """An id that no other record has."""
    return secrets.token_hex(ID_CHARS // 2)


def is_id(text: str) -> bool:
    """Whether a record could have this id."""
    return len(text) == ID_CHARS and all(each in "0123456789abcdef" for each in text)


def columns(values: Struct) -> dict[str, Any]:
    """The values as the columns take them: days as days, lists as JSON."""
    given = {name: getattr(values, name) for name in values.__struct_fields__}
    return {name: each if isinstance(each, date) else msgspec.to_builtins(each) for name, each in given.items()}


def read_row(row: Mapping[Any, Any], kind: type[Record]) -> Record:
    """A row as a record; SQLAlchemy's names of columns are more than texts, which msgspec would refuse."""
    return msgspec.convert({str(name): value for name, value in row.items()}, kind)


def make_room(connection: Connection, table: Table) -> None:
    """Raises `RecordRefused` when there are as many as there may be."""
    if connection.execute(select(func.count()).select_from(table)).scalar_one() >= MAX_RECORDS:
        raise RecordRefused("", f"There are {MAX_RECORDS} of them: remove what is no longer needed")


class VersionedRecords(Generic[Values, Record]):
    """Records of one kind that people change: what stood before is kept. May be used from any thread.

    Every method raises `RegistryError` while the database does not answer.
    """

    def __init__(self, engine: Engine, table: Table, record: type[Record]) -> None:
        self._engine = engine
        self._table = table
        self._record = record

    def add(self, values: Values) -> Record:
        """Keep a new one, version 1. Raises `RecordRefused` for values that cannot be kept."""
        row = columns(self._check(checked(values))) | {"id": new_id(), "version": 1}
        now = database_now_ms()
        statement = self._table.insert().values(**row, created_ms=now, changed_ms=now).returning(self._table)
        with typed_errors(f"keep this in {self._table.name}"), self._engine.begin() as connection:
            make_room(connection, self._table)
            return self._read(connection.execute(statement).mappings().one())

    def get(self, record: str) -> Record | None:
        """The one with this id; `None` when there is none (any more)."""
        if not is_id(record):
            return None
        with self._reading() as connection:
            row = connection.execute(select(self._table).where(self._table.c.id == record)).mappings().one_or_none()
            return None if row is None else self._read(row)

    def change(self, record: str, replaces: int, values: Values) -> Record:
        """Put these values in place of version `replaces`, which is kept in the history.

        Raises `RecordConflict` when that is not the present version, `RecordRefused` for values that cannot be kept.
        """
        row = columns(self._check(checked(values))) | {"version": replaces + 1}
        statement = self._table.update().where(*self._present(record, replaces)).values(**row)
        with self._changing() as connection:
            self._keep(connection, record, replaces, "changed")
            statement = statement.values(changed_ms=database_now_ms()).returning(self._table)
            return self._read(connection.execute(statement).mappings().one())

    def remove(self, record: str, replaces: int) -> None:
        """Remove it; its history stays. Raises `RecordConflict` when `replaces` is not the present version."""
        with self._changing() as connection:
            self._keep(connection, record, replaces, "removed")
            connection.execute(self._table.delete().where(*self._present(record, replaces)))

    def history(self, record: str) -> list[Earlier]:
        """What stood there before, the first version first; of one that was removed, everything."""
        kept = RECORD_HISTORY.c
        query = (
            select(kept.version, kept.ended, kept.at_ms, kept.document)
            .where(kept.kind == self._table.name, kept.id == record)
            .order_by(kept.version)
        )
        with self._reading() as connection:
            return [read_row(row, Earlier) for row in connection.execute(query).mappings()]

    def _keep(self, connection: Connection, record: str, version: int, ended: str) -> None:
        """Put the present version into the history; whoever comes second waits here, and finds another version."""
        query = select(self._table).where(*self._present(record, version)).with_for_update()
        possible = is_id(record) and 0 < version <= _MAX_VERSION
        row = connection.execute(query).mappings().one_or_none() if possible else None
        if row is None:
            raise RecordConflict(_CHANGED_MEANWHILE)
        document = msgspec.to_builtins({str(name): value for name, value in row.items()})
        values = {"kind": self._table.name, "id": record, "version": version, "ended": ended, "document": document}
        connection.execute(RECORD_HISTORY.insert().values(**values, at_ms=database_now_ms()))

    def _present(self, record: str, version: int) -> tuple[Any, Any]:
        return self._table.c.id == record, self._table.c.version == version

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        with typed_errors(f"change {self._table.name}"):
            try:
                with self._engine.begin() as connection:
                    yield connection
            except IntegrityError as error:  # another kept this version between reading and keeping it
                raise RecordConflict(_CHANGED_MEANWHILE) from error

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with typed_errors(f"read {self._table.name}"), self._engine.connect() as connection:
            yield connection

    def _check(self, values: Values) -> Values:
        """What holds between the fields; raises `RecordRefused`."""
        return values

    def _read(self, row: Any) -> Record:
        return read_row(row, self._record)
