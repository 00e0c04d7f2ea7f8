"""The registry's contract, on SQLite and on a real PostgreSQL."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import inspect, text

from shared.errors import ConfigurationError, RegistryError
from shared.registry.deadline import USE_LIMIT_S
from shared.registry.engine import make_engine
from shared.registry.keeper import LeaseKeeper
from shared.registry.leases import MAX_TTL_S
from shared.registry.registry import Registry
from shared.registry.schema import LEASES, METADATA
from shared.registry.upgrade import latest_revision
from tests.registry.conftest import Open
from tests.registry.postgresql import PostgreSQL


def execute(url: str, statement: str) -> None:
    """Run one statement beside the registry."""
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_a_lease_has_one_holder(registry: Registry) -> None:
    """Who takes it first has it and renews it; another gets it only after its release."""
    assert registry.leases.hold("loader", "a", 5)
    assert registry.leases.hold("loader", "a", 5)
    assert not registry.leases.hold("loader", "b", 5)
    assert registry.leases.holder("loader") == "a"
    registry.leases.release("loader", "b")
    assert registry.leases.holder("loader") == "a"
    registry.leases.release("loader", "a")
    assert registry.leases.holder("loader") is None
    assert registry.leases.hold("loader", "b", 5)
    assert registry.leases.hold("journey-events clock", "a", 5)


def test_a_lease_ends_by_itself(registry: Registry) -> None:
    """A holder that says nothing loses it after its time; the token grows with each change, and by nothing else."""
    first = registry.leases.take("loader", "a", 0.2)
    assert first is not None
    assert registry.leases.take("loader", "a", 0.2) == first
    time.sleep(0.25)
    assert registry.leases.holder("loader") is None
    second = registry.leases.take("loader", "b", 5)
    assert second is not None
    assert second > first
    assert registry.leases.take("loader", "a", 5) is None
    registry.leases.release("loader", "b")
    third = registry.leases.take("loader", "b", 5)
    assert third is not None
    assert third > second


@pytest.mark.parametrize("ttl_s", [0, -1, MAX_TTL_S + 1])
def test_the_time_of_a_lease_is_bounded(registry: Registry, ttl_s: float) -> None:
    """A lease without time, or for hours, is refused."""
    with pytest.raises(RegistryError, match="at most"):
        registry.leases.hold("loader", "a", ttl_s)


def test_a_lease_of_a_clock_put_back_is_free(registry: Registry, url: str) -> None:
    """When the database's clock is put back by hours, nobody waits for hours."""
    first = registry.leases.take("loader", "a", 5)
    assert first is not None
    execute(url, "UPDATE leases SET until_ms = until_ms + 7200000")
    assert registry.leases.holder("loader") is None
    second = registry.leases.take("loader", "b", 5)
    assert second is not None
    assert second > first


def test_of_many_that_ask_at_once_one_gets_it(open_registry: Open) -> None:
    """Twenty threads with connections of their own: one holder, whoever it is."""
    registries = [open_registry() for _ in range(4)]
    with ThreadPoolExecutor(20) as threads:
        asked = [
            threads.submit(registries[number % 4].leases.hold, "loader", f"holder-{number}", 5) for number in range(20)
        ]
        got = [number for number, answer in enumerate(asked) if answer.result()]
    assert len(got) == 1
    assert registries[0].leases.holder("loader") == f"holder-{got[0]}"


