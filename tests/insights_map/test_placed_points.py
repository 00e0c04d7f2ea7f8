"""Points where they stand in their journeys, against the rows of points and journeys, through all that may happen to both."""

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from services.insights.figures.frictions_after import after_question
from services.insights.figures.map_queries import EVENTS, points_at
from services.insights.figures.placed import NOT_PLACED_YET, placed_notes
from services.insights.figures.points_found import journeys_touched
from services.insights.filters import Filters
from services.insights.queries import Question, points_where
from services.loader.assembly import Assembler, assemble_all
from shared.clock import now_us
from shared.detection.settings import DEFAULTS, RuleBook
from shared.store.assembled import journeys_freshness
from shared.store.client import Store
from shared.store.deletion import delete_subjects
from shared.store.migrate import read_migrations
from shared.store.recount import problems, recount
from tests.insights import seed
from tests.insights.seed import event, instant_us
from tests.insights_map.points_by_events import after_by_events, points_by_events
from tests.loader.cut_off import Cut, Ends

BOOK = RuleBook(DEFAULTS, 1)
STATEMENTS = 21
"""A run of the assembler has fewer."""
KINDS = (
    "contact.made",
    "form.started",
    "form.error",
    "call.queued",
    "call.answered",
    "case.progressed",
    "complaint.filed",
)
RULES = ("repeat_contact", "form_abandoned", "error_loop", "long_wait", "deadline_missed", "rework", "ping_pong")
PEOPLE = 8


class Site:
    """A store to which things happen in random order: few people with long journeys, many events of which share a minute."""

    def __init__(self, store: Store, number: int) -> None:
        self.store = store
        self._random = Random(number)
        self._events = 0
        self._points: list[dict[str, Any]] = []
        self._number = 0
        for _ in range(3):
            self.more_events()
            self.assemble(whole=True)
            self.more_points()

    @property
    def points(self) -> int:
        """Points in force."""
        return len(self._points)

    def happens(self) -> None:
        """One of: events, many of them late; points; points taken back and found again elsewhere; a person deleted; a merge."""
        steps = [self.more_events, self.more_points, self.taken_back, self._deleted, self._merged]
        self._random.choices(steps, [4, 3, 3, 1, 2])[0]()

    def assemble(self, *, whole: bool = False) -> None:
        """A run that may end anywhere, in parts as small as may be."""
        bounds = {"max_keys": self._random.choice([1, 4, 100]), "max_events": self._random.choice([5, 20, 1_000])}
        last = 10**6 if whole else self._random.randrange(1, 2 * STATEMENTS)
        client: Any = Ends(self.store.writer(), last, after=self._random.random() < 0.5)
        with contextlib.suppress(Cut):
            Assembler(lambda: client, lambda: BOOK, now_us, **bounds).run_once()

    def more_events(self, count: int = 40) -> None:
        """Over half a year, so that journeys are joined and cut again."""
        chance, rows = self._random, []
        for _ in range(chance.randrange(1, count)):
            time = f"2026-0{chance.randrange(1, 7)}-{chance.randrange(1, 25):02}T09:0{chance.randrange(3)}:00.000000Z"
            given = {"channel": chance.choice(["web", "phone", ""]), "step": chance.choice(["", "", "income", "proof"]),
                     "case": chance.choice(["", "k", "l"]), "territory": chance.choice(["", "north/one", "north/two", "south"])}  # fmt: skip
            subject, service = f"p1-{chance.randrange(PEOPLE)}", chance.choice(["aid", "permit"])
            self._events += 1
            rows.append(
                event(f"e{chance.randrange(10**6)}-{self._events}", chance.choice(KINDS), time, subject, service,
                      **{name: value for name, value in given.items() if value})
            )  # fmt: skip
        seed.insert(self.store.writer(), seed.Kind.EVENTS, rows)

    def more_points(self) -> None:
        """Points at events of journeys as they stand, and about them."""
        journeys = self._journeys()
        points = [
            self._point(self._random.choice(journeys)) for _ in range(self._random.randrange(1, 20) if journeys else 0)
        ]
        self._points += points
        seed.insert(self.store.writer(), seed.Kind.POINTS, points)

    def taken_back(self) -> None:
        """For good, or said again at another journey of the person, which may have been cut otherwise since."""
        rows, journeys = [], self._journeys()
        for point in self._random.sample(self._points, min(len(self._points), 6)):
            self._points.remove(point)
            rows.append({**point, "sign": -1})
            same = [
                each for each in journeys if (each["subject"], each["service"]) == (point["subject"], point["service"])
            ]
            if same and self._random.random() < 0.6:
                journey = self._random.choice(same)["journey"]
                again = {**point, "revision": point["revision"] + 1, "journey": journey, "step": "income"}
                self._points.append(again)
                rows.append(again)
        seed.insert(self.store.writer(), seed.Kind.POINTS, rows)

    def _deleted(self) -> None:
        subject = f"p1-{self._random.randrange(PEOPLE)}"
        self._points = [each for each in self._points if each["subject"] != subject]
        delete_subjects(self.store, [subject])

    def _merged(self) -> None:
        self.store.writer().command("OPTIMIZE TABLE placed_points FINAL")

    def _journeys(self) -> list[dict[str, Any]]:
        read = self.store.query(
            "SELECT journey, subject, service, at, step, channel, case, territory FROM journeys FINAL"
        )
        return [dict(zip(read.columns, row, strict=True)) for row in read.rows]

    def _point(self, journey: dict[str, Any]) -> dict[str, Any]:
        chance = self._random
        place = chance.randrange(len(journey["at"]))
        time = journey["at"][place] + timedelta(minutes=chance.choice((0, 0, 0, 1, 60, -1)))
        self._number += 1
        return {
            "id": f"point-{self._number}", "revision": 1, "sign": 1, "rule": chance.choice(RULES), "version": 1,
            "parameters": {"window_s": 60.0}, "figures": {}, "source": chance.choice(["/a", "/b"]), "anchor": "e",
            "subject": journey["subject"], "service": journey["service"],
            "journey": journey["journey"] if chance.random() < 0.95 else "gone-" + journey["journey"], "channel": journey["channel"][place],
            "step": journey["step"][place], "office": "", "territory": journey["territory"], "case": journey["case"][place],
            "time": time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "evidence": [], "evidence_sources": [],
            "minutes_citizen": None, "minutes_administration": None, "partition": 0, "offset": self._number,
        }  # fmt: skip


