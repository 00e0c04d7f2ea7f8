"""Migrations: what would run, what has run, what is refused, and what a crash leaves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import StoreError
from shared.store.client import Store
from shared.store.migrate import migrate, plan, read_migrations, schema_lock

FIRST = "CREATE TABLE IF NOT EXISTS m_one (a UInt8) ENGINE = Memory;\n"
SECOND = (
    "CREATE TABLE IF NOT EXISTS m_two (a UInt8) ENGINE = Memory;\nALTER TABLE m_one ADD COLUMN IF NOT EXISTS b UInt8;\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations of their own."""
    (tmp_path / "0001_first.sql").write_text(FIRST)
    (tmp_path / "0002_second.sql").write_text(SECOND)
    return tmp_path


@pytest.fixture
def bare_store(store: Store) -> Iterator[Store]:
    """The store as if it had never been migrated; restored afterwards."""
    writer = store.writer()
    writer.command("RENAME TABLE schema_migrations TO kept_migrations")
    yield store
    for table in ("m_one", "m_two", "schema_migrations"):
        writer.command(f"DROP TABLE IF EXISTS {table}")
    writer.command("RENAME TABLE kept_migrations TO schema_migrations")


def names(migrations: list) -> list[str]:
    """Their file names."""
    return [migration.name for migration in migrations]


def test_the_shipped_ones_are_applied_once(store: Store) -> None:
    """A migrated store has nothing left to do."""
    assert plan(store) == []
    assert migrate(store) == []
    assert names(read_migrations())[0] == "0001_events.sql"


def test_plan_then_migrate(bare_store: Store, folder: Path) -> None:
    """The plan is what then runs, in order, once; a new file is the next plan."""
    assert names(plan(bare_store, folder)) == ["0001_first.sql", "0002_second.sql"]
    assert bare_store.query("EXISTS TABLE m_one").rows == [(0,)]
    assert names(migrate(bare_store, folder)) == ["0001_first.sql", "0002_second.sql"]
    assert plan(bare_store, folder) == []
    (folder / "0003_third.sql").write_text("DROP TABLE IF EXISTS m_two;")
    assert names(migrate(bare_store, folder)) == ["0003_third.sql"]
    assert bare_store.query("EXISTS TABLE m_two").rows == [(0,)]


def test_a_changed_file_is_refused_by_name(bare_store: Store, folder: Path) -> None:
    """An applied file that has changed since stops everything, naming it."""
    migrate(bare_store, folder)
    (folder / "0001_first.sql").write_text(FIRST + "-- more\n")
    with pytest.raises(StoreError, match=r"0001_first\.sql was changed"):
        migrate(bare_store, folder)


def test_newer_tables_are_refused_by_name(bare_store: Store, folder: Path) -> None:
    """Tables migrated by a newer program stop an older one, naming what it does not know."""
    migrate(bare_store, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(StoreError, match=r"newer than this program.*0002_second\.sql"):
        plan(bare_store, folder)


@pytest.mark.parametrize("name", ["0003_gap.sql", "2_short.sql", "0002_Twice.sql"])
def test_numbers_are_one_two_three(tmp_path: Path, name: str) -> None:
    """A gap, a repeat or another form of name is refused, naming the file."""
    (tmp_path / "0001_first.sql").write_text(FIRST)
    (tmp_path / name).write_text(FIRST)
    with pytest.raises(StoreError, match=name):
        read_migrations(tmp_path)


def test_a_crash_half_way_is_repaired(bare_store: Store, folder: Path) -> None:
    """A file cut short after its first statement is not noted as applied, and the next run completes it."""
    (folder / "0002_second.sql").write_text(SECOND.replace("ALTER TABLE m_one", "ALTER TABLE missing"))
    with pytest.raises(StoreError):
        migrate(bare_store, folder)
    assert bare_store.query("EXISTS TABLE m_two").rows == [(1,)]
    (folder / "0002_second.sql").write_text(SECOND)
    assert names(plan(bare_store, folder)) == ["0002_second.sql"]
    migrate(bare_store, folder)
    assert bare_store.query("SELECT name FROM system.columns WHERE table = 'm_one' ORDER BY name").rows == [
        ("a",),
        ("b",),
    ]


def test_two_runners_exclude_each_other(store: Store) -> None:
    """On a server only one runner holds the lock row; it is free again afterwards, or once it has expired."""
    writer = store.writer()
    with schema_lock(writer, "one"), pytest.raises(StoreError, match="Another migration"), schema_lock(writer, "two"):
        pytest.fail("both hold the lock")
    with schema_lock(writer, "killed", expiry_s=0), schema_lock(writer, "next"):
        pass
    assert store.query("SELECT count() FROM schema_lock").rows == [(0,)]