def test_two_processes_contend_and_a_killed_holder_loses_the_lease(open_registry: Open, url: str) -> None:
    """While one process holds the lease another waits; after kill -9 it has it within the lease's time, with a new token."""
    open_registry()
    command = [sys.executable, "-m", "tests.registry.hold_lease", url, "loader", "1.5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        first = int(one.stdout.readline().split()[1])
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            said: list[str] = []
            reading = threading.Thread(target=lambda: said.append(other.stdout.readline()))  # type: ignore[union-attr]
            reading.start()
            reading.join(2.5)
            assert said == []
            one.kill()
            killed_s = time.monotonic()
            reading.join(10)
            assert time.monotonic() - killed_s < 3.5
            assert int(said[0].split()[1]) > first
            other.kill()


def test_a_keeper_renews_and_hands_over(open_registry: Open) -> None:
    """A lease is kept well past its time; closing hands it over at once."""
    one = LeaseKeeper(open_registry().leases, "loader", "one", 0.8)
    other = LeaseKeeper(open_registry().leases, "loader", "other", 0.8)
    with one:
        assert one.wait(2)
        with other:
            assert not other.wait(1.2)
            assert one.held()
            one.close()
            assert not one.held()
            assert other.wait(2)
            assert other.token > one.token


def test_a_keeper_relies_on_its_lease_less_long_than_it_lasts(open_registry: Open) -> None:
    """Without the database the holder stops before another could begin, by a clock of its own."""
    now_s = [100.0]
    keeper = LeaseKeeper(open_registry().leases, "loader", "one", 40, lambda: now_s[0])
    with keeper:
        assert keeper.wait(5)
        assert 0 < keeper.remaining_s() < 40 * 0.8
        now_s[0] += 31
        assert not keeper.held()


def test_heartbeats_are_the_latest_of_each_process(registry: Registry, url: str) -> None:
    """Each process has one, with its age by the database's clock; those of other services are not told."""
    registry.heartbeats.beat("detector", "one", {"lag": 1})
    registry.heartbeats.beat("detector", "one", {"lag": 2, "partitions": [0, 1]})
    registry.heartbeats.beat("detector", "two", {})
    registry.heartbeats.beat("loader", "one", {})
    execute(url, "UPDATE heartbeats SET at_ms = at_ms - 5000 WHERE instance = 'one'")
    two, one = registry.heartbeats.latest("detector")
    assert (two.instance, one.instance) == ("two", "one")
    assert one.document == {"lag": 2, "partitions": [0, 1]}
    assert 0 <= two.age_s < 5 <= one.age_s < 10
    assert registry.heartbeats.latest("insights") == []


def test_a_process_long_silent_is_forgotten(registry: Registry, url: str) -> None:
    """A day after its last sign, at the next sign of its service."""
    registry.heartbeats.beat("detector", "gone", {})
    registry.heartbeats.beat("loader", "gone", {})
    execute(url, "UPDATE heartbeats SET at_ms = at_ms - 86401000")
    registry.heartbeats.beat("detector", "here", {})
    assert [heartbeat.instance for heartbeat in registry.heartbeats.latest("detector")] == ["here"]
    assert len(registry.heartbeats.latest("loader")) == 1


def test_values_are_compared_and_set(registry: Registry) -> None:
    """A document is replaced only by one that knew the present version; what was put is given back."""
    values = registry.values
    assert values.get("rules") is None
    assert not values.put("rules", {"version": 0}, 1)
    assert values.put("rules", {"é": [1, 2.5, None, {"a": True}]}, 0)
    assert not values.put("rules", {}, 0)
    assert values.put("rules", {"second": 1}, 1)
    assert not values.put("rules", {"lost": 1}, 1)
    got = values.get("rules")
    assert got is not None
    assert (got.version, got.document) == (2, {"second": 1})


def test_of_many_that_put_at_once_one_succeeds(open_registry: Open) -> None:
    """Each version is written by one of them."""
    registries = [open_registry() for _ in range(4)]
    with ThreadPoolExecutor(12) as threads:
        for version in range(3):
            put = [
                threads.submit(registries[n % 4].values.put, "rules", {"by": n, "v": version}, version)
                for n in range(12)
            ]
            assert [answer.result() for answer in put].count(True) == 1
    got = registries[0].values.get("rules")
    assert got is not None
    assert (got.version, got.document["v"]) == (3, 2)


def test_upgrade_can_be_repeated_and_run_by_many_at_once(url: str) -> None:
    """The tables are those that the program declares, with its revision, and what they hold stays."""
    registries = [Registry(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(registry.upgrade) for registry in registries]:
            done.result()
    assert registries[0].values.put("kept", {}, 0)
    registries[1].upgrade()
    assert registries[2].values.get("kept") is not None
    for registry in registries:
        registry.close()
    engine = make_engine(url)
    columns = inspect(engine)
    for table in METADATA.tables.values():
        found = {column["name"]: column for column in columns.get_columns(table.name)}
        assert {column.name: bool(column.nullable) for column in table.columns} == {
            name: bool(column["nullable"]) for name, column in found.items()
        }
        keys = columns.get_pk_constraint(table.name)["constrained_columns"]
        assert keys == [column.name for column in table.primary_key.columns]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == latest_revision()
    engine.dispose()


def test_tables_of_a_newer_program_are_left_alone(registry: Registry, url: str) -> None:
    """An older program says so instead of guessing."""
    execute(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(RegistryError, match="newer than this program"):
        registry.upgrade()


def test_without_tables_the_error_is_one_line_without_password(url: str) -> None:
    """Nothing of the URL is told."""
    with Registry(url) as registry, pytest.raises(RegistryError) as raised:
        registry.leases.hold("loader", "a", 5)
    assert "\n" not in str(raised.value)
    assert "not-checked" not in str(raised.value)


@pytest.mark.parametrize("bad", ["", "nonsense", "mysql://u:geheim@h/db", "postgresql://u:geheim@h/db"])
def test_another_url_is_refused(bad: str) -> None:
    """By name of the setting, without its password."""
    with pytest.raises(ConfigurationError, match="PARCOURS_REGISTRY") as raised:
        Registry(bad)
    assert "geheim" not in str(raised.value)


@pytest.mark.postgresql
def test_a_database_that_was_restarted_is_connected_to_again(
    postgresql_server: PostgreSQL, postgresql_url: str
) -> None:
    """While it is away every call ends with a typed error; afterwards all is there, and the keeper holds its lease again."""
    with Registry(postgresql_url) as registry:
        registry.upgrade()
        assert registry.values.put("kept", {"a": 1}, 0)
        with LeaseKeeper(registry.leases, "loader", "one", 1.0) as keeper:
            assert keeper.wait(2)
            postgresql_server.stop()
            try:
                with pytest.raises(RegistryError, match="is its database running"):
                    registry.values.get("kept")
                time.sleep(1.0)
                assert not keeper.held()
            finally:
                postgresql_server.start()
            assert registry.values.get("kept") == (1, {"a": 1})
            assert keeper.wait(5)


@pytest.mark.postgresql
def test_a_database_that_hangs_is_given_up(postgresql_server: PostgreSQL, postgresql_url: str) -> None:
    """Paused, it keeps its connections open and says nothing: calls end nevertheless, and the keeper does not hold its lease."""
    with Registry(postgresql_url) as registry:
        registry.upgrade()
        with LeaseKeeper(registry.leases, "loader", "one", 2.0) as keeper:
            assert keeper.wait(2)
            postgresql_server.pause()
            asked_s = time.monotonic()
            try:
                with pytest.raises(RegistryError):
                    registry.values.get("rules")
                assert time.monotonic() - asked_s < USE_LIMIT_S + 8
                assert not keeper.held()
            finally:
                postgresql_server.go_on()
            # what was cut is replaced
            assert registry.values.get("rules") is None
            assert keeper.wait(USE_LIMIT_S + 8)


@pytest.mark.postgresql
def test_waits_for_a_lock_are_bounded(postgresql_url: str) -> None:
    """A row that another transaction holds is not waited for for ever."""
    engine = make_engine(postgresql_url)
    with Registry(postgresql_url) as registry, engine.connect() as other:
        registry.upgrade()
        registry.leases.hold("loader", "a", 60)
        other.execute(LEASES.update().values(until_ms=0))
        asked_s = time.monotonic()
        with pytest.raises(RegistryError):
            registry.leases.hold("loader", "a", 60)
        assert time.monotonic() - asked_s < 8
        other.rollback()
    engine.dispose()
