"""Journeys are assembled: whatever the order of arrival and wherever it is cut off, as if from scratch."""

import contextlib
import random
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import OperationalError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.loader.assembly import Assembled, Assembler, assemble_all
from services.loader.insert import insert_batch
from services.loader.targets import TARGETS
from shared.clock import now_us
from shared.detection.settings import DEFAULTS, RuleBook, merged
from shared.errors import StoreError
from shared.log.port import Kind
from shared.store.assembled import journeys_freshness
from shared.store.client import Store
from shared.store.deletion import delete_subjects
from shared.store.migrate import read_migrations
from shared.store.recount import problems, recount
from tests.loader.cut_off import Cut, Ends
from tests.loader.histories import Event, event, histories
from tests.loader.journeys import expected, stored
from tests.loader.samples import Logs
from tests.loader.samples import event as sample

BOOK = RuleBook(DEFAULTS, 1)
STATEMENTS = 21
"""A run has fewer."""


def load(store: Store, events: Iterable[Mapping[str, Any]]) -> None:
    """Load one batch as the loader does."""
    rows = list(events)
    if rows:
        assert not insert_batch(store.writer(), TARGETS[Kind.EVENTS], [msgspec.json.encode(rows)], len(rows)).refused


def run(client: Any, book: RuleBook = BOOK, **bounds: int) -> int:
    """Assemble until nothing waits; how many journeys were written."""
    assembler = Assembler(lambda: client, lambda: book, now_us, **bounds)
    step, written = Assembled(more=True), 0
    while step.more:
        step = assembler.run_once()
        written += step.journeys
    return written


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(events=histories(), seed=st.integers(0, 10**6))
def test_any_order_any_batches_any_crash(empty_store: Store, events: list[Event], seed: int) -> None:
    """Events in any order and batches, assembled in between and cut off anywhere: the rows are those from scratch."""
    for table in ("events", "journeys", "judged_contacts", "touched_journeys"):
        empty_store.writer().command(f"TRUNCATE TABLE {table}")
    chance = random.Random(seed)
    chance.shuffle(events)
    while events:
        count = chance.randint(1, len(events))
        load(empty_store, events[:count])
        load(empty_store, chance.sample(events[:count], 1))
        _maybe_assemble(empty_store, chance)
        events = events[count:] if chance.random() < 0.9 else events
        if count == len(events):
            break
    assemble_all(empty_store)
    everything = empty_store.query_json(_EVENTS)
    assert stored(empty_store) == expected(_as_stored(everything))
    assert problems(recount(empty_store)) == {}


_EVENTS = "SELECT source, id, type, time, subject, service, channel, step, contact, case, territory FROM events"


def _as_stored(rows: bytes) -> list[Event]:
    envelope = {"source", "id", "type", "time", "subject"}
    return [
        {name: row[name] for name in envelope}
        | {
            "time": row["time"].replace(" ", "T") + "+00:00",
            "data": {k: v for k, v in row.items() if k not in envelope},
        }
        for row in msgspec.json.decode(rows)
    ]


def _maybe_assemble(store: Store, chance: random.Random) -> None:
    if chance.random() < 0.3:
        return
    bounds = {"max_keys": chance.choice([1, 100]), "max_events": chance.choice([2, 5, 1_000])}
    with contextlib.suppress(Cut):
        run(Ends(store.writer(), chance.randint(1, 30), after=chance.random() < 0.5), **bounds)


def moving() -> tuple[list[Event], list[Event]]:
    """A first load, and one after which a journey begins earlier, two are one, and one is cut."""
    first = [
        *(event(f"a{day}", day, "p1", channel="web") for day in (10, 11, 150)),
        *(event(f"b{day}", day, "p2", channel="phone", case="k", kind="case.opened") for day in (5, 200)),
    ]
    then = [
        event("a9", 9, "p1", channel="web"),
        event("a80", 80, "p1"),
        event("b6", 6, "p2", case="k", kind="case.closed"),
        event("c", 3, "p3", channel="web"),
        event("none", 3, None),
    ]
    return first, then


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("statement", range(1, STATEMENTS))
def test_crash_at_every_statement(empty_store: Store, statement: int, after: bool) -> None:
    """Wherever the second run ends, the next one leaves what a run from scratch would: nothing of before remains."""
    first, then = moving()
    load(empty_store, first)
    assemble_all(empty_store)
    assert stored(empty_store) == expected(first)
    load(empty_store, then)
    with contextlib.suppress(Cut):
        run(Ends(empty_store.writer(), statement, after=after))
    assemble_all(empty_store)
    assert stored(empty_store) == expected([*first, *then])
    assert empty_store.query("SELECT count() FROM touched_journeys").rows == [(0,)]


