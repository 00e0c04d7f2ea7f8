"""One definition: map, flows, funnel and friction board agree on the same data."""

from collections.abc import Iterator

import httpx
import pytest

from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import served
from tests.insights.seed import event
from tests.insights_map.journeys import four_journeys, rows

SERVICE = {"service": "tax", "from": "2026-02-01", "to": "2026-03-01"}


@pytest.fixture
def client(empty_store: Store) -> Iterator[httpx.Client]:
    """The application over two services and a journey of another month."""
    later = event("l1", "contact.made", "2026-04-01T09:00:00.000000Z", "p1-later", "tax", channel="web")
    chased = event("s1", "contact.made", "2026-02-09T09:00:00.000000Z", "p1-s", "tax", channel="phone", reason="status")
    seed.fill(empty_store.writer(), [*four_journeys(), *four_journeys("housing", "h"), later, chased])
    with served(empty_store, small_cell_min=1) as client:
        yield client


def test_journeys_begun_are_the_same_everywhere(client: httpx.Client):
    """Starts on the map = first visits and journeys without one = the first row of the funnel."""
    starts = sum(
        row["passages"]
        for row in rows(client, "journey-map-passages", **SERVICE)
        if row["from_step"] == "journey.started"
    )
    flows = rows(client, "channel-flows", **SERVICE)
    first = sum(row["journeys"] for row in flows if row["position"] == 0)
    visits = sum(row["journeys"] for row in flows if row["position"] == 1)
    without = sum(row["journeys"] for row in flows if row["position"] == 0 and row["to_channel"] == "journey.ended")
    funnel = rows(client, "funnel", **SERVICE, step1="any:contact.made", step2="any:case.closed")
    (everything,) = [row for row in funnel if row["number"] == 0]
    assert starts == first == visits + without == everything["journeys"] == 5


def test_journeys_at_a_step_are_the_same_on_the_map_and_in_the_funnel(client: httpx.Client):
    """Those that pass a step on a channel, and those that begin on it."""
    steps = {(row["step"], row["channel"]): row for row in rows(client, "journey-map-steps", **SERVICE)}
    funnel = rows(client, "funnel", **SERVICE, step1="web:contact.made", step2="phone:contact.made")
    (reached,) = [row for row in funnel if row["number"] == 1]
    assert reached["journeys"] == steps["contact.made", "web"]["journeys"]
    contained = {row["channel"]: row["journeys"] for row in rows(client, "channel-containment", **SERVICE)}
    entered = {
        row["to_channel"]: row["journeys"] for row in rows(client, "channel-flows", **SERVICE) if row["position"] == 0
    }
    assert contained == {channel: found for channel, found in entered.items() if channel != "journey.ended"}


def test_points_are_the_same_on_the_map_and_the_friction_board(client: httpx.Client):
    """By rule, of journeys whose points all lie in the period."""
    on_map: dict[str, int] = {}
    for row in rows(client, "journey-map-points", **SERVICE):
        on_map[row["rule"]] = on_map.get(row["rule"], 0) + row["points"]
    board = {row["rule"]: row["points"] for row in rows(client, "friction-board", **SERVICE) if row["points"]}
    assert on_map == board == {"repeat_contact": 3, "channel_switch": 2, "status_chasing": 1}
    passages = rows(client, "journey-map-passages", **SERVICE)
    steps = rows(client, "journey-map-steps", **SERVICE)
    assert sum(row["points"] for row in passages) == sum(row["points"] for row in steps) == sum(on_map.values())
