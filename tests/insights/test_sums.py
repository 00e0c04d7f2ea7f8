"""Stored sums answer what pages add up, and give what the rows give, whatever the period and the filters."""

import random
import re
from typing import Any

import pytest

from services.insights import queries
from services.insights.figures import data_arrivals, frictions_board, frictions_places
from services.insights.figures.journey_filters import SAMPLED_POINTS
from services.insights.figures.overview_changes import cells_question
from services.insights.figures.overview_demand_sql import demand_question
from services.insights.figures.overview_points import clusters_question
from services.insights.figures.points_found import contact_points, journeys_touched, points_found, points_found_question
from services.insights.figures.territories_queries import points_by_territory
from services.insights.filters import Filters
from services.insights.queries import Question
from services.loader.assembly import assemble_all
from shared.journey.instants import DAY_US, to_text
from shared.journey.vocabulary import CITIZEN_TYPES
from shared.log.port import Kind
from shared.store import stored_sums
from shared.store.client import Store
from shared.store.complete_sums import complete_sums
from shared.store.migrate import read_migrations
from tests.insights.seed import event, insert, instant_us, retraction

FIRST_US = instant_us("2025-01-28T00:00:00Z")
DAYS = 100
MONTHS = Filters(from_us=instant_us("2025-02-01T00:00:00Z"), to_us=instant_us("2025-05-01T00:00:00Z"))
ODD_DAYS = Filters(from_us=instant_us("2025-02-11T00:00:00Z"), to_us=instant_us("2025-04-20T00:00:00Z"))
ONE_MONTH = Filters(from_us=instant_us("2025-03-02T00:00:00Z"), to_us=instant_us("2025-03-09T00:00:00Z"))
HOURS = Filters(from_us=instant_us("2025-02-11T07:00:00Z"), to_us=instant_us("2025-04-20T13:00:00Z"))
MINUTES = Filters(from_us=instant_us("2025-02-11T07:30:00Z"), to_us=instant_us("2025-04-20T13:10:00Z"))
BEYOND = Filters(from_us=instant_us("1905-01-01T00:00:00Z"), to_us=instant_us("2290-01-01T00:00:00Z"))
PERIODS = (Filters(), MONTHS, ODD_DAYS, ONE_MONTH, HOURS, MINUTES, BEYOND)
TERRITORIES = ("", "land/a", "land/a/x", "land/b")
RULES = ("repeat_contact", "long_wait", "rework")


_READ = re.compile(
    r"FROM (?:mergeTreeProjection\(currentDatabase\(\), '\w+', '(\w+)'\)|(events|points|judged_contacts)\b)"
)


def _filters() -> list[Filters]:
    """Every period, some with another filter."""
    with_territory = [
        Filters(from_us=each.from_us, to_us=each.to_us, territory="land/a")
        for each in (MONTHS, ODD_DAYS, ONE_MONTH, HOURS)
    ]
    return [
        *PERIODS,
        *with_territory,
        Filters(from_us=ODD_DAYS.from_us, to_us=ODD_DAYS.to_us, service="aid"),
        Filters(from_us=HOURS.from_us, to_us=MONTHS.to_us, channel="web"),
    ]


def _events(chance: random.Random) -> list[dict[str, Any]]:
    """A few hundred events over some months; their hours cluster at the edges of days."""
    found = []
    for number in range(600):
        time = to_text(FIRST_US + chance.randrange(DAYS) * DAY_US + chance.choice((0, 1, 40_000, 86_399)) * 1_000_000)
        kind = chance.choice(("form.started", "call.queued", "feedback.given", "case.opened"))
        data = {"channel": chance.choice(("web", "phone", "")), "territory": chance.choice(TERRITORIES)}
        more = {"rating": chance.choice((1.0, 2.5, 4.0, 7.0))} if kind == "feedback.given" and number % 3 else {}
        data |= {name: f"{name}-{number % 3}" for name in ("step", "office") if number % 4}
        found.append(event(f"e{number}", kind, time, "p1-a", chance.choice(("aid", "permit")), **data, **more))
    return found


