"""Territories counted by hand: roll-up, offices, gaps, routes, along time, and what stays unshown on every page of the tree."""

from itertools import combinations
from random import Random
from typing import Any

import httpx
import pytest

from services.insights.figures import intervals
from services.insights.figures.territories_paths import child_of, forked
from services.insights.figures.territories_protection import hidden_cells, hidden_territories, sums
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import served
from tests.insights.seed import event


def visits(name: str, territory: str, people: int, returns: int = 0, **data: Any) -> list[dict[str, Any]]:
    """So many people with one contact in a territory; the first `returns` come again a day later (a repeat contact)."""
    values = {"channel": "phone", "territory": territory} | data
    found = []
    for number in range(people):
        subject = f"p1-{name}-{number}"
        found.append(event(f"{name}{number}a", "contact.made", "2026-03-02T09:00:00.000000Z", subject, "tax", **values))
        if number < returns:
            found.append(
                event(f"{name}{number}b", "contact.made", "2026-04-01T09:00:00.000000Z", subject, "tax", **values)
            )
            found.append(
                event(f"{name}{number}c", "contact.made", "2026-04-02T09:00:00.000000Z", subject, "tax", **values)
            )
    return [each for each in found if values["territory"] or each["data"].pop("territory", None) is not None]


def seeded(store: Store) -> None:
    """Two regions below `fr`, one of them with two departments; and nothing said of two people."""
    events = visits("a", "fr/idf/75", 20, returns=10) + visits("b", "fr/idf/92", 30, returns=3, channel="web")
    events += visits("c", "fr/bre", 25, returns=1, channel="partner") + visits("d", "", 2)
    seed.fill(store.writer(), events)


