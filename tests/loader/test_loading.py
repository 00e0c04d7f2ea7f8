"""Rows reach ClickHouse once, whatever is repeated; aggregates follow."""

import msgspec
import pytest

from services.loader.targets import TARGETS
from shared.clock import now_us
from shared.journey.codec import encode
from shared.journey.instants import DAY_US, to_text
from shared.log.port import Kind
from shared.store.client import Store
from shared.store.deletion import delete_subjects
from shared.store.recount import problems, recount
from shared.store.stored_sums import from_sums
from tests.loader.samples import STREAMS, Logs, event, late_event, point

EVENTS_BY_HOUR = """
SELECT toStartOfHour(time) AS hour, service, channel, territory, type, count() AS n FROM events
GROUP BY hour, service, channel, territory, type ORDER BY hour, service, channel, territory, type
"""
POINTS_BY_DAY = """
SELECT toDate(time) AS day, rule, service, channel, territory, sum(sign) AS n FROM points
GROUP BY day, rule, service, channel, territory HAVING n != 0 ORDER BY day, rule, service, channel, territory
"""


def count(store: Store, table: str) -> int:
    """The rows of a table."""
    return store.query(f"SELECT count() FROM {table}").rows[0][0]


def assert_aggregates_equal_recount(store: Store) -> None:
    """The stored sums give what the rows give."""
    assert store.query(from_sums(EVENTS_BY_HOUR, "events", "hourly_events")).rows == store.query(EVENTS_BY_HOUR).rows
    of_days = from_sums(POINTS_BY_DAY, "points", "daily_points_by_territory")
    assert store.query(of_days).rows == store.query(POINTS_BY_DAY).rows
    assert problems(recount(store)) == {}


def test_columns_are_the_fields(empty_store: Store) -> None:
    """Every field of every kind has its column, in the table and (nested for events) in its staging table; the rest of the
    columns follow from these.
    """
    for target in TARGETS.values():
        described = empty_store.query(f"DESCRIBE TABLE {target.table}").rows
        assert {row[0] for row in described if row[2] != "MATERIALIZED"} == set(target.columns)


def test_every_field_arrives(empty_store: Store, logs: Logs) -> None:
    """An event's fields stand in their columns, absent ones as '' or NULL, texts of every script unharmed."""
    full = {
        "wait_s": 0.0, "due": "2024-05-06T00:00:00+02:00", "invited": True, "rating": 5.0, "comment": 'é☃"\\\n{a:b}',
        "attributes": {"a": "x", "ключ": "y"}, "case": "c-1",
    }  # fmt: skip
    raw = msgspec.to_builtins(event(1)) | {"id": "full"}
    raw["data"] |= full
    logs.append(Kind.EVENTS, [event(1)])
    logs.append_value(Kind.EVENTS, msgspec.json.encode([raw]), 1, STREAMS[0])
    step = logs.loader(empty_store).run_once()
    assert step.events == 2
    rows = empty_store.query(
        "SELECT id, wait_s, toString(due), invited, rating, comment, attributes, case, matter, subject, toString(time) "
        "FROM events ORDER BY id"
    ).rows
    time = event(1).time.replace("T", " ").removesuffix("Z")
    assert rows == [
        ("event-1", None, None, False, None, "", {}, "", "", "p1-1", time),
        (
            "full",
            0.0,
            "2024-05-05 22:00:00.000000",
            True,
            5.0,
            full["comment"],
            full["attributes"],
            "c-1",
            "",
            "p1-1",
            time,
        ),
    ]


def test_repeats_and_overlaps_load_once(empty_store: Store, logs: Logs) -> None:
    """Events repeated within a batch, across batches and by a second loader from the start are there once."""
    for first in (0, 50, 25, 0):
        logs.append(Kind.EVENTS, [event(number) for number in range(first, first + 100)])
        if first == 50:
            logs.loader(empty_store).run_once()
    logs.loader(empty_store).run_once()
    empty_store.writer().command("TRUNCATE TABLE positions")
    logs.loader(empty_store).run_once()
    assert count(empty_store, "events") == 150
    assert_aggregates_equal_recount(empty_store)


def test_first_copy_stays(empty_store: Store, logs: Logs) -> None:
    """Of two copies of one event the one recorded first is kept, whatever their order in the batch."""
    later = msgspec.structs.replace(event(1), recordedtime="2026-01-01T00:00:00.000000Z")
    logs.append(Kind.EVENTS, [later, event(1)])
    logs.loader(empty_store).run_once()
    assert empty_store.query("SELECT toString(recordedtime) < '2026' FROM events").rows == [(1,)]


def test_retractions_revisions_and_repeats(empty_store: Store, logs: Logs) -> None:
    """Points are in force while their signs add up to 1, with their latest content; repeated rows change nothing."""
    rows = [point(number) for number in range(20)]
    retractions = [point(number, revision=2, sign=-1) for number in range(10)]
    again = [
        point(number, revision=3, minutes_citizen=1.5, evidence=["other", f"event-{number}"]) for number in range(5)
    ]
    for batch in (rows, retractions, rows, again, retractions):
        logs.append(Kind.POINTS, batch)
        logs.loader(empty_store).run_once()
    in_force = empty_store.query(
        "SELECT id, revision, minutes_citizen, evidence FROM points_in_force ORDER BY time"
    ).rows
    assert [row[0] for row in in_force] == [f"point-{number}" for number in (*range(5), *range(10, 20))]
    assert in_force[0] == ("point-0", 3, 1.5, ["other", "event-0"])
    assert in_force[5] == ("point-10", 1, 71.0, ["event-before", "event-10"])
    assert count(empty_store, "points") == 35
    assert_aggregates_equal_recount(empty_store)