def test_as_many_statements_as_are_cut_off(empty_store: Store) -> None:
    """A run has no more statements than those at which it is cut off above."""
    first, then = moving()
    load(empty_store, first)
    assemble_all(empty_store)
    load(empty_store, then)
    run(Ends(empty_store.writer(), STATEMENTS, after=False))


def test_a_crash_of_the_loader_leaves_a_key_too_many(empty_store: Store) -> None:
    """Keys are noted again with a repeated batch, although its events are there already."""
    events = [event(f"e{number}", number, f"p{number}") for number in range(3)]
    load(empty_store, events)
    assemble_all(empty_store)
    load(empty_store, events)
    assert empty_store.query("SELECT count() FROM touched_journeys").rows == [(3,)]
    assert assemble_all(empty_store) == 3
    assert stored(empty_store) == expected(events)


def test_the_longest_journeys(empty_store: Store) -> None:
    """A key is cut before its 5,001st event, and one too long to be staged at once is taken in ranges: the same rows."""
    events = [event(f"e{number:05}", number // 3 / 1_000, channel="web") for number in range(5_003)]
    load(empty_store, events)
    assemble_all(empty_store)
    whole = stored(empty_store)
    assert whole == expected(events)
    assert [len(row[8]) for row in whole] == [5_000, 3]
    load(empty_store, events[:1])
    run(empty_store.writer(), max_events=5_001)
    assert stored(empty_store) == whole


def test_a_long_key_in_ranges(empty_store: Store) -> None:
    """Journeys of one key, more than fit at once, and then fewer of them: every row is right, none is left."""
    events = [event(f"e{number}", number * 50 + 41 * (number % 3 == 0), channel="web") for number in range(40)]
    load(empty_store, events)
    run(empty_store.writer(), max_events=7)
    assert stored(empty_store) == expected(events)
    between = [event(f"f{number}", number * 10 + 5) for number in range(200)]
    load(empty_store, between)
    run(empty_store.writer(), max_events=300)
    assert stored(empty_store) == expected([*events, *between])


def test_settings_of_services(empty_store: Store) -> None:
    """A service with gaps of its own is cut by them; where settings change, everything is assembled again."""
    document = merged(DEFAULTS, {"service": {"y": {"journey": {"gap_s": 86_400, "open_case_gap_s": 172_800}}}})
    events = [event(f"{service}{day}", day, service=service) for service in ("x", "y") for day in (0, 0.9, 2)]
    load(empty_store, events)
    assemble_all(empty_store)
    assert stored(empty_store) == expected(events)
    assert assemble_all(empty_store, RuleBook(document, 2)) == 3
    assert stored(empty_store) == expected(events, document)
    assert assemble_all(empty_store, RuleBook(document, 3)) == 0


def test_events_of_before(empty_store: Store) -> None:
    """Events that were there before the table are noted once, in pieces; until then journeys are known to be behind."""
    events = [event(f"e{number}", number, f"p{number % 7}") for number in range(50)]
    load(empty_store, events)
    for table in ("touched_journeys", "assembled_journeys"):
        empty_store.writer().command(f"TRUNCATE TABLE {table}")
    assert journeys_freshness(empty_store).through_us == 0
    with pytest.raises(Cut):
        run(Ends(empty_store.writer(), 5, after=True))
    freshness = journeys_freshness(empty_store)
    assert (freshness.through_us, freshness.behind_s) == (0, 0)
    assemble_all(empty_store)
    assert stored(empty_store) == expected(events)
    freshness = journeys_freshness(empty_store)
    assert (freshness.waiting, freshness.through_us) == (0, freshness.now_us)
    load(empty_store, events[:2])
    freshness = journeys_freshness(empty_store)
    assert freshness.waiting == 2
    assert 0 < freshness.through_us <= freshness.now_us


def test_numbers_follow_from_the_events(empty_store: Store) -> None:
    """A journey's matter is the first that an event names; its instants of forms and cases are the first of each."""
    rows = [
        event("1", 1 / 24, kind="form.started", channel="web"),
        event("2", 2 / 24, kind="contact.made", channel="phone", matter="heating", case="k1"),
        event("3", 3 / 24, kind="case.decided", matter="other", case="k1"),
        event("4", 4 / 24, kind="case.closed", case="k1"),
        event("5", 5 / 24, kind="contact.made", channel="web", case="k2"),
    ]
    load(empty_store, rows)
    assemble_all(empty_store)
    found = empty_store.query("""
        SELECT matter, contacts, distinct_channels, arrayMap(moment -> toHour(moment), cases_begun),
            arrayMap(moment -> toHour(moment), cases_ended), toHour(form_started), toYear(form_submitted),
            journey_key = cityHash64(journey), person_key = cityHash64(subject, service)
        FROM journeys FINAL""").rows
    assert found == [("heating", 2, ["web", "phone"], [2, 5], [3], 1, 2200, 1, 1)]


def test_progress_of_a_journey_as_numbers(empty_store: Store) -> None:
    """The day and the channels of a journey, what was begun and completed in it, and when each of its cases began and ended."""
    rows = [
        event("f", 0 / 24, kind="form.started", channel="web"),
        event("a", 1 / 24, kind="case.progressed", case="C-1"),
        event("b", 2 / 24, kind="case.decided", case="C-2"),
        event("c", 3 / 24, kind="case.closed", case="C-2"),
        event("d", 4 / 24, kind="contact.made", case="C-3", channel="phone"),
        event("e", 5 / 24, kind="case.closed", case="C-1"),
    ]
    load(empty_store, rows)
    assemble_all(empty_store)
    found = empty_store.query("""
        SELECT day = toDate(started), channel_bits, bitAnd(progress, 3), bitAnd(bitShiftRight(progress, 2), 32767),
            bitShiftRight(progress, 17), toHour(case_begun), toHour(case_ended),
            arrayMap(each -> (toHour(each.begun), if(toYear(each.ended) = 2200, 99, toHour(each.ended))), more_cases),
            intDiv(lasted_us, 3600000000)
        FROM journeys FINAL""").rows
    assert found == [(1, 0b11, 1, 3, 2, 1, 2, [(2, 5), (4, 99)], 5)]


def test_one_way_has_one_number(empty_store: Store) -> None:
    """Journeys have the same `way_key` where they pass the same labels and channels in this order, and only there."""
    ways = {
        "p1": [("page.viewed", {"channel": "web"}), ("contact.made", {"channel": "phone"})],
        "p2": [("contact.made", {"channel": "web", "step": "page.viewed"}), ("contact.made", {"channel": "phone"})],
        "p3": [("contact.made", {"channel": "phone"}), ("page.viewed", {"channel": "web"})],
        "p4": [("page.viewed", {"channel": "web"}), ("contact.made", {"channel": "counter"})],
    }
    load(
        empty_store,
        [
            event(f"{subject}-{place}", place / 24, subject, kind=kind, **fields)
            for subject, way in ways.items()
            for place, (kind, fields) in enumerate(way)
        ],
    )
    assemble_all(empty_store)
    found = dict(empty_store.query("SELECT subject, way_key FROM journeys FINAL").rows)
    assert found["p1"] == found["p2"]
    assert len(set(found.values())) == 3


def test_nothing_begun_in_a_journey(empty_store: Store) -> None:
    """Where nothing began that can be completed, the numbers are 0 and the moments lie beyond all events."""
    load(empty_store, [event("a", 0, channel="counter")])
    assemble_all(empty_store)
    found = empty_store.query(
        "SELECT channel_bits, progress, toYear(case_begun), toYear(case_ended), more_cases FROM journeys FINAL"
    ).rows
    assert found == [(0b100, 0, 2200, 2200, [])]


def test_the_migration_has_all_assembled_again(empty_store: Store) -> None:
    """Keys that were assembled before journeys had a matter are noted once more, and only once."""
    writer = empty_store.writer()
    load(empty_store, [event("a", 0), event("b", 0, "p2")])
    assert assemble_all(empty_store) == 2
    assert assemble_all(empty_store) == 0
    migration, judged = [each for each in read_migrations() if each.number in {10, 13}]
    for statement in (*migration.statements, *judged.statements):
        writer.command(statement)
    assert assemble_all(empty_store) == 2
    assert assemble_all(empty_store) == 0
    writer.command("TRUNCATE TABLE assembled_journeys")
    writer.command(migration.statements[-1])
    assert empty_store.query("SELECT count() FROM assembled_journeys").rows == [(0,)]


def test_deleted_subjects_have_no_journey(empty_store: Store) -> None:
    """After deletion nothing of the subject is left, and nothing comes back."""
    events = [event(f"e{number}", number, f"p{number % 2}") for number in range(6)]
    load(empty_store, events)
    assemble_all(empty_store)
    load(empty_store, events)
    delete_subjects(empty_store, ["p1"])
    assert empty_store.query("SELECT count() FROM journeys WHERE subject = 'p1'").rows == [(0,)]
    assemble_all(empty_store)
    assert stored(empty_store) == expected([each for each in events if each["subject"] == "p0"])
    assert empty_store.query("SELECT count() FROM journeys WHERE subject = 'p1'").rows == [(0,)]


def test_an_event_that_is_gone(empty_store: Store) -> None:
    """A key whose events are gone loses its rows."""
    load(empty_store, [event("a", 0), event("b", 0, "p2")])
    assemble_all(empty_store)
    empty_store.writer().command("DELETE FROM events WHERE id = 'a'", settings={"lightweight_deletes_sync": 2})
    empty_store.writer().command("INSERT INTO touched_journeys (batch, subject, service) VALUES (1, 'p1', 'x')")
    assemble_all(empty_store)
    assert stored(empty_store) == expected([event("b", 0, "p2")])


def test_merging_changes_nothing(empty_store: Store) -> None:
    """After merges one part a year is left, with the same rows in force."""
    first, then = moving()
    assembler = Assembler(empty_store.writer, lambda: BOOK, now_us)
    for events in (first, then):
        load(empty_store, events)
        assembler.run_once()
    before = stored(empty_store)
    while assembler.merge_once():
        pass
    parts = "SELECT count(), uniqExact(partition_id) FROM system.parts WHERE active AND table = 'journeys'"
    ((parts_count, partitions),) = empty_store.query(parts).rows
    assert parts_count == partitions
    assert stored(empty_store) == before == expected([*first, *then])


def test_an_assembler_that_lost_its_lease(empty_store: Store) -> None:
    """The next holder's token takes the staging tables away: the earlier one is refused, and keys stay noted."""
    earlier = Assembler(empty_store.writer, lambda: BOOK, now_us, fence=7)
    later = Assembler(empty_store.writer, lambda: BOOK, now_us, fence=8)
    load(empty_store, [event("a", 0)])
    assert earlier.run_once().keys == 1
    load(empty_store, [event("b", 1)])
    assert later.run_once().keys == 1
    load(empty_store, [event("c", 2)])
    with pytest.raises(StoreError):
        earlier.run_once()
    assert later.run_once().keys == 1
    assert stored(empty_store) == expected([event("a", 0), event("b", 1), event("c", 2)])


def test_a_driver_that_fails(empty_store: Store) -> None:
    """A failure of ClickHouse is a `StoreError`, and the next run does all of it."""

    class Fails(Ends):
        def __getattr__(self, name: str) -> Any:
            if name == "command":
                raise OperationalError("gone")
            return super().__getattr__(name)

    load(empty_store, [event("a", 0)])
    clients: list[Any] = [Fails(empty_store.writer(), 100, after=False), empty_store.writer()]
    with pytest.raises(StoreError):
        Assembler(lambda: clients[0], lambda: BOOK, now_us).run_once()
    assert Assembler(lambda: clients[1], lambda: BOOK, now_us).run_once().journeys == 1


def test_refused_rows_leave_the_keys_of_the_others(empty_store: Store, logs: Logs) -> None:
    """A batch that ClickHouse takes only in pieces has the keys of every piece noted."""
    events = [sample(number) for number in range(9)]
    events[4] = msgspec.structs.replace(events[4], time="9999-01-01T00:00:00.000000Z")
    logs.append(Kind.EVENTS, events)
    assert logs.loader(empty_store).run_once().refused == 1
    noted = empty_store.query("SELECT count() FROM touched_journeys").rows
    assert noted == [(8,)]
