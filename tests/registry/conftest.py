"""Registries to test: one of SQLite and one of a real PostgreSQL, each emptied for the test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.registry.engine import make_engine
from shared.registry.registry import Registry
from shared.registry.schema import METADATA
from tests.registry import postgresql

Open = Callable[[], Registry]


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.PostgreSQL]:
    """A running PostgreSQL, shared by the test process."""
    lacking = postgresql.missing()
    if lacking:
        pytest.skip(lacking)
    server = postgresql.PostgreSQL()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def postgresql_url(postgresql_server: postgresql.PostgreSQL) -> str:
    """Its URL; the database holds nothing."""
    engine = make_engine(postgresql_server.url)
    METADATA.drop_all(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    engine.dispose()
    return postgresql_server.url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty registry of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'registry.sqlite'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def open_registry(url: str) -> Iterator[Open]:
    """Opens the registry, as each process would."""
    opened: list[Registry] = []

    def open_it() -> Registry:
        opened.append(Registry(url))
        opened[-1].upgrade()
        return opened[-1]

    yield open_it
    for registry in opened:
        registry.close()


@pytest.fixture
def registry(open_registry: Open) -> Registry:
    """One registry with its tables."""
    return open_registry()
