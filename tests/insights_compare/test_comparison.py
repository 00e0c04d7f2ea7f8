"""The comparison on journeys counted by hand, its groups, its words, and its small numbers."""

import math
from typing import Any

import httpx
import pytest

from services.insights.figures import intervals
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import served
from tests.insights.seed import event


def contacts(subject: str, channels: str, day: int = 1, **data: Any) -> list[dict[str, Any]]:
    """One journey of contacts, one a day: `w` web, `p` phone, `c` counter."""
    names = {"w": "web", "p": "phone", "c": "counter"}
    return [
        event(f"{subject}-{place}", "contact.made", f"2026-03-{day + place:02}T09:00:00.000000Z", subject, "tax",
              channel=names[letter], **data)
        for place, letter in enumerate(channels)
    ]  # fmt: skip


def seeded(store: Store) -> None:
    """Four journeys that begin on the web, three by phone; one of each group is completed."""
    events = contacts("p1-1", "w") + contacts("p1-2", "wp") + contacts("p1-3", "www") + contacts("p1-4", "w", case="k1")
    events += [event("e1", "case.decided", "2026-03-05T09:00:00.000000Z", "p1-4", "tax", case="k1")]
    events += (
        contacts("p2-1", "p", territory="fr/75") + contacts("p2-2", "pp", territory="fr/75") + contacts("p2-3", "p")
    )
    events += contacts("p3-1", "c")
    seed.fill(store.writer(), events)


def compared(client: httpx.Client, **parameters: str) -> dict[str, dict[str, Any]]:
    """The rows of the comparison by measure."""
    answer = client.get("/api/v1/figures/comparison", params=parameters)
    assert answer.status_code == 200, answer.text
    return {row["measure"]: row for row in answer.json()["rows"]}


def test_the_two_busiest_channels_of_entry_by_default(empty_store: Store):
    """Web (4 journeys) against phone (3), each measure as counted by hand."""
    seeded(empty_store)
    with served(empty_store, small_cell_min=1) as client:
        rows = compared(client)
    # Web: p1-2 changes channel (channel_switch, repeat_contact) and p1-3 comes back twice: 2 of 4 hold points.
    assert (rows["with_friction"]["a_journeys"], rows["with_friction"]["b_journeys"]) == (4, 3)
    assert rows["with_friction"]["a_value"] == 50
    assert rows["with_friction"]["b_value"] == pytest.approx(100 / 3)
    assert rows["contacts"]["a_value"] == 175
    assert rows["contacts"]["b_value"] == pytest.approx(400 / 3)
    assert rows["points"]["a_value"] == 100
    assert rows["switched"]["a_value"] == 25
    assert (rows["completion"]["a_value"], rows["completion"]["a_journeys"]) == (100, 1)
    assert rows["completion"]["b_value"] is None
    assert rows["completion"]["reading"] == "unknown"
    expected = intervals.mean_difference((4, 7, 15), (3, 4, 6))
    assert expected is not None
    found = rows["contacts"]
    assert (found["difference"], found["difference_low"], found["difference_high"]) == pytest.approx(
        tuple(100 * each for each in (expected.value, *expected.interval))
    )
    assert found["reading"] == "no_difference"
    assert found["all_together"] is False


def test_groups_by_territory_period_and_rule(empty_store: Store):
    """Each trait of a group restricts it; with and without a rule are everything together."""
    seeded(empty_store)
    with served(empty_store, small_cell_min=1) as client:

        def sizes(**parameters: str) -> tuple[int, int]:
            row = compared(client, **parameters)["with_friction"]
            return row["a_journeys"], row["b_journeys"]

        assert sizes(a_territory="fr") == (2, 8)
        assert sizes(a_entry="phone", b_entry="counter") == (3, 1)
        assert sizes(a_rule="repeat_contact", b_rule="repeat_contact", b_holds="without") == (3, 5)
        assert sizes(a_rule="channel_switch", a_entry="web") == (1, 8)
        assert sizes(a_from="2026-03-02", b_through="2026-03-01") == (0, 8)


