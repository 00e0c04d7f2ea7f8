"""Single journeys: found by the hash that points carry, cut where the core cuts."""

import httpx

from shared.log.port import Kind
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import PURPOSE, ClientWith
from tests.insights.seed import event


def test_a_journey_holds_its_own_events_and_points(empty_store: Store, client_with: ClientWith):
    """A gap of more than 90 days cuts; another service of the person, and other people, stay out."""
    events = [
        event("1", "contact.made", "2026-01-01T10:00:00.000000Z", "p1-a", "housing", channel="phone"),
        event("2", "contact.made", "2026-01-02T10:00:00.000000Z", "p1-a", "housing", channel="web", case="c"),
        event("3", "case.closed", "2026-01-03T10:00:00.000000Z", "p1-a", "housing", case="c"),
        event("4", "contact.made", "2026-06-01T10:00:00.000000Z", "p1-a", "housing", channel="phone"),
        event("5", "contact.made", "2026-06-02T10:00:00.000000Z", "p1-a", "housing", channel="phone"),
        event("6", "contact.made", "2026-01-02T11:00:00.000000Z", "p1-a", "parking", channel="phone"),
        event("7", "contact.made", "2026-01-02T12:00:00.000000Z", "p1-b", "housing", channel="phone"),
    ]
    seed.fill(empty_store.writer(), events)
    client = client_with(empty_store)
    points = client.get("/api/v1/frictions", params=PURPOSE).json()["points"]
    journeys = {point["anchor"]: point["journey"] for point in points}
    assert journeys["2"] != journeys["5"]
    first = client.get(f"/api/v1/journeys/{journeys['2']}", params=PURPOSE).json()
    assert [each["id"] for each in first["events"]] == ["1", "2", "3"]
    assert sorted(point["rule"] for point in first["points"]) == ["channel_switch", "repeat_contact"]
    second = client.get(f"/api/v1/journeys/{journeys['5']}", params=PURPOSE).json()
    assert [each["id"] for each in second["events"]] == ["4", "5"]


def test_an_open_case_holds_a_journey_together(empty_store: Store, client_with: ClientWith):
    """While a case is open the journey goes on for up to 400 days."""
    events = [
        event("1", "contact.made", "2026-01-01T10:00:00.000000Z", "p1-a", "housing", channel="phone", case="c"),
        event("2", "contact.made", "2026-10-01T10:00:00.000000Z", "p1-a", "housing", channel="phone", case="c"),
        event("3", "contact.made", "2026-10-02T10:00:00.000000Z", "p1-a", "housing", channel="phone", case="c"),
    ]
    seed.fill(empty_store.writer(), events)
    client = client_with(empty_store)
    (point,) = client.get("/api/v1/frictions", params=PURPOSE).json()["points"]
    answer = client.get(f"/api/v1/journeys/{point['journey']}", params=PURPOSE).json()
    assert [each["id"] for each in answer["events"]] == ["1", "2", "3"]


def test_a_late_event_is_flagged(empty_store: Store, client_with: ClientWith):
    """An event that came too late to be detected stands in its journey, marked."""
    events = [
        event("1", "contact.made", "2026-01-01T10:00:00.000000Z", "p1-a", "housing", channel="phone"),
        event("2", "contact.made", "2026-01-02T10:00:00.000000Z", "p1-a", "housing", channel="phone"),
    ]
    writer = empty_store.writer()
    seed.fill(writer, events)
    late = event("0", "contact.made", "2026-01-01T11:00:00.000000Z", "p1-a", "housing", channel="web")
    seed.insert(writer, Kind.EVENTS, [late])
    row = {name: late[name] for name in ("source", "id", "recordedtime", "subject", "time")}
    seed.insert(writer, Kind.LATE, [{**row, "service": "housing", "behind_s": 90_000.0, "partition": 0, "offset": 1}])
    client = client_with(empty_store)
    (point,) = client.get("/api/v1/frictions", params=PURPOSE).json()["points"]
    answer = client.get(f"/api/v1/journeys/{point['journey']}", params=PURPOSE).json()
    assert [(each["id"], each["late"]) for each in answer["events"]] == [("1", False), ("0", True), ("2", False)]


def test_a_late_event_that_was_detected_since_is_none(empty_store: Store, client_with: ClientWith):
    """After a redetection points rest on events that had come late: the journey holds them, and they are not marked."""
    late = event("0", "contact.made", "2026-01-01T10:00:00.000000Z", "p1-a", "housing", channel="web", case="c")
    events = [
        late,
        event("1", "contact.made", "2026-06-01T10:00:00.000000Z", "p1-a", "housing", channel="phone", case="c"),
        event("2", "contact.made", "2026-06-02T10:00:00.000000Z", "p1-a", "housing", channel="phone", case="c"),
    ]
    writer = empty_store.writer()
    seed.fill(writer, events)
    row = {name: late[name] for name in ("source", "id", "recordedtime", "subject", "time")}
    seed.insert(writer, Kind.LATE, [{**row, "service": "housing", "behind_s": 90_000.0, "partition": 0, "offset": 1}])
    client = client_with(empty_store)
    points = client.get("/api/v1/frictions", params=PURPOSE).json()["points"]
    (journey,) = {point["journey"] for point in points}
    answer = client.get(f"/api/v1/journeys/{journey}", params=PURPOSE).json()
    assert {"1", "2"} <= {identity for point in answer["points"] for identity in point["evidence"]}
    assert [each["id"] for each in answer["events"]] == ["0", "1", "2"]


def test_an_unknown_journey_is_not_found(client: httpx.Client):
    """404 as a problem in words."""
    response = client.get("/api/v1/journeys/" + "0" * 32, params=PURPOSE)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert "no journey" in response.json()["detail"]
