"""The tables of alerts come to a registry that has been in use, on SQLite and on a real PostgreSQL."""

from datetime import date

from sqlalchemy import inspect, text

from shared.registry.alert_tables import ALERT_STATE, ALERT_TRANSITIONS, ALERTS, OUTBOX, SILENCES
from shared.registry.annotations import AnnotationValues
from shared.registry.engine import make_engine
from tests.alerts_lifecycle.rows import row, write
from tests.registry.conftest import Open

TABLES = (ALERTS, ALERT_TRANSITIONS, SILENCES, OUTBOX, ALERT_STATE)


def test_a_registry_in_use_gets_the_tables(open_registry: Open, url: str) -> None:
    """What people wrote down before stays, and alerts can be kept."""
    registry = open_registry()
    reform = registry.records.annotations.add(AnnotationValues(first_day=date(2026, 3, 1), title="New form"))
    engine = make_engine(url)
    with engine.begin() as connection:
        for table in TABLES:
            connection.execute(text(f"DROP TABLE {table.name}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    engine.dispose()
    registry.upgrade()
    assert registry.records.annotations.all() == [reform]
    registry.alerts.commit_round(write(0, row("a")))
    assert registry.alerts.open() == [row("a")]


def test_the_indexes_are_those_that_are_declared(open_registry: Open, url: str) -> None:
    """Among them the one that lets a cause have one open alert."""
    open_registry()
    engine = make_engine(url)
    columns = inspect(engine)
    for table in TABLES:
        declared = {
            (index.name, tuple(each.name for each in index.columns), bool(index.unique)) for index in table.indexes
        }
        found = {
            (index["name"], tuple(index["column_names"]), bool(index["unique"]))
            for index in columns.get_indexes(table.name)
        }
        assert found == declared
    engine.dispose()