def rows(client: httpx.Client, name: str = "territories", **parameters: str) -> list[dict[str, Any]]:
    """The rows of a figure."""
    answer = client.get(f"/api/v1/figures/{name}", params=parameters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


def test_the_tree_is_added_up(empty_store: Store):
    """At the top `fr` and what names nothing; below it the regions; below a region its departments."""
    seeded(empty_store)
    with served(empty_store, small_cell_min=1) as client:
        top = {
            row["place"]: (row["level"], row["contacts"], row["journeys"], row["points"])
            for row in rows(client, within="fr")
        }
        assert top["fr"] == ("whole", 103, 75, 14)
        assert top["fr/idf"] == ("territory", 76, 50, 13)
        assert top["fr/bre"] == ("territory", 27, 25, 1)
        idf = [(row["place"], row["contacts"]) for row in rows(client, within="fr/idf")]
        assert idf == [("fr/idf", 76), ("fr/idf/75", 40), ("fr/idf/92", 36)]
        everywhere = rows(client)
        assert [(row["place"], row["level"]) for row in everywhere] == [
            ("fr", "whole"),
            ("fr/idf", "territory"),
            ("fr/bre", "territory"),
        ]
        assert rows(client, territory="fr/idf")[0]["contacts"] == 76


def test_rates_and_gaps_have_intervals(empty_store: Store):
    """Points per 100 contacts; the gap to the whole is the one to the rest, times the rest's part of the contacts."""
    seeded(empty_store)
    with served(empty_store, small_cell_min=1) as client:
        idf = next(row for row in rows(client, within="fr") if row["place"] == "fr/idf")
    own, rest, whole = (intervals.rate(*each) for each in ((13, 0.76), (1, 0.27), (14, 1.03)))
    assert own is not None
    assert rest is not None
    assert whole is not None
    assert (idf["per_100"], idf["per_100_low"], idf["per_100_high"]) == pytest.approx((own.value, *own.interval))
    assert idf["gap"] == pytest.approx(own.value - whole.value)
    far = intervals.difference(own, rest)
    assert (idf["gap_low"], idf["gap_high"]) == pytest.approx(tuple(each * 0.27 / 1.03 for each in far.interval))
    assert idf["reading"] == "no_difference"


def test_routes_and_their_gaps(empty_store: Store):
    """Alone online 30, with a partner 25, otherwise 22; the share begun with help or not online is of all."""
    seeded(empty_store)
    with served(empty_store, small_cell_min=1) as client:
        whole = rows(client, within="fr")[0]
        assert whole["not_alone"] == pytest.approx(45 / 75)
        found = {
            row["route"]: row
            for row in rows(client, "territories-routes", within="fr")
            if row["measure"] == "with_friction"
        }
    assert {route: row["journeys"] for route, row in found.items()} == {"alone": 30, "assisted": 25, "other": 20}
    assert found["other"]["value"] == 50
    expected = intervals.share_difference((10, 20), (3, 30))
    assert expected is not None
    assert found["other"]["gap_low"] == pytest.approx(100 * expected.interval.low)
    assert found["other"]["reading"] == "higher"
    assert found["alone"]["reading"] is None


def test_offices_stand_below_the_last_level(empty_store: Store):
    """A territory without parts shows its offices; one of them alone can be asked for; journeys belong to no office."""
    events = (
        visits("a", "fr/75", 20, returns=10, office="A")
        + visits("b", "fr/75", 30, office="B")
        + visits("c", "fr/92", 4)
    )
    seed.fill(empty_store.writer(), events)
    with served(empty_store, small_cell_min=1) as client:
        found = rows(client, within="fr/75")
        assert [(row["place"], row["level"], row["contacts"], row["points"]) for row in found] == [
            ("fr/75", "whole", 70, 10), ("A", "office", 40, 10), ("B", "office", 30, 0),
        ]  # fmt: skip
        assert found[1]["journeys"] is None
        assert "withheld" not in found[1]
        assert [row["place"] for row in rows(client, within="fr/75", office="A")] == ["fr/75", "A"]
        page = client.get("/territories?within=fr/75&office=A&lang=en")
        assert page.status_code == 200
        assert 'aria-current="page">A<' in page.text


def test_along_time(empty_store: Store):
    """One row a part and month, on the points' own time."""
    seeded(empty_store)
    with served(empty_store, small_cell_min=1) as client:
        found = {
            (row["place"], row["start"]): (row["contacts"], row["points"])
            for row in rows(client, "territories-over-time", within="fr")
        }
    assert found == {
        ("fr/idf", "2026-03-01"): (50, 0), ("fr/idf", "2026-04-01"): (26, 13),
        ("fr/bre", "2026-03-01"): (25, 0), ("fr/bre", "2026-04-01"): (2, 1),
    }  # fmt: skip


def test_what_one_page_hides_no_other_tells(empty_store: Store):
    """The four of one part hide a second with them; the second's own page shows neither its count nor all of its parts."""
    events = (
        visits("a", "t/a/x", 20, returns=20)
        + visits("b", "t/b/x", 20, returns=12)
        + visits("b2", "t/b/y", 20, returns=15)
    )
    events += visits("c", "t/c", 20, returns=4)
    seed.fill(empty_store.writer(), events)
    with served(empty_store) as client:
        shown = {row["place"]: row["points"] for row in rows(client, within="t")}
        assert shown == {"t": 51, "t/a": None, "t/b": 27, "t/c": None}
        own = rows(client, within="t/a")
        assert [row["points"] for row in own] == [None, None]
        assert all({"points", "per_100", "gap", "minutes"} <= set(row["withheld"]) for row in own)
        assert [row["points"] for row in rows(client, within="t/b")] == [27, 15, 12]
        for within in ("t", "t/a", "t/b", "t/c"):
            page = client.get("/territories", params={"within": within, "lang": "fr"})
            assert page.status_code == 200
            assert "Territoires" in page.text


@pytest.mark.parametrize("draw", range(60))
def test_no_sum_over_the_tree_tells_a_hidden_count(draw: int):
    """Whatever the tree: from every territory's shown count and its shown parts, no hidden one follows by subtraction."""
    random = Random(draw)
    counts: dict[str, int] = {}
    for _ in range(random.randint(1, 12)):
        path = "/".join(random.choice("abc") for _ in range(random.randint(0, 3)))
        counts[path] = random.choice([0, 1, 4, 9, 10, 11, 30, 200])
    hidden = hidden_territories(counts, 10)
    totals = sums(counts)
    known = {path: total for path, total in totals.items() if path not in hidden}
    assert all(not 0 < total < 10 for total in known.values())
    for path in totals:
        parts = {each: total for each, total in totals.items() if each and each.rpartition("/")[0] == path}
        if not parts:
            continue
        own = counts.get(path, 0)
        cells = [(total, each in hidden) for each, total in parts.items()] + [(own, path + "/" in hidden)]
        concealed = [total for total, is_hidden in cells if is_hidden and total]
        if path in hidden:
            assert concealed or not any(total for total, _ in cells)
        else:
            assert len(concealed) != 1


@pytest.mark.parametrize("draw", range(40))
def test_no_row_or_column_hides_a_single_cell(draw: int):
    """Along time and over parts alike, where there is another to hide it with."""
    random = Random(draw)
    table = [[random.choice([0, 1, 5, 10, 12, 40]) for _ in range(5)] for _ in range(4)]
    hidden = hidden_cells(table, 10, [draw % 3 == 0, False, False, False])
    for cells, row in zip(hidden, table, strict=True):
        assert all(place in cells for place, count in enumerate(row) if 0 < count < 10)
    lines = [[(row[place], place in cells) for place in range(5)] for row, cells in zip(table, hidden, strict=True)]
    for line in [*lines, *zip(*lines, strict=True)]:
        concealed = [count for count, is_hidden in line if is_hidden and count]
        others = [count for count, is_hidden in line if not is_hidden and count]
        assert len(concealed) != 1 or not others


def test_paths():
    """A child is the next part of a path; a fork is where the parts begin to differ."""
    assert child_of("fr/idf/75", "fr") == "fr/idf"
    assert child_of("fr", "fr") == "fr"
    assert child_of("be/x", "") == "be"
    assert forked(["us/mo/kc/1", "us/mo/kc/2", ""], "") == "us/mo/kc"
    assert forked(["us/mo/kc"], "") == "us/mo"
    assert forked([], "") == ""
    assert forked(["a", "b/c"], "") == ""
    assert all(forked([one, other], "") == "" for one, other in combinations(["a/x", "b/x", "c"], 2))


def test_nothing_to_observe_is_not_zero(empty_store: Store):
    """Where no rule could be observed, points and rates are not known."""
    events = [
        event(
            f"e{number}",
            "complaint.filed",
            "2026-03-02T09:00:00.000000Z",
            f"p1-{number}",
            "tax",
            territory=f"t/{number % 2}",
        )
        for number in range(6)
    ]
    seed.fill(empty_store.writer(), events)
    with served(empty_store, small_cell_min=1) as client:
        found = rows(client, within="t")
    assert [row["contacts"] for row in found] == [6, 3, 3]
    assert [row["per_100"] for row in found] == [None, None, None]


def test_what_cannot_be_asked_is_refused(empty_store: Store):
    """A territory outside the filter's is a 422; one that does not occur is an empty page."""
    seeded(empty_store)
    with served(empty_store, small_cell_min=1) as client:
        for bad in ({"within": "be", "territory": "fr"}, {"within": "\0"}, {"within": "x" * 300}, {"beyond": "fr"}):
            assert client.get("/territories", params=bad).status_code == 422, bad
            assert client.get("/api/v1/figures/territories", params=bad).status_code == 422, bad
        for odd in (
            {"within": "atlantis"},
            {"within": "///"},
            {"within": "é/%2F"},
            {"office": "\u202e"},
            {"within": "a/" * 100},
        ):
            assert client.get("/territories", params=odd).status_code == 200, odd
        assert client.get("/api/v1/figures/territories-over-time?unit=hour").status_code == 422
