"""Bring the registry's tables to the version of this program: Alembic revisions, applied by one process at a time."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text

from shared.errors import RegistryError
from shared.registry.engine import typed_errors

FOLDER: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 7_272_737
"""PostgreSQL's advisory lock of an upgrade: any number that no other program of the database uses."""


def upgrade(engine: Engine) -> None:
    """Apply what is missing, all or none. Others that upgrade at the same time wait. Raises `RegistryError`."""
    with typed_errors("bring its tables to this version"), engine.connect() as connection:
        try:
            if engine.dialect.name == "sqlite":
                _in_one_writer(connection)
            else:
                _under_lock(connection)
        except CommandError as error:
            raise RegistryError("The registry's tables are newer than this program: update the program") from error


def latest_revision() -> str:
    """The revision this program needs."""
    return ScriptDirectory(str(FOLDER)).get_current_head() or ""


def current_revision(engine: Engine) -> str:
    """The revision of the tables that are there. Raises `RegistryError`."""
    with typed_errors("tell its revision"), engine.connect() as connection:
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def _in_one_writer(connection: Connection) -> None:
    """SQLite's driver would begin a transaction only before rows are changed, too late for tables."""
    connection = connection.execution_options(isolation_level="AUTOCOMMIT")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        _apply(connection)
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


def _under_lock(connection: Connection) -> None:
    with connection.begin():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        _apply(connection)


def _apply(connection: Connection) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    command.upgrade(config, "head")