def test_a_clear_difference_is_told_and_noise_is_not(empty_store: Store):
    """Sixty journeys by phone with two contacts each against sixty on the web with one: higher, also for all measures together."""
    events = []
    for number in range(60):
        events += contacts(f"p1-{number}", "pp", day=1 + number % 20)
        events += contacts(f"p2-{number}", "w" if number % 3 else "ww", day=1 + number % 20)
    seed.fill(empty_store.writer(), events)
    with served(empty_store) as client:
        rows = compared(client, a_entry="phone", b_entry="web")
        assert rows["contacts"]["reading"] == "higher"
        assert rows["contacts"]["all_together"] is True
        assert rows["switched"]["reading"] == "no_difference"
        assert rows["duration"]["a_value"] == 1
        assert rows["duration"]["reading"] == "higher"
        page = client.get("/compare?a_entry=phone&b_entry=web&lang=en").text
        assert "data can tell no difference" in page
        french = client.get("/compare?lang=fr").text
        assert "Comparer" in french


def test_few_are_withheld_on_either_side(empty_store: Store):
    """Nine journeys are not shown, nor what follows from them; neither is a share that few make up, or few do not."""
    events = [each for number in range(9) for each in contacts(f"p1-{number}", "p")]
    events += [each for number in range(40) for each in contacts(f"p2-{number}", "ww" if number < 5 else "w")]
    seed.fill(empty_store.writer(), events)
    with served(empty_store) as client:
        row = compared(client, a_entry="phone", b_entry="web")["with_friction"]
        assert row["a_journeys"] is None
        assert row["b_journeys"] == 40
        assert row["b_value"] is None
        assert {"a_value", "b_value", "difference", "reading"} <= set(row["withheld"])
        assert "fewer than 10" in client.get("/compare?a_entry=phone&b_entry=web&lang=en").text


def test_groups_that_overlap_say_so(empty_store: Store):
    """Two groups of which one holds the other are not independent; a group chosen by friction differs in friction."""
    seeded(empty_store)
    with served(empty_store, small_cell_min=1) as client:
        overlapping = client.get("/compare?a_entry=web&lang=en").text
        apart = client.get("/compare?a_entry=web&b_entry=phone&lang=en").text
        chosen = client.get("/compare?a_rule=long_wait&lang=en").text
    assert "may stand in both groups" in overlapping
    assert "may stand in both groups" not in apart
    assert "chosen by a friction point" in chosen


def test_what_cannot_be_asked_is_refused(empty_store: Store):
    """Any other value is a 422; an empty group is not."""
    seeded(empty_store)
    with served(empty_store, small_cell_min=1) as client:
        for bad in (
            {"a_rule": "unheard_of"},
            {"a_holds": "perhaps"},
            {"b_from": "yesterday"},
            {"a_from": "2026-03-05", "a_through": "2026-03-01"},
            {"a_entry": "x" * 300},
            {"a_territory": "\0"},
            {"c_entry": "web"},
        ):
            assert client.get("/compare", params=bad).status_code == 422, bad
            assert client.get("/api/v1/figures/comparison", params=bad).status_code == 422, bad
        rows = compared(client, a_entry="carrier pigeon", b_entry="web")
        assert rows["with_friction"]["a_journeys"] == 0
        assert rows["with_friction"]["a_value"] is None
        assert client.get("/compare?a_entry=pigeon&b_entry=pigeon").status_code == 200
        assert client.get("/compare?service=none").status_code == 200


def test_completion_is_the_one_of_the_overview(empty_store: Store):
    """Journeys completed: as many as digital take-up counts as completed."""
    seeded(empty_store)
    with served(empty_store, small_cell_min=1) as client:
        rows = compared(client, a_entry="web", b_entry="phone")
        taken_up = client.get("/api/v1/figures/digital-take-up").json()["rows"]
    completed = next(row for row in taken_up if row["period"] == "now" and row["counted"] == "completed")
    found = sum(
        round((rows["completion"][f"{side}_value"] or 0) * rows["completion"][f"{side}_journeys"] / 100)
        for side in "ab"
    )
    assert completed["journeys"] == found
    assert not math.isnan(found)