def _points(chance: random.Random) -> list[dict[str, Any]]:
    """Points of a hundred journeys: some taken back, some of these put in force again with other content."""
    found: list[dict[str, Any]] = []
    for number in range(400):
        time = to_text(FIRST_US + chance.randrange(DAYS) * DAY_US + chance.choice((0, 1, 40_000, 86_399)) * 1_000_000)
        service = chance.choice(("aid", "permit"))
        point = {
            "id": f"{number:032}", "revision": 1, "sign": 1, "rule": chance.choice(RULES), "version": 1 + number % 2,
            "parameters": {}, "figures": {"gap_s": str(number)} if number % 2 else {}, "source": "/test",
            "anchor": f"e{number}", "subject": "p1-a", "service": service, "journey": f"{service}-{number % 50}",
            "channel": chance.choice(("web", "phone")), "step": f"s{number % 3}", "office": "", "case": "",
            "territory": chance.choice(TERRITORIES), "time": time, "evidence": [], "evidence_sources": [],
            "minutes_citizen": float(number) if number % 3 else None, "minutes_administration": None,
            "partition": 0, "offset": number,
        }  # fmt: skip
        found.append(point)
        if number % 4 == 0:
            found.append(retraction(point))
        if number % 8 == 0:
            found.append(point | {"revision": 3, "figures": {"gap_s": "9000"}, "offset": number + 1_000})
    return found


@pytest.fixture
def filled(empty_store: Store) -> Store:
    """Events and points, of which some were taken back."""
    chance = random.Random(7)
    insert(empty_store.writer(), Kind.EVENTS, _events(chance))
    insert(empty_store.writer(), Kind.POINTS, _points(chance))
    assemble_all(empty_store)
    return empty_store


def _questions(filters: Filters) -> dict[str, Question]:
    """Every question that sums answer."""
    return {
        **{f"events by {group}": queries.events_by(group, filters, CITIZEN_TYPES) for group in queries.EVENT_GROUPS},
        **{f"points by {group}": queries.points_by(group, filters, 2) for group in queries.POINT_GROUPS},
        "points of territories": queries.points_by_place("territory", filters),
        "points and minutes of territories": points_by_territory(filters),
        "contacts over months": queries.activity_over_time("month", filters),
        "contacts over weeks": queries.activity_over_time("week", filters),
        "points over years": queries.points_over_time("year", filters),
        "received": queries.received(filters),
        "history": queries.history(filters),
        "board": points_found_question(filters),
        "series": frictions_board.series_question(filters, frictions_board.bins_of(MONTHS, MONTHS.to_us or 0)),
        "cells": cells_question(filters),
        "avoidable contacts": demand_question(filters),
        "last": data_arrivals.last_question(filters),
        "arrived": data_arrivals.events_question(filters),
        "points by step": frictions_places.points_question("step", filters),
        "events by step": frictions_places.events_question("step", filters),
        "events by office": frictions_places.events_question("office", filters),
    }


def _read_by(question: Question) -> list[str]:
    """What a question reads: names of stored sums, and of tables where it reads rows."""
    return [sums or rows for sums, rows in _READ.findall(question.sql)]


