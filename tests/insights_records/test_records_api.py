"""Annotations, improvements and notes by API: kept, changed, removed; who comes second is told; nothing odd is a 5xx."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import PURPOSE, served
from tests.insights.seed import event

ANNOTATION = {"first_day": "2026-03-05", "title": "New form", "kind": "system", "service": "housing"}
IMPROVEMENT = {"title": "Call back", "owner": "Counter", "since": "2026-03-02", "rule": "repeat_contact"}


@pytest.fixture
def client(empty_store: Store) -> Iterator[httpx.Client]:
    """A site with one journey that has a point."""
    writer = empty_store.writer()
    seed.fill(writer, [event(f"c{day}", "contact.made", f"2026-03-0{day}T10:00:00.000000Z", "p1-a", "housing", channel="web")
                       for day in (1, 2)])  # fmt: skip
    with served(empty_store) as made:
        yield made


@pytest.mark.parametrize(("name", "values"), [("annotations", ANNOTATION), ("improvements", IMPROVEMENT)])
def test_a_record_lives_through_its_versions(client: httpx.Client, name: str, values: dict[str, Any]):
    """Added, found, listed, changed, removed; the history tells all of it, also afterwards."""
    address = f"/api/v1/{name}"
    added = client.post(address, json=values)
    assert added.status_code == 201
    one = f"{address}/{added.json()['id']}"
    assert client.get(one).json() == added.json() == client.get(address).json()[name][0]
    assert values.items() <= added.json().items()
    changed = client.put(f"{one}?version=1", json=values | {"title": "Another title"})
    assert (changed.json()["title"], changed.json()["version"]) == ("Another title", 2)
    assert client.delete(f"{one}?version=2").status_code == 204
    assert client.get(one).status_code == 404
    assert client.get(address).json() == {name: []}
    history = client.get(f"{one}/history").json()["versions"]
    assert [(each["version"], each["ended"]) for each in history] == [(1, "changed"), (2, "removed")]
    assert history[0]["document"]["title"] == values["title"]


@pytest.mark.parametrize(("name", "values"), [("annotations", ANNOTATION), ("improvements", IMPROVEMENT)])
def test_who_comes_second_is_told(client: httpx.Client, name: str, values: dict[str, Any]):
    """A version that is no longer the present one is neither changed nor removed."""
    one = f"/api/v1/{name}/{client.post(f'/api/v1/{name}', json=values).json()['id']}"
    client.put(f"{one}?version=1", json=values | {"title": "First"})
    assert client.put(f"{one}?version=1", json=values | {"title": "Second"}).status_code == 409
    assert client.delete(f"{one}?version=1").status_code == 409
    assert client.get(one).json()["title"] == "First"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"first_day": "2026-03-05", "title": ""}', 422),
        (b'{"first_day": "1066-10-14", "title": "Hastings"}', 422),
        (b'{"first_day": "2026-03-05", "last_day": "2026-03-01", "title": "Backwards"}', 422),
        (b'{"first_day": "2026-03-05", "title": "x", "kind": "rumour"}', 422),
        (b'{"title": "No day"}', 422),
        (b"[1]", 422),
        (b'{"first_day": ', 422),
        (b"\xff\xfe", 422),
        (b'{"first_day": "2026-03-05", "title": "\\u0000"}', 422),
        (b'{"first_day": "2026-03-05", "title": "\\ud800"}', 422),
    ],
)
def test_what_cannot_be_kept_is_refused(client: httpx.Client, body: bytes, status: int):
    """With a problem that says what to look at; nothing is kept."""
    answer = client.post("/api/v1/annotations", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert client.get("/api/v1/annotations").json() == {"annotations": []}


def test_other_media_types_and_unknown_ids_are_refused(client: httpx.Client):
    """A form is no JSON; an id that no record has is not found, whatever its shape."""
    assert client.post("/api/v1/annotations", data=ANNOTATION).status_code == 415
    for odd in ("0" * 16, "x", "%00", "é" * 300):
        assert client.get(f"/api/v1/annotations/{odd}").status_code == 404
        assert client.get(f"/api/v1/improvements/{odd}/history").status_code == 404
        assert client.put(f"/api/v1/annotations/{odd}?version=1", json=ANNOTATION).status_code == 404
    assert client.delete(f"/api/v1/annotations/{'0' * 16}?version=0").status_code == 422
    assert client.delete(f"/api/v1/annotations/{'0' * 16}").status_code == 422


def test_notes_are_left_and_erased_for_a_purpose(client: httpx.Client):
    """Without a purpose neither; with one, the note stands at the journey until it is erased."""
    point = client.get("/api/v1/frictions", params=PURPOSE).json()["points"][0]
    journey = f"/api/v1/journeys/{point['journey']}"
    note = {"text": "Seen at the counter.", "author": "Counter"}
    assert client.post(f"{journey}/notes", json=note).status_code == 422
    left = client.post(f"{journey}/notes", params=PURPOSE, json=note)
    assert left.status_code == 201
    assert client.get(journey, params=PURPOSE).json()["notes"] == [left.json()]
    assert client.post(f"{journey}/notes", params=PURPOSE, json=note | {"text": " "}).status_code == 422
    one = f"{journey}/notes/{left.json()['id']}"
    assert client.delete(one).status_code == 422
    assert client.delete(one, params=PURPOSE).status_code == 204
    assert client.delete(one, params=PURPOSE).status_code == 404
    assert client.get(journey, params=PURPOSE).json()["notes"] == []
