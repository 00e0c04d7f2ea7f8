"""The figures of the journey map: counted by hand, filtered, cut, and silent about few."""

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from services.insights.figures.journey_filters import busiest_service, restrict_journeys
from services.insights.figures.map_protection import hidden_cells
from services.insights.figures.map_queries import MAX_PATH
from services.insights.filters import Filters
from shared.store.client import Store
from tests.fixtures_store import TABLES
from tests.insights import seed
from tests.insights.conftest import ClientWith, served
from tests.insights.seed import event
from tests.insights_map.journeys import by_names, four_journeys, rows

WEB, PHONE, CLOSED = ("contact.made", "web"), ("contact.made", "phone"), ("case.closed", "")
START, END = ("journey.started", ""), ("journey.ended", "")
DAY = 86_400.0


@pytest.fixture
def client(empty_store: Store) -> Iterator[httpx.Client]:
    """The application over the four journeys, every number shown."""
    seed.fill(empty_store.writer(), four_journeys())
    with served(empty_store, small_cell_min=1) as client:
        yield client


def test_steps_of_four_journeys(client: httpx.Client):
    """Events, journeys, median and 90th percentile of the time since the event before, points: as counted by hand."""
    found = by_names(rows(client, "journey-map-steps"), "step", "channel")
    assert found == {
        WEB: (4, 3, 600.0, 600.0, 1),
        PHONE: (2, 2, 1.5 * DAY, 1.9 * DAY, 4),
        CLOSED: (3, 3, 1.5 * DAY, 1.9 * DAY, 0),
    }


def test_passages_of_four_journeys(client: httpx.Client):
    """From the start to the end of each journey; a loop; the points of the event passed to; nothing timed at the ends."""
    found = by_names(rows(client, "journey-map-passages"), "from_step", "from_channel", "to_step", "to_channel")
    assert found == {
        (*START, *WEB): (3, 3, None, None, 0),
        (*START, *CLOSED): (1, 1, None, None, 0),
        (*WEB, *PHONE): (2, 2, 1.5 * DAY, 1.9 * DAY, 4),
        (*WEB, *WEB): (1, 1, 600.0, 600.0, 1),
        (*WEB, *CLOSED): (1, 1, DAY, DAY, 0),
        (*PHONE, *CLOSED): (1, 1, 2 * DAY, 2 * DAY, 0),
        (*PHONE, *END): (1, 1, None, None, 0),
        (*CLOSED, *END): (3, 3, None, None, 0),
    }


def test_points_path_and_rework(client: httpx.Client):
    """Points by step and rule; a path shared by one journey only, by its nodes; what is done again."""
    assert by_names(rows(client, "journey-map-points"), "step", "channel", "rule") == {
        (*PHONE, "channel_switch"): (2,),
        (*PHONE, "repeat_contact"): (2,),
        (*WEB, "repeat_contact"): (1,),
    }
    path = rows(client, "journey-map-path")
    assert [row["position"] for row in path] == list(range(1, len(path) + 1))
    assert {row["journeys"] for row in path} == {1}
    assert by_names(rows(client, "rework"), "step", "channel") == {WEB: (3, 1, 1, 1 / 3)}


@pytest.mark.parametrize(
    ("ways", "expected", "journeys"),
    [
        ({"web phone": 3, "phone": 2}, ["web", "phone"], 3),
        ({"web phone": 3}, ["web", "phone"], 3),
        ({"web" + " phone" * MAX_PATH: 3, "phone web": 2, "web": 1}, ["phone", "web"], 2),
        ({"web" + " phone" * MAX_PATH: 3}, [], None),
    ],
    ids=["one is the commonest", "there is one only", "the commonest is too long", "none is short enough"],
)
def test_the_path_that_most_journeys_take(
    empty_store: Store, ways: dict[str, int], expected: list[str], journeys: int | None
):
    """The commonest of those that are not too long."""
    went = [way.split() for way, times in ways.items() for _ in range(times)]
    events = [
        event(f"e{person}-{nth}", "contact.made", f"2026-05-01T10:{nth:02}:00.000000Z", f"p1-{person}", "aid", channel=channel)
        for person, way in enumerate(went)
        for nth, channel in enumerate(way)
    ]  # fmt: skip
    seed.fill(empty_store.writer(), events)
    with served(empty_store, small_cell_min=1) as client:
        path = rows(client, "journey-map-path")
    assert [row["channel"] for row in path] == expected
    assert {row["journeys"] for row in path} == ({journeys} if journeys else set())