def test_minutes_unknown_in_the_latest_revision(empty_store: Store, logs: Logs) -> None:
    """Minutes that the latest revision does not know are unknown, not those of an earlier revision."""
    logs.append(Kind.POINTS, [point(3), point(3, 2, -1), point(3, 3, minutes_citizen=None)])
    logs.loader(empty_store).run_once()
    assert empty_store.query("SELECT minutes_citizen FROM points_in_force").rows == [(None,)]


def test_deletion_is_followed_by_aggregates(empty_store: Store, logs: Logs) -> None:
    """Deleting subjects deletes their rows everywhere, and the aggregates equal a recount afterwards."""
    logs.append(Kind.EVENTS, [event(number) for number in range(500)])
    logs.append(Kind.POINTS, [point(number) for number in range(500)])
    logs.append(Kind.LATE, [late_event(1), late_event(60)])
    logs.loader(empty_store).run_once()
    delete_subjects(empty_store, [f"p1-{number}" for number in range(0, 50, 2)])
    assert [count(empty_store, table) for table in ("events", "points", "late_events")] == [250, 250, 1]
    assert_aggregates_equal_recount(empty_store)
    logs.append(Kind.EVENTS, [event(number) for number in range(500)])
    logs.loader(empty_store).run_once()
    assert count(empty_store, "events") == 500
    assert_aggregates_equal_recount(empty_store)


def test_late_events_and_rejects_once(empty_store: Store, logs: Logs) -> None:
    """Late events and rejects are loaded once by identity; a reject repeated at another time is the same reject."""
    reject = {
        "id": "r1", "source": "/crm", "type": "x", "service": "", "gateway": "/v1/events", "reason": "wrong_type",
        "pointer": "/time", "stage": "ingest", "time": "", "size_bytes": 3, "sha256": "0", "position": 0,
        "payload": None,
    }  # fmt: skip
    for time in (to_text(now_us() - DAY_US), to_text(now_us())):
        value = msgspec.json.encode([reject | {"time": time}])
        logs.append_value(Kind.REJECTS, value, 1, STREAMS[2])
        logs.append(Kind.LATE, [late_event(1), late_event(2)])
        logs.loader(empty_store).run_once()
    assert count(empty_store, "late_events") == 2
    assert empty_store.query("SELECT id, payload, reason FROM rejects").rows == [("r1", "", "wrong_type")]


@pytest.mark.parametrize("bad_at", [[0], [499], [3, 250, 251]])
def test_a_refused_row_is_rejected_alone(empty_store: Store, logs: Logs, bad_at: list[int]) -> None:
    """Rows that ClickHouse refuses become rejects of stage `load`, once; everything beside them is loaded."""
    events = [
        msgspec.structs.replace(event(number), time="9999-01-01T00:00:00.000000Z")
        if number in bad_at
        else event(number)
        for number in range(500)
    ]
    logs.append(Kind.EVENTS, events)
    step = logs.loader(empty_store).run_once()
    assert (step.events, step.refused) == (500 - len(bad_at), len(bad_at))
    empty_store.writer().command("TRUNCATE TABLE positions")
    loader = logs.loader(empty_store)
    loader.run_once()
    loader.run_once()
    assert count(empty_store, "events") == 500 - len(bad_at)
    rejects = empty_store.query("SELECT stage, reason, source, service, payload FROM rejects ORDER BY service").rows
    assert len(rejects) == len(bad_at)
    assert all(row[:3] == ("load", "refused_by_store", "/crm") and row[4] for row in rejects)


def test_a_refused_point_is_rejected_alone(empty_store: Store, logs: Logs) -> None:
    """The same holds for points."""
    logs.append(Kind.POINTS, [point(1), point(2, time="1960-01-01T00:00:00.000000Z")])
    step = logs.loader(empty_store).run_once()
    assert (step.points, step.refused) == (1, 1)


def test_a_reject_that_cannot_be_loaded_is_not_rejected_again(empty_store: Store, logs: Logs) -> None:
    """A reject that ClickHouse refuses ends there: rejecting it would never end."""
    value = msgspec.json.encode([{"id": "r1", "time": "nonsense"}, {"id": "r2", "time": to_text(now_us())}])
    logs.append_value(Kind.REJECTS, value, 2, STREAMS[2])
    loader = logs.loader(empty_store)
    assert loader.run_once().rejects == 1
    assert loader.run_once().refused == 0
    assert count(empty_store, "rejects") == 1


def test_sixty_years_in_one_batch(empty_store: Store, logs: Logs) -> None:
    """A batch may touch every year that events may have: partitions stay under ClickHouse's hundred."""
    events = [
        msgspec.structs.replace(event(year), time=f"{year}-06-01T00:00:00.000000Z", id=str(year))
        for year in range(1970, 2070)
    ]
    logs.append_value(Kind.EVENTS, encode(events), len(events), STREAMS[0])
    step = logs.loader(empty_store).run_once()
    assert (step.events, step.refused) == (100, 0)
    assert count(empty_store, "events") == 100