def periods() -> list[Filters]:
    """Every filter that applies, on days and on odd minutes."""
    days = {"from_us": instant_us("2026-02-05T00:00:00Z"), "to_us": instant_us("2026-05-20T00:00:00Z")}
    minutes = {"from_us": instant_us("2026-02-05T09:01:00Z"), "to_us": instant_us("2026-05-20T09:01:00Z")}
    return [
        Filters(service="aid"),
        Filters(service="aid", **days),
        Filters(service="permit", **minutes),
        Filters(service="permit", channel="phone", **days),
        Filters(territory="north"),
        Filters(source="/a", service="aid", to_us=days["to_us"]),
        Filters(rule="repeat_contact", **days),
        Filters(rule="deadline_missed", service="permit", from_us=minutes["from_us"]),
        Filters(territory="nowhere"),
    ]


TOUCHING = [
    Filters(),
    Filters(service="aid"),
    Filters(rule="repeat_contact"),
    *(
        Filters(from_us=first and instant_us(f"2026-{first}T00:00:00Z"), to_us=last and instant_us(f"2026-{last}T00:00:00Z"), **more)
        for first, last, more in (
            ("02-01", "05-01", {}), ("02-01", None, {"service": "permit"}), (None, "04-01", {}), ("02-05", "05-20", {}),
            ("03-31", "06-01", {"rule": "rework"}), ("03-02", "03-03", {}),
        )
    ),
]  # fmt: skip
"""Whole months, days, and what is not bounded."""


def rows_of(store: Store, question: Question) -> list[Sequence[Any]]:
    """The answer, in an order of its own."""
    return sorted(tuple(row) for row in store.query(question.sql, question.parameters).rows)


def agree(store: Store) -> int:
    """Every answer is that of the rows of points and journeys; how many rows there were."""
    found = 0
    for filters in periods():
        for events in EVENTS:
            rows = rows_of(store, points_at(filters, events))
            assert rows == rows_of(store, points_by_events(filters, events)), (filters, events)
            found += len(rows)
        assert rows_of(store, after_question(filters, 0)) == rows_of(store, after_by_events(filters, 0)), filters
    for filters in TOUCHING:
        touched_agree(store, filters)
    return found


