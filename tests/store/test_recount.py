"""The recount finds what should not be there."""

import re

import pytest

from services.loader.assembly import assemble_all
from shared.log.port import Kind
from shared.store.client import Store
from shared.store.complete_sums import complete_sums
from shared.store.recount import AGGREGATES, problems, recount
from shared.store.stored_sums import STORED, from_sums
from tests.loader.samples import Logs, event, point


@pytest.fixture
def loaded(empty_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with a few loaded events and points, its journeys assembled."""
    logs = Logs(tmp_path_factory.mktemp("log"))
    logs.append(Kind.EVENTS, [event(number) for number in range(30)])
    logs.append(Kind.POINTS, [point(number) for number in range(10)])
    logs.loader(empty_store).run_once()
    logs.close()
    assemble_all(empty_store)
    return empty_store


def test_sound_tables_have_no_problem(loaded: Store) -> None:
    """Every check is reported, and holds."""
    findings = recount(loaded)
    assert len(findings) == 29
    assert problems(findings) == {}


def test_every_stored_sum_is_compared() -> None:
    """Each projection has a comparison with the rows."""
    compared = {(table, stored) for table, stored, *_ in AGGREGATES.values()}
    assert compared == {(table, each.name) for table, stored in STORED.items() for each in stored}


def test_stored_sums_are_described_as_they_are(loaded: Store) -> None:
    """Every projection is known, with the columns that it has: what is read by name is there."""
    names = {(table, name) for table, name in loaded.query("SELECT DISTINCT table, name FROM system.projections").rows}
    assert names == {(table, each.name) for table, stored in STORED.items() for each in stored}
    for table, stored in STORED.items():
        for each in stored:
            described = loaded.query(
                f"DESCRIBE TABLE mergeTreeProjection(currentDatabase(), '{table}', '{each.name}')"
            ).rows
            written = from_sums(" ".join([*each.sums, each.moment]), table, each.name)
            assert {row[0] for row in described} == each.columns | set(re.findall("`(.+?)`", written)), each.name


def test_sums_that_are_missing_are_found(loaded: Store) -> None:
    """A part without a projection adds nothing to the sums that are read; completing them gives it back, and once is enough."""
    writer = loaded.writer()
    for table, stored, *_ in AGGREGATES.values():
        writer.command(f"ALTER TABLE {table} CLEAR PROJECTION {stored}", settings={"mutations_sync": 2})
    assert set(problems(recount(loaded))) >= {
        check for check, (table, *_) in AGGREGATES.items() if rows_of(loaded, table)
    }
    assert {(table, sums) for table, sums, _ in complete_sums(writer)} == {
        (table, stored) for table, stored, *_ in AGGREGATES.values() if rows_of(loaded, table)
    }
    assert problems(recount(loaded)) == {}
    assert complete_sums(writer) == []


def rows_of(store: Store, table: str) -> int:
    """How many rows a table has."""
    return int(store.query(f"SELECT count() FROM {table}").rows[0][0])


@pytest.mark.parametrize(
    ("damage", "check", "examples"),
    [
        ("INSERT INTO events SELECT * FROM events LIMIT 2", "events_once", 2),
        ("INSERT INTO events SELECT * REPLACE ('x' AS type) FROM events WHERE id = 'event-1'", "events_once", 1),
        ("INSERT INTO points SELECT * REPLACE (9 AS revision) FROM points WHERE id = 'point-3'", "points_signs", 1),
        ("INSERT INTO points SELECT * REPLACE (2 AS revision, -1 AS sign, 'other' AS id) FROM points LIMIT 1", "points_signs", 1),
        ("INSERT INTO points SELECT * REPLACE (2 AS revision, -1 AS sign, 'x' AS channel) FROM points LIMIT 1", "points_in_force", 0),
        ("INSERT INTO judged_contacts SELECT * FROM judged_contacts LIMIT 2", "contacts_signs", 2),
        ("INSERT INTO judged_contacts SELECT * REPLACE (-1 AS sign) FROM judged_contacts LIMIT 3", "contacts_judged", 0),
        ("INSERT INTO placed_points SELECT * REPLACE (-1 AS sign) FROM placed_points LIMIT 1", "points_placed", 0),
        ("INSERT INTO placed_points SELECT * REPLACE (-1 AS sign, 'x' AS subject) FROM placed_points LIMIT 1", "places_signs", 1),
        (
            "INSERT INTO positions SELECT 'journey-events.ingest', arrayJoin(['a', 'b']) AS log, log = 'b', 5, now64(6)",
            "positions_one_log", 1,
        ),
    ],
)  # fmt: skip
def test_damage_is_found(loaded: Store, damage: str, check: str, examples: int) -> None:
    """A repeated identity, signs that do not add up, and positions in two logs are each found by name."""
    loaded.writer().command(damage)
    found = problems(recount(loaded))
    assert check in found
    assert len(found[check].examples) == examples
