"""Channel flows counted by hand, their drawing, and what stays unshown."""

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from services.insights.charts.flows import Flow, sankey
from services.insights.figures.flows_queries import visits, visits_by_name
from services.insights.filters import Filters
from services.insights.queries import Question
from shared.journey.vocabulary import CHANNELS
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import ClientWith, served
from tests.insights.seed import event
from tests.insights_map.journeys import by_names, four_journeys, rows


@pytest.fixture
def client(empty_store: Store) -> Iterator[httpx.Client]:
    """The application over four journeys, every number shown."""
    seed.fill(empty_store.writer(), four_journeys())
    with served(empty_store, small_cell_min=1) as client:
        yield client


def test_flows_of_four_journeys(client: httpx.Client):
    """Two contacts within half an hour are one visit; a journey without a channel has none, and is counted as such."""
    assert by_names(rows(client, "channel-flows"), "position", "from_channel", "to_channel") == {
        (0, "journey.started", "web"): (3,),
        (0, "journey.started", "journey.ended"): (1,),
        (1, "web", "phone"): (2,),
        (1, "web", "journey.ended"): (1,),
        (2, "phone", "journey.ended"): (2,),
    }


def test_next_channels_and_containment(client: httpx.Client):
    """Shares of a channel's visits; journeys that began on it and never used another."""
    assert by_names(rows(client, "channel-next"), "channel", "next") == {
        ("web", "phone"): (2, 2, 2 / 3),
        ("web", "journey.ended"): (1, 1, 1 / 3),
        ("phone", "journey.ended"): (2, 2, 1.0),
    }
    assert by_names(rows(client, "channel-containment"), "channel") == {("web",): (3, 1, 2, 1 / 3)}


def test_long_journeys_go_on(empty_store: Store, client_with: ClientWith):
    """After the fifth visit there are more, or there are none."""
    events = [
        event(f"{subject}{day}", "contact.made", f"2026-02-{day:02}T09:00:00.000000Z", f"p1-{subject}", "tax", channel="web")
        for subject, days in (("a", 5), ("b", 6))
        for day in range(1, days + 1)
    ]  # fmt: skip
    seed.fill(empty_store.writer(), events)
    found = rows(client_with(empty_store, small_cell_min=1), "channel-flows")
    assert {row["to_channel"]: row["journeys"] for row in found if row["position"] == 5} == {
        "journey.ended": 1,
        "journey.continues": 1,
    }


def test_numbers_of_channels_say_what_their_names_say(empty_store: Store):
    """For every channel that gateways take, at every place; a channel without a number is never taken for another."""
    journeys = [
        tuple(CHANNELS[:7]),
        tuple(CHANNELS[5:]),
        *((channel,) * 2 for channel in CHANNELS),
        ("web", "phone") * 4,
    ]
    events = [
        event(f"{number}-{day}", "contact.made", f"2026-02-{day:02}T09:00:00.000000Z", f"p1-{number}", "tax", channel=channel)
        for number, channels in enumerate(journeys)
        for day, channel in enumerate(channels, 1)
    ]  # fmt: skip
    seed.fill(empty_store.writer(), events)

    def found(question: Question) -> list[tuple[Any, ...]]:
        return sorted(tuple(row) for row in empty_store.query(question.sql, question.parameters).rows)

    assert found(visits(Filters())) == found(visits_by_name(Filters()))
    assert len({row[1] for row in found(visits(Filters()))} & set(CHANNELS)) == len(CHANNELS)


def test_flows_of_a_channel_without_a_number(empty_store: Store, client_with: ClientWith):
    """Counted by its name."""
    seed.fill(
        empty_store.writer(),
        [event("a", "contact.made", "2026-02-01T09:00:00.000000Z", "p1-a", "tax", channel="pigeon")],
    )
    found = rows(client_with(empty_store, small_cell_min=1), "channel-flows")
    assert by_names(found, "position", "from_channel", "to_channel") == {
        (0, "journey.started", "pigeon"): (1,),
        (1, "pigeon", "journey.ended"): (1,),
    }


def test_small_flows_are_withheld(empty_store: Store, client_with: ClientWith):
    """Of what reaches a channel and what leaves it, no single number is missing."""
    events = []
    for number in range(20):
        events += [each for each in four_journeys(prefix=f"{number}-") if each["subject"].endswith("b")]
    events += [each for each in four_journeys(prefix="x-") if each["subject"].endswith("c")]
    seed.fill(empty_store.writer(), events)
    found = {
        (row["from_channel"], row["to_channel"]): row["journeys"]
        for row in rows(client_with(empty_store), "channel-flows")
    }
    assert found["web", "journey.ended"] is None
    assert [found["journey.started", "web"], found["web", "phone"]].count(None) >= 1


def test_bands_fill_their_nodes():
    """In a column nothing overlaps; the bands of a node add up to its height; the same flows give the same drawing."""
    flows = [
        Flow(0, "web", "phone", 30),
        Flow(0, "web", "end", 70),
        Flow(0, "phone", "end", 50),
        Flow(1, "phone", "end", 30),
    ]
    order = ["web", "phone", "end"]
    found = sankey(flows, order)
    assert found == sankey(list(reversed(flows)), order)
    heights = {(node.column, node.name): node.height for node in found.nodes}
    assert heights[0, "web"] / heights[0, "phone"] == pytest.approx(2, abs=0.01)
    assert heights[1, "end"] / heights[2, "end"] == pytest.approx(4, abs=0.01)
    for column in range(3):
        nodes = [node for node in found.nodes if node.column == column]
        assert all(after.y >= before.y + before.height for before, after in itertools.pairwise(nodes))
    assert sankey([], []).bands == []


def test_the_page_shows_the_figures(client: httpx.Client):
    """In both languages, with the same numbers as the API."""
    page = client.get("/flows?lang=en").text
    assert "Of the journeys that begin by web, 33% never use another channel." in page
    assert "from web to phone (2 times, in 2 journeys)" in page
    assert "Journeys without an event that names a channel: 1" in page
    assert "Passages entre canaux" in client.get("/flows?lang=fr").text
    assert client.get("/flows?service=none").status_code == 200
    assert client.get("/flows?events=all").status_code == 422