def _from_rows(store: Store, sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The answer without any projection."""
    found = store.writer().query(sql, parameters=parameters, settings={"optimize_use_projections": 0})
    return [tuple(row) for row in found.result_rows]


def _rows(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows in an order of their own, sums of fractions rounded."""
    rounded = [tuple(round(value, 6) if isinstance(value, float) else value for value in row) for row in rows]
    return sorted(rounded, key=repr)


def test_sums_give_what_the_rows_give(filled: Store, monkeypatch: pytest.MonkeyPatch):
    """For every question, the stored sums and the rows themselves agree; also where months come from sums and their edges from rows."""
    summed = {
        (number, name): (_read_by(question), filled.query(question.sql, question.parameters).rows)
        for number, filters in enumerate(_filters())
        for name, question in _questions(filters).items()
    }
    monkeypatch.setattr(stored_sums, "STORED", dict.fromkeys(stored_sums.STORED, ()))
    mixed = 0
    for number, filters in enumerate(_filters()):
        for name, question in _questions(filters).items():
            assert set(_read_by(question)) <= set(stored_sums.STORED), name
            read, rows = summed[number, name]
            mixed += len(set(stored_sums.STORED) & set(read)) in range(1, len(read))
            assert _rows(rows) == _rows(_from_rows(filled, question.sql, question.parameters)), (name, filters)
    assert mixed


def test_periods_are_cut_at_their_edges(filled: Store):
    """Counted one by one, as many events and points lie in each period and territory."""
    for filters in _filters():
        where, parameters = queries.events_where(filters, "1 = 1")
        events = _from_rows(filled, f"SELECT count() FROM events {where}", parameters)[0][0]
        question = queries.events_by("type", filters)
        assert sum(row[1] for row in filled.query(question.sql, question.parameters).rows) == events, filters
        where, parameters = queries.points_where(filters, "1 = 1")
        points = _from_rows(filled, f"SELECT sum(sign) FROM points {where}", parameters)[0][0]
        question = queries.points_by("rule", filters)
        assert sum(row[1] for row in filled.query(question.sql, question.parameters).rows) == points, filters


@pytest.mark.parametrize("territory", [None, "land/a"])
def test_no_question_on_full_days_reads_the_rows(filled: Store, territory: str | None):
    """Each is answered by a projection: a condition that none knows would lose that without a sign."""
    filters = Filters(territory=territory, from_us=MONTHS.from_us, to_us=MONTHS.to_us)
    for name, question in _questions(filters).items():
        if territory is None or name not in {"points by step", "events by step", "events by office"}:
            read = _read_by(question)
            assert read, name
            assert all(each.startswith(("hourly_", "daily_", "monthly_")) for each in read), (name, read)


def test_whole_months_are_read_from_sums_of_months_and_others_from_days(filled: Store):
    """Also without a territory: sums by day are thirty times as many, and needed only where a period ends within a month."""
    within_a_month = Filters(from_us=MONTHS.from_us, to_us=ODD_DAYS.to_us)
    for filters, sums in ((MONTHS, "monthly_"), (ODD_DAYS, "daily_"), (within_a_month, "daily_")):
        for question in (queries.received(filters), points_found_question(filters)):
            (read,) = _read_by(question)
            assert read.startswith(sums), (filters, read)


def test_names_and_extent_are_answered_by_sums(filled: Store):
    """What every page asks reads no rows."""
    assert _read_by(queries.choices()) == ["names_of_events"]
    assert _read_by(queries.extent()) == ["names_of_events"]
    rows = "SELECT toUnixTimestamp(min(toStartOfHour(time))), toUnixTimestamp(max(toStartOfHour(time))), count() FROM events"
    assert filled.query(queries.extent().sql).rows == _from_rows(filled, rows, {})


def test_journeys_with_points_in_force_are_counted_exactly(filled: Store):
    """Also those whose points were all taken back, and those of which one came back."""
    for filters in _filters():
        where, parameters = queries.points_where(filters)
        for names in ((), ("rule",), ("rule", "service"), ("territory",)):
            of_each = "".join(f"{name}, " for name in names)
            groups = f"GROUP BY {', '.join(names)}" if names else ""
            expected = _from_rows(
                filled,
                f"SELECT {of_each}count() FROM (SELECT {of_each}journey FROM points {where} "
                f"GROUP BY {of_each}journey HAVING sum(sign) > 0) {groups}",
                parameters,
            )
            question = queries.journeys_by(names, filters)
            found = [row for row in filled.query(question.sql, question.parameters).rows if row[-1] or not names]
            assert _rows(found) == _rows(expected), (names, filters)


def test_rules_and_services_share_one_count_of_journeys_and_points(filled: Store):
    """By rule, by service and in all: as counted one by one from the rows, whatever was taken back."""
    for filters in _filters():
        where, parameters = queries.points_where(filters)
        touched = journeys_touched(filled, filters)
        for name, told in (("rule", {rule: touched.of_rule(rule) for rule in RULES}), ("service", touched.of_service)):
            rows = _from_rows(
                filled,
                f"SELECT {name}, count() FROM (SELECT {name}, journey FROM points {where} "
                f"GROUP BY {name}, journey HAVING sum(sign) > 0) GROUP BY {name}",
                parameters,
            )
            assert {each: found for each, found in told.items() if found} == dict(rows), (name, filters)
        sql = f"SELECT count() FROM (SELECT journey FROM points {where} GROUP BY journey HAVING sum(sign) > 0)"
        assert touched.in_all == _from_rows(filled, sql, parameters)[0][0], filters
        rows = _from_rows(
            filled,
            f"SELECT rule, service, sum(sign) AS n, sum(sign * minutes_citizen), sumIf(sign, isNotNull(minutes_citizen)), "
            f"sumIf(sign, version != 2) FROM points {where} GROUP BY rule, service HAVING n > 0",
            parameters,
        )
        found = points_found(filled, filters, lambda rule, service: (rule, service))
        told_rows = [
            (*pair, each.points, each.minutes_citizen, each.known_citizen, each.of_other_versions(2))
            for pair, each in found.items()
        ]
        assert _rows(told_rows) == _rows(rows), filters
        of_contacts = [row for row in rows if row[0] != "rework"]
        assert contact_points(filled, filters) == sum(row[2] for row in of_contacts), filters


def test_points_in_force_are_those_of_the_view(filled: Store):
    """One row each, with what the latest revision says."""
    for filters in _filters():
        found, parameters = queries.points_in_force(("journey", "channel", "earlier_channel", "said_gap_s"), filters)
        where, values = queries.rows_where(filters)
        view = f"""
            SELECT journey, channel, figures['earlier_channel'], if(figures['gap_s'] = '', NULL, toFloat64(figures['gap_s']))
            FROM points_in_force {where}"""
        assert _rows(filled.query(found, parameters).rows) == _rows(filled.query(view, values).rows), filters


def test_clusters_are_counted_whole_where_they_are_few(filled: Store):
    """Below the number that is looked at, the squares are those of all journeys; above, of a part of them."""

    def asked(points: int) -> tuple[int, int]:
        question = clusters_question(Filters(), points)
        return filled.query(question.sql, question.parameters).rows[0]

    points, squares = asked(SAMPLED_POINTS)
    assert points == filled.query("SELECT sum(sign) FROM points WHERE rule != 'rework'").rows[0][0]
    part = asked(10 * SAMPLED_POINTS)
    assert 0 < part[0] < points
    assert 0 < part[1] < squares


def test_sums_made_later_leave_out_what_was_deleted(filled: Store):
    """The migration counts no row that was deleted before it, although such rows are at first only marked."""
    writer = filled.writer()
    names = ("names_of_events", "daily_events", "monthly_events", "monthly_steps", "monthly_totals")
    for name in names:
        writer.command(f"ALTER TABLE events DROP PROJECTION {name}")
    writer.command("DELETE FROM events WHERE service = 'aid'", settings={"lightweight_deletes_sync": 2})
    for migration in read_migrations():
        for statement in migration.statements if migration.number in {9, 14} else ():
            writer.command(statement)
    complete_sums(writer)
    for filters, sums in ((MONTHS, "monthly_"), (ODD_DAYS, "daily_")):
        question = queries.events_by("service", filters)
        (read,) = _read_by(question)
        assert read.startswith(sums)
        assert [row[0] for row in filled.query(question.sql, question.parameters).rows] == ["permit"]
