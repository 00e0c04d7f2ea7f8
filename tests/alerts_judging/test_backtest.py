"""A past replayed: what would have fired, when and for how long; from rows of ClickHouse, embedded and over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from services.alerts.backtest import Fired, joined
from services.alerts.calendar_clock import MINUTE_US, SLOT_US
from services.alerts.counts import SeriesTable, TouchCounts
from services.alerts.counts_query import read_events, read_level, read_points, read_rejects, read_touches
from services.alerts.judging_levels import Share
from services.wiring.alert_backtest import backtest
from shared.alerts.finding import Finding, Series
from shared.clock import now_us
from shared.journey.instants import DAY_US, HOUR_US, from_us
from shared.store.client import Store
from tests.alerts_judging.made_up import DAY, settings
from tests.fixtures_store import TABLES

TEN = DAY + 10 * HOUR_US
LEVELS = """
[[service_level]]
name = "in five minutes"
kind = "answered_in_time"
within_s = 300
at_least = 0.8
[[service_level]]
name = "a person"
kind = "answered_by_person"
at_least = 0.9
channel = "phone"
[[service_level]]
name = "dates"
kind = "due_kept"
at_least = 0.95
window_min = 1440
[[threshold]]
name = "flood"
at_least = 60
window_min = 30
"""


@pytest.fixture(params=["embedded_store", "http_store"])
def filled(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Nine weeks: a call an hour that waited; on the last day forty people at ten, and no call after noon."""
    store: Store = request.getfixturevalue(request.param)
    for table in TABLES:
        store.writer().command(f"TRUNCATE TABLE {table}")
    points, events = [], []
    for day in range(63, -1, -1):
        for hour in range(24):
            at = DAY - day * DAY_US + hour * HOUR_US + 7 * MINUTE_US
            points.append(point(f"{day}-{hour}", at))
            if day or hour < 12:
                events += [
                    call(f"{day}-{hour}-{number}", at + number * MINUTE_US, "call.answered", 60.0)
                    for number in range(6)
                ]
    points += [point(f"broken-{number}", TEN + number * 20_000_000) for number in range(40)]
    points += [point("taken-back", TEN), {**point("taken-back", TEN), "sign": -1}]
    events += [call(f"left-{number}", TEN + number * MINUTE_US, "call.abandoned", None) for number in range(30)]
    events += [call(f"unknown-{number}", TEN, "call.answered", None) for number in range(3)]
    events += [due(f"due-{number}", number) for number in range(40)]
    points += [{**point(f"missed-{number}", TEN + number), "rule": "deadline_missed"} for number in range(20)]
    insert(store, "points", points)
    insert(store, "events", events)
    yield store
    for table in TABLES:
        store.writer().command(f"TRUNCATE TABLE {table}")


def instant(at_us: int) -> Any:
    """A time as the driver takes it."""
    return from_us(at_us)


def point(name: str, at_us: int) -> dict[str, Any]:
    """A long wait on the phone."""
    return {
        "id": name, "revision": 1, "sign": 1, "rule": "long_wait", "service": "housing", "channel": "phone",
        "territory": "fr/idf", "journey": f"journey-{name}", "time": instant(at_us),
    }  # fmt: skip


def call(name: str, at_us: int, kind: str, wait_s: float | None) -> dict[str, Any]:
    """An event of a call."""
    return {
        "id": name, "source": "/phone", "type": kind, "time": instant(at_us), "subject": name, "service": "housing",
        "channel": "phone", "wait_s": wait_s, "due": None,
    }  # fmt: skip


def due(name: str, number: int) -> dict[str, Any]:
    """A case that was opened long before, with a date announced for this morning; told twice."""
    opened = call(name, DAY - 20 * DAY_US - number, "case.opened", None)
    return {**opened, "subject": f"p{number % 40}", "channel": "", "due": instant(TEN)}


def insert(store: Store, table: str, rows: list[dict[str, Any]]) -> None:
    """Insert rows of the same columns."""
    store.writer().insert(table, [list(row.values()) for row in rows], column_names=list(rows[0]))


def named(fired: list[Fired]) -> dict[tuple[str, str, str], Fired]:
    """By condition, window, and what tells series apart."""
    found = {}
    for each in fired:
        series = each.series
        found[series.condition, each.worst.window, series.name or series.territory or series.channel] = each
    return found