def touched_agree(store: Store, filters: Filters) -> None:
    """Journeys touched are those of the rows of points, one by one."""
    where, parameters = points_where(filters)
    sql = "SELECT {names} journey FROM points {where} GROUP BY {names} journey HAVING sum(sign) > 0"
    counts = []
    for names in ("rule, service,", "service,"):
        each = f"SELECT {names} count() FROM ({sql.format(names=names, where=where)}) GROUP BY {names.rstrip(',')}"
        rows = store.query(each, parameters).rows
        counts.append({row[:-1] if len(row) > 2 else row[0]: int(row[-1]) for row in map(tuple, rows)})
    touched = journeys_touched(store, filters)
    assert [dict(touched.of_each), dict(touched.of_service)] == counts, filters


@pytest.mark.parametrize("number", range(2))
def test_stored_places_are_those_of_the_rows(empty_store: Store, number: int) -> None:
    """Whatever happens in whatever order, and wherever runs end: once nothing waits, each point counts once and where it stands."""
    site = Site(empty_store, number)
    found = 0
    for stage in range(3):
        for _ in range(6):
            site.happens()
            site.assemble()
        assemble_all(empty_store, BOOK)
        if stage == 1:
            empty_store.writer().command("OPTIMIZE TABLE placed_points FINAL")
            assert empty_store.query("SELECT count() FROM placed_points").rows == [(site.points,)]
        found += agree(empty_store)
    assert problems(recount(empty_store)) == {}
    assert found > 100


def test_a_run_that_ends_anywhere(empty_store: Store) -> None:
    """At every statement, before it runs and after: the next run writes what is missing, and nothing twice."""
    site = Site(empty_store, 5)
    for statement in range(1, STATEMENTS):
        site.more_events(20)
        site.taken_back()
        site.more_points()
        client: Any = Ends(empty_store.writer(), statement, after=statement % 2 == 1)
        with contextlib.suppress(Cut):
            Assembler(lambda client=client: client, lambda: BOOK, now_us).run_once()
        assemble_all(empty_store, BOOK)
        written = empty_store.query("SELECT count(), sum(sign) FROM placed_points").rows
        empty_store.writer().command(
            "INSERT INTO touched_journeys SELECT 1, subject, service, 1 FROM points GROUP BY subject, service"
        )
        assemble_all(empty_store, BOOK)
        assert empty_store.query("SELECT count(), sum(sign) FROM placed_points").rows == written
    assert agree(empty_store) > 0
    assert problems(recount(empty_store)) == {}


def test_people_who_are_deleted_leave_no_place(empty_store: Store) -> None:
    """Nothing of the person is left, and nothing comes back."""
    site = Site(empty_store, 6)
    assemble_all(empty_store, BOOK)
    delete_subjects(empty_store, ["p1-3"])
    assert empty_store.query("SELECT count() FROM placed_points WHERE subject = 'p1-3'").rows == [(0,)]
    site.more_events()
    assemble_all(empty_store, BOOK)
    assert agree(empty_store) > 0


def test_points_that_were_here_before_are_placed_once_the_platform_runs(empty_store: Store) -> None:
    """After an update: until all that have points are done, journeys are said to be behind; no journey is written again."""
    Site(empty_store, 7)
    assemble_all(empty_store, BOOK)
    written = empty_store.query("SELECT max(version), count() FROM journeys").rows
    empty_store.writer().command("TRUNCATE TABLE placed_points")
    for statement in next(each for each in read_migrations() if each.name.endswith("placed_points.sql")).statements:
        empty_store.writer().command(statement)
    assert journeys_freshness(empty_store).through_us == 0
    assert placed_notes(empty_store) == (NOT_PLACED_YET,)
    assert assemble_all(empty_store, BOOK) == 0
    assert journeys_freshness(empty_store).through_us > 0
    assert placed_notes(empty_store) == ()
    assert agree(empty_store) > 0
    assert empty_store.query("SELECT max(version), count() FROM journeys").rows == written