def test_of_ways_as_common_the_path_is_the_same_every_time(empty_store: Store):
    """Whatever was loaded first."""
    found = []
    for order in (("web", "phone"), ("phone", "web")):
        for table in TABLES:
            empty_store.writer().command(f"TRUNCATE TABLE {table}")
        events = [
            event(
                f"e-{channel}", "contact.made", "2026-05-01T10:00:00.000000Z", f"p1-{channel}", "aid", channel=channel
            )
            for channel in order
        ]
        seed.fill(empty_store.writer(), events)
        with served(empty_store, small_cell_min=1) as client:
            found.append([row["channel"] for row in rows(client, "journey-map-path")])
    assert found[0] == found[1]
    assert len(found[0]) == 1


def test_a_map_of_what_citizens_do(client: httpx.Client):
    """Other events are passed over: the next citizen event follows; a journey without any is not on the map."""
    found = by_names(
        rows(client, "journey-map-passages", events="citizen"), "from_step", "from_channel", "to_step", "to_channel"
    )
    assert {names: values[0] for names, values in found.items()} == {
        (*START, *WEB): 3, (*WEB, *PHONE): 2, (*WEB, *WEB): 1, (*WEB, *END): 1, (*PHONE, *END): 2,
    }  # fmt: skip
    assert found[*WEB, *PHONE] == (2, 2, 1.5 * DAY, 1.9 * DAY, 4)
    assert rows(client, "journey-map-steps", events="steps") == []


def test_every_point_stands_on_the_map(empty_store: Store, client_with: ClientWith):
    """Points that are judged after a wait belong to the event they judge; a missed deadline to the event that set it."""
    events = [
        event("1", "form.started", "2026-02-01T09:00:00.000000Z", "p1-a", "tax", channel="web"),
        event("2", "form.step", "2026-02-01T09:05:00.000000Z", "p1-a", "tax", channel="web", step="income"),
        event("3", "message.received", "2026-02-10T09:00:00.000000Z", "p1-b", "tax", channel="email"),
        event("4", "case.opened", "2026-02-01T09:00:00.000000Z", "p1-c", "tax", case="k", due="2026-02-03T00:00:00Z"),
        event("5", "case.closed", "2026-02-09T09:00:00.000000Z", "p1-c", "tax", case="k"),
        event("6", "call.queued", "2026-02-01T09:00:00.000000Z", "p1-d", "tax", channel="phone", contact="x"),
        event("7", "call.abandoned", "2026-02-01T09:00:00.000000Z", "p1-d", "tax", channel="phone", contact="x"),
    ]
    seed.fill(empty_store.writer(), events)
    client = client_with(empty_store, small_cell_min=1)
    found = by_names(rows(client, "journey-map-points"), "step", "channel", "rule")
    assert found == {
        ("income", "web", "form_abandoned"): (1,),
        ("message.received", "email", "unanswered_message"): (1,),
        ("case.opened", "", "deadline_missed"): (1,),
        ("call.abandoned", "phone", "queue_abandoned"): (1,),
    }


def test_the_busiest_service_is_shown_where_none_is_asked_for(empty_store: Store, client_with: ClientWith):
    """The one in which most journeys began in the period; the service of the address otherwise."""
    late = [{**each, "time": each["time"].replace("2026-02", "2026-03")} for each in four_journeys("late", "l")]
    seed.fill(
        empty_store.writer(), [*four_journeys(), *late[:2], *four_journeys("more", "m"), *four_journeys("more", "n")]
    )
    client = client_with(empty_store, small_cell_min=1)
    assert sum(row["events"] for row in rows(client, "journey-map-steps")) == 18
    assert sum(row["events"] for row in rows(client, "journey-map-steps", service="tax")) == 9
    assert busiest_service(empty_store, Filters(from_us=seed.instant_us("2026-03-01T00:00:00Z"))) == "late"
    assert busiest_service(empty_store, Filters(from_us=seed.instant_us("2027-03-01T00:00:00Z"))) is None