def test_a_backtest_tells_what_would_have_fired(filled: Store) -> None:
    """The forty people at ten, by every series that holds them; the service levels; the silent phone."""
    told: list[tuple[int, int]] = []
    outcome = backtest(filled, settings(LEVELS), DAY, DAY + DAY_US, lambda *done: told.append(done))
    found = named(outcome.fired)
    fast = found["rise", "fast", "fr/idf"]
    assert TEN < fast.from_us <= TEN + 8 * MINUTE_US
    assert fast.to_us is not None
    assert TEN + 15 * MINUTE_US <= fast.to_us <= TEN + 31 * MINUTE_US
    assert fast.worst.expected == pytest.approx(1.0, abs=0.1)
    assert fast.worst.observed > 30
    assert {key[2] for key in found if key[:2] == ("rise", "fast")} >= {"phone", "fr", "fr/idf"}
    assert found["rise", "slow", "phone"].from_us <= TEN + 15 * MINUTE_US
    assert found["threshold", "none", "flood"].worst.citizens is not None
    assert found["service_level", "none", "in five minutes"].worst.observed < 0.8
    assert found["service_level", "none", "dates"].worst.observed == pytest.approx(0.5)
    silent = found["silence", "none", "phone"]
    assert silent.from_us > DAY + 12 * HOUR_US
    assert silent.to_us is None
    assert told[-1] == (96, 96)
    assert (outcome.series, outcome.left_out) == (8, 0)


def test_a_quiet_day_gives_nothing(filled: Store) -> None:
    """The day before, nothing would have fired."""
    assert backtest(filled, settings(LEVELS), DAY - DAY_US, DAY, lambda *_: None).fired == []


def test_series_that_are_too_many_are_left_out(filled: Store) -> None:
    """Those with most points stay; the number of the others is told."""
    outcome = backtest(filled, settings("[rises]\nmax_series = 2"), DAY - DAY_US, DAY, lambda *_: None)
    assert (outcome.series, outcome.left_out) == (2, 2)


def test_counts_of_the_store_are_those_of_the_rows(filled: Store) -> None:
    """A journey once a series and quarter hour; a retracted point not at all; the past and the present agree."""
    chosen, table = settings(), SeriesTable(100, 4)
    points = read_points(filled, chosen, DAY - 7 * DAY_US, DAY + DAY_US, table)
    number = table.number(Series("rise", "long_wait", "housing", "phone", "fr"))
    assert number is not None
    assert points.past.sums(TEN // SLOT_US, TEN // SLOT_US)[number] == 41
    present = TouchCounts(table)
    touches = list(read_touches(filled, DAY, DAY + DAY_US))
    for each in touches:
        present.add(each)
    for slot in range(DAY // SLOT_US, DAY // SLOT_US + 96):
        counted = present.counts(slot * SLOT_US, (slot + 1) * SLOT_US)
        assert counted.tolist() == points.past.sums(slot, slot).tolist()
    assert [each.time_us for each in touches] == sorted(each.time_us for each in touches)
    assert points.past.known_from[number] == (DAY - 63 * DAY_US) // SLOT_US


def test_events_and_levels_are_read_by_slot(filled: Store) -> None:
    """Events of a channel; contacts answered in time, by a person; announced dates that were kept."""
    events = read_events(filled, DAY, DAY + DAY_US, 10)
    assert [(each.service, each.channel) for each in events.series] == [("housing", "phone")]
    assert events.past.counts.sum() == 12 * 6 + 30 + 3
    chosen, slot = settings(LEVELS), TEN // SLOT_US
    shares = [read_level(filled, level, DAY, DAY + DAY_US) for level in chosen.service_levels]
    assert shares[0][slot] == Share(6, 6 + 15)
    assert shares[1][slot] == Share(6 + 3, 6 + 3 + 15)
    assert shares[2][slot] == Share(20, 40)


def test_a_rise_in_refused_events_would_have_fired(filled: Store) -> None:
    """They are kept for two weeks only: compared with the days before. The clock is the real one, since ClickHouse deletes by it."""
    today = now_us() // DAY_US * DAY_US
    rows = [[f"r{day}-{number}", instant(today - day * DAY_US), "/web"] for day in range(2, 14) for number in range(3)]
    rows += [[f"many-{number}", instant(today - DAY_US), "/web"] for number in range(400)]
    filled.writer().insert("rejects", rows, column_names=["id", "time", "source"])
    rejects = read_rejects(filled, today - DAY_US, today, 10)
    assert rejects.past.counts.tolist() == [400]
    found = named(backtest(filled, settings(), today - DAY_US, today, lambda *_: None).fired)
    assert found["rejects", "fast", "/web"].worst.observed == 400
    assert found["rejects", "fast", "/web"].worst.expected == 3


def test_what_comes_back_soon_is_one_alert() -> None:
    """Within the time in which an alert is reopened; its worst moment is kept; later, it is another."""
    worst = Finding(
        series=Series("rise"), window="fast", from_us=0, to_us=1, since_us=0, observed=9, expected=1, probability=1e-9
    )
    first = Fired(replace(worst, probability=1e-6), 0, 100 * 1_000_000)
    second = Fired(worst, 150 * 1_000_000, 200 * 1_000_000)
    assert joined([first, second], 60) == [Fired(worst, 0, 200 * 1_000_000)]
    assert joined([second, first], 10) == [first, second]
