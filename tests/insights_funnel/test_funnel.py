"""Funnels on journeys counted by hand: orders, windows, attempts, times, parts, earlier periods, small numbers."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from services.insights.figures import intervals
from services.insights.figures.funnel_nested import hidden_parts, hidden_steps
from services.insights.figures.funnel_steps import Step, read_step
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import served
from tests.insights.seed import event

A_B_C = {"step1": "any:A", "step2": "any:B", "step3": "any:C"}


def journey(
    subject: str, path: str, day: int = 1, channel: str = "web", service: str = "housing", **data: Any
) -> list[dict[str, Any]]:
    """One journey: a letter of `path` is a step, `.` a day without an event; steps of one day are an hour apart."""
    events = []
    hour = 0
    for place, letter in enumerate(path):
        if letter == ".":
            day, hour = day + 1, 0
            continue
        month, date = divmod(day - 1, 28)
        time = f"2026-{month + 1:02}-{date + 1:02}T{hour:02}:00:00.000000Z"
        events.append(
            event(f"{subject}-{place}", "form.step", time, subject, service, step=letter, channel=channel, **data)
        )
        hour += 1
    return events


@pytest.fixture
def client(empty_store: Store) -> Iterator[httpx.Client]:
    """A site over seven journeys of one service, and one of another."""
    events = (
        journey("p1-1", "ABC")
        + journey("p1-2", "AXBC", channel="phone", territory="fr/75")
        + journey("p1-3", "A..B", territory="fr/75/12")
        + journey("p1-4", "AB....A.B.C", territory="be")
        + journey("p1-5", "BCA", channel="phone")
        + journey("p1-6", "XX", day=2)
        + journey("p1-7", "AAB", channel="counter")
        + journey("p1-8", "ABC", service="other")
    )
    seed.fill(empty_store.writer(), events)
    with served(empty_store, small_cell_min=1) as client:
        yield client


def figure(client: httpx.Client, name: str, **parameters: str) -> list[dict[str, Any]]:
    """The rows of a figure."""
    answer = client.get(f"/api/v1/figures/{name}", params=parameters)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


def counts(client: httpx.Client, **parameters: str) -> list[int]:
    """The journeys of each step, after all journeys."""
    return [row["journeys"] for row in figure(client, "funnel", **parameters)]


def test_loose_takes_steps_in_order_with_anything_between(client: httpx.Client):
    """Of seven journeys six have A, five of them B later, three of those C later still; the busiest service is taken."""
    assert counts(client, **A_B_C) == [7, 6, 5, 3]


def test_strict_takes_only_the_very_next_event(client: httpx.Client):
    """A, X, B is not A, B; A, A, B is, from the second A; the last B of the fourth journey directly follows an A."""
    assert counts(client, **A_B_C, order="strict") == [7, 6, 4, 2]


def test_the_window_counts_from_the_first_step_of_any_attempt(client: httpx.Client):
    """Within two days the third comes to B at the very end of it; the fourth comes to C in its second attempt only."""
    assert counts(client, **A_B_C, window_days="2") == [7, 6, 5, 3]
    assert counts(client, **A_B_C, window_days="1") == [7, 6, 4, 2]


def test_a_step_may_be_bound_to_a_channel(client: httpx.Client):
    """B by phone after A by phone: one journey."""
    assert counts(client, step1="phone:A", step2="phone:B") == [7, 2, 1]


def test_a_step_may_come_twice(client: httpx.Client):
    """A, then A again: the fourth and the seventh."""
    assert counts(client, step1="A", step2="A") == [7, 6, 2]


def test_times_are_those_of_the_attempt_that_counts(client: httpx.Client):
    """To C come: 1 h + 1 h; 2 h + 1 h; and, from its first A, 1 h and then six days."""
    rows = figure(client, "funnel-times", **A_B_C)
    assert [(row["number"], row["journeys"]) for row in rows] == [(2, 5), (3, 3)]
    # A to B: 1 h, 2 h, 2 days, 1 h, 2 h (the first A of the seventh).
    assert rows[0]["median_s"] == 7_200
    assert rows[0]["p90_s"] == pytest.approx(0.4 * 7_200 + 0.6 * 172_800)
    # B to C: 1 h, 1 h, and in the fourth from 1 o'clock on day 1 to midnight of day 9.
    assert rows[1]["median_s"] == 3_600
    assert rows[1]["since_first_median_s"] == 10_800


def test_breakdown_by_channel_of_entry(client: httpx.Client):
    """Each channel has a funnel of its own, and they add up to the whole."""
    rows = figure(client, "funnel-breakdown", **A_B_C)
    found = {name: [row["journeys"] for row in rows if row["name"] == name] for name in ("web", "phone", "counter")}
    assert found == {"web": [4, 3, 3, 2], "phone": [2, 2, 1, 1], "counter": [1, 1, 1, 0]}
    assert [sum(each) for each in zip(*found.values(), strict=True)] == counts(client, **A_B_C)


def test_breakdown_by_territory_takes_the_level_below(client: httpx.Client):
    """At the top by first part of the path; below `fr` where the paths begin to differ."""
    rows = figure(client, "funnel-breakdown", **A_B_C, by="territory")
    assert {row["name"]: row["journeys"] for row in rows if row["number"] == 0} == {"": 4, "fr": 2, "be": 1}
    below = figure(client, "funnel-breakdown", **A_B_C, by="territory", territory="fr")
    assert {row["name"]: row["journeys"] for row in below if row["number"] == 2} == {"fr/75": 1, "fr/75/12": 1}


def test_beyond_five_groups_the_others_are_one(empty_store: Store):
    """Of seven territories the two smallest become `others`."""
    events = [
        each
        for place in range(7)
        for number in range(8 - place)
        for each in journey(f"p1-{place}-{number}", "AB", territory=f"t{place}")
    ]
    seed.fill(empty_store.writer(), events)
    with served(empty_store, small_cell_min=1) as client:
        rows = figure(client, "funnel-breakdown", step1="A", step2="B", by="territory")
    assert {row["name"]: row["journeys"] for row in rows if row["number"] == 2} == {
        "t0": 8, "t1": 7, "t2": 6, "t3": 5, "t4": 4, "others": 5,
    }  # fmt: skip


def test_beside_the_period_before(empty_store: Store):
    """Half continue in the second fortnight, all in the first: a difference with its interval, in words."""
    events = [each for number in range(20) for each in journey(f"p1-{number}", "AB", day=1 + number % 14)]
    events += [
        each
        for number in range(20)
        for each in journey(f"p2-{number}", "AB" if number % 2 else "A", day=15 + number % 14)
    ]
    seed.fill(empty_store.writer(), events)
    with served(empty_store, small_cell_min=1) as client:
        asked = {"step1": "A", "step2": "B", "from": "2026-01-15", "to": "2026-01-29"}
        row = figure(client, "funnel", **asked, versus="previous")[2]
        assert (row["journeys"], row["earlier_journeys"]) == (10, 20)
        expected = intervals.share_difference((10, 20), (20, 20))
        assert expected is not None
        assert (row["difference"], row["difference_low"], row["difference_high"]) == pytest.approx(
            (expected.value, *expected.interval)
        )
        assert row["reading"] == "lower"
        assert figure(client, "funnel", **asked)[2].get("earlier_journeys") is None
        assert "earlier_journeys" not in figure(client, "funnel", **asked, versus="year")[2]


def test_without_steps_the_most_frequent_in_their_usual_order(client: httpx.Client):
    """A and B are in six journeys, C in four, X in two; on average A comes first, then X, B, C."""
    assert [row["step"] for row in figure(client, "funnel")] == ["", "A", "X", "B", "C"]


BAD = [
    {"step1": "A"},
    {"step1": "A", "step2": "x" * 300},
    {"step1": "A", "step2": "\0"},
    {"step9": "A"},
    {"order": "random"},
    {"window_days": "0"},
    {"window_days": "-1"},
    {"window_days": "NaN"},
    {"window_days": "9" * 30},
    {"window_days": "٣"},
]


def test_what_cannot_be_asked_is_refused(client: httpx.Client):
    """Any other value is a 422 that says why, in the API and on the page; never a failure."""
    for bad in BAD:
        for address in ("/api/v1/figures/funnel", "/api/v1/figures/funnel-breakdown", "/funnel"):
            assert client.get(address, params=bad).status_code == 422, (address, bad)
    assert client.get("/funnel", params={"by": "age"}).status_code == 422
    assert client.get("/funnel", params={"versus": "future"}).status_code == 422


def test_steps_are_read_with_their_channel():
    """Only a known channel before the colon is one; what is written from a step is read as the same step."""
    assert read_step("phone:call.queued") == Step("call.queued", "phone")
    assert read_step("any:phone:x") == Step("phone:x")
    assert read_step("Étape : envoi") == Step("Étape : envoi")
    assert read_step("phone:") == Step("phone:")
    for step in (Step("a:b"), Step("web:x", "web"), Step("any:")):
        assert read_step(step.text) == step


def test_few_who_stop_are_not_told_by_a_difference():
    """A count is shown only where it differs from the one shown before it by nobody or by at least ten."""
    assert hidden_steps([100, 100, 95, 85, 9, 0], 10) == {2, 4}
    assert hidden_steps([100, 96, 92, 88], 10) == {1, 2}
    assert hidden_steps([5, 5], 10) == {0, 1}


def test_no_part_is_hidden_alone():
    """What one part hides would follow from the whole: the next smallest is hidden with it."""
    assert hidden_parts([[50, 45], [40, 20], [30, 10]], 10) == [{1}, set(), {1}]
    assert hidden_parts([[50, 45], [40, 38], [30, 10]], 10) == [{1}, {1}, set()]


def test_small_numbers_are_withheld_with_what_tells_them(empty_store: Store):
    """Of thirty, 26 continue and 4 do not: the second count and all that follows from it stay unshown, in every figure."""
    events = [each for number in range(30) for each in journey(f"p1-{number}", "AB" if number < 26 else "A")]
    seed.fill(empty_store.writer(), events)
    with served(empty_store) as client:
        rows = figure(client, "funnel", step1="A", step2="B")
        times = figure(client, "funnel-times", step1="A", step2="B")
    assert [row["journeys"] for row in rows] == [30, 30, None]
    assert set(rows[2]["withheld"]) == {
        "journeys",
        "share",
        "share_low",
        "share_high",
        "share_of_first",
        "share_of_first_low",
        "share_of_first_high",
    }
    assert rows[2]["share"] is None
    assert times[0]["journeys"] is None
    assert times[0]["median_s"] is None