def test_filters_choose_journeys(client: httpx.Client):
    """A journey counts whole if it began in the period, has an event on the channel, or holds a point of the rule."""
    expected: list[tuple[dict[str, str], int]] = [
        ({"from": "2026-02-02"}, 2),
        ({"to": "2026-02-05T09:00:00Z"}, 2),
        ({"channel": "phone"}, 2),
        ({"rule": "repeat_contact"}, 3),
        ({"rule": "channel_switch"}, 2),
        ({"territory": "fr"}, 0),
        ({"service": "none"}, 0),
        ({"source": "/elsewhere"}, 4),
    ]
    for filters, journeys in expected:
        found = rows(client, "journey-map-passages", **filters)
        assert sum(row["passages"] for row in found if row["from_step"] == START[0]) == journeys, filters


def test_frequency_keeps_the_most_frequent(client: httpx.Client):
    """At 0 what is left is the most frequent path and one way into and out of each of its steps."""
    assert len(rows(client, "journey-map-steps", frequency="100")) == 3
    assert len(rows(client, "journey-map-passages", frequency="100")) == 8
    few = rows(client, "journey-map-passages", frequency="0")
    path = [START, *((row["step"], row["channel"]) for row in rows(client, "journey-map-path")), END]
    ends = {((row["from_step"], row["from_channel"]), (row["to_step"], row["to_channel"])) for row in few}
    assert set(itertools.pairwise(path)) <= ends
    assert len(few) < 8


def test_a_frequency_that_is_none_is_refused(client: httpx.Client):
    """By name, with 422."""
    for value in ("-1", "101", "1e3", "nan", "²", "9" * 400, "1.5"):
        response = client.get("/api/v1/figures/journey-map-steps", params={"frequency": value})
        assert (response.status_code, response.json()["type"]) == (422, "urn:parcours:problem:invalid-frequency")


def test_small_numbers_are_withheld(empty_store: Store, client_with: ClientWith):
    """Numbers of fewer than ten journeys are not shown, nor one that would give such a number away by subtraction."""
    events: list[dict[str, Any]] = []
    for number in range(12):
        events += [each for each in four_journeys(prefix=f"{number}-") if each["subject"].endswith("b")]
    events += [each for each in four_journeys(prefix="x-") if each["subject"].endswith("c")]
    seed.fill(empty_store.writer(), events)
    client = client_with(empty_store)
    passages = by_names(rows(client, "journey-map-passages"), "from_step", "from_channel", "to_step", "to_channel")
    assert passages[*WEB, *WEB][:3] == (None, None, None)
    steps = by_names(rows(client, "journey-map-steps"), "step", "channel")
    assert steps[CLOSED][:4] == (None, None, None, None)
    sums = [[values[1] for names, values in passages.items() if names[:2] == START]]
    sums += [[values[1] for names, values in passages.items() if names[2:] == END]]
    for node, values in steps.items():
        sums.append([values[1], *(each[1] for names, each in passages.items() if names[:2] == node)])
        sums.append([values[1], *(each[1] for names, each in passages.items() if names[2:] == node)])
    assert all(each.count(None) != 1 for each in sums)


def test_hidden_cells_leave_no_sum_with_one_unknown():
    """A single hidden member takes the next smallest with it, and so on along the sums; zero is never hidden."""
    counts = {"a": 3, "b": 20, "c": 30, "d": 0, "e": 40}
    assert hidden_cells(counts, [["a", "b", "d"], ["b", "c"], ["c", "e"]], 10) == {"a", "b", "c", "e"}
    assert hidden_cells(counts, [["a", "d"]], 10) == {"a"}
    assert hidden_cells(counts, [["a", "b", "c"], ["b"]], 10) == {"a", "c"}
    assert hidden_cells(counts, [["b", "c"]], 1) == frozenset()


def test_conditions_hold_no_values():
    """What the address says enters as bound values only."""
    filters = Filters(service="s'", territory="t'", channel="c'", rule="rework", source="x'", from_us=1, to_us=2)
    conditions, parameters = restrict_journeys(filters)
    assert not any("'" in part.replace("'UTC'", "") for part in conditions)
    assert parameters == {
        "service": "s'", "from_us": 1, "to_us": 2, "territory": "t'", "territory_below": "t'/", "channel": "c'",
        "rule": "rework",
    }  # fmt: skip
