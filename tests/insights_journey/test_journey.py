"""One journey: found by its id with or without points, its cases, what was taken back and why, notes on it."""

import re
from typing import Any

import httpx
import pytest

from services.insights.journey_events import case_spans
from services.insights.journeys import read_journey
from shared.detection.draft import journey_id
from shared.detection.settings import DEFAULTS, RuleBook
from shared.log.port import Kind
from shared.registry.records import Records
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import PURPOSE, new_records, opened, served
from tests.insights.seed import event

BOOK = RuleBook(DEFAULTS, 1)
JOURNEY = journey_id("p1-a", "tax", 0)


def contact(name: str, day: int, **data: Any) -> dict[str, Any]:
    """A contact by phone on a day of March 2026."""
    return event(name, "contact.made", f"2026-03-{day:02}T10:00:00.000000Z", "p1-a", "tax", channel="phone", **data)


@pytest.fixture
def records() -> Any:
    """The records of an empty registry."""
    with new_records() as made:
        yield made


@pytest.fixture
def client(empty_store: Store, records: Records) -> Any:
    """A client of a site over an empty store."""
    with served(empty_store, records=records) as made:
        yield made


def got(client: httpx.Client, journey: str = JOURNEY) -> dict[str, Any]:
    """The journey as the API gives it."""
    response = client.get(f"/api/v1/journeys/{journey}", params=PURPOSE)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_a_journey_without_points_is_found(empty_store: Store, client: httpx.Client):
    """By its id among the assembled journeys, on the page and in the API."""
    seed.fill(empty_store.writer(), [contact("1", 1)])
    answer = got(client)
    assert [each["id"] for each in answer["events"]] == ["1"]
    assert answer["points"] == answer["taken_back"] == answer["cases"] == []
    page = client.get(opened(client, f"/journeys/{JOURNEY}")).text
    assert "No friction point in force." in page


def test_cases_are_spans(empty_store: Store, client: httpx.Client):
    """From the first event to the one that closed it; one that was reopened, or never closed, is open."""
    events = [
        contact("1", 1, case="a"),
        event("2", "case.progressed", "2026-03-02T10:00:00.000000Z", "p1-a", "tax", case="b"),
        event("3", "case.closed", "2026-03-03T10:00:00.000000Z", "p1-a", "tax", case="a"),
        event("4", "case.closed", "2026-03-04T10:00:00.000000Z", "p1-a", "tax", case="b"),
        event("5", "case.progressed", "2026-03-05T10:00:00.000000Z", "p1-a", "tax", case="a"),
        event("6", "case.reopened", "2026-03-06T10:00:00.000000Z", "p1-a", "tax", case="b"),
        contact("7", 7),
    ]
    seed.fill(empty_store.writer(), events)
    assert got(client)["cases"] == [
        {"case": "a", "started": "2026-03-01T10:00:00.000000Z", "ended": "2026-03-03T10:00:00.000000Z"},
        {"case": "b", "started": "2026-03-02T10:00:00.000000Z", "ended": None},
    ]
    found = read_journey(empty_store, JOURNEY, BOOK)
    assert found is not None
    assert [each.end_us for each in case_spans(found.events)] == [found.events[2].time_us, found.events[-1].time_us]


def test_what_was_taken_back_is_told_with_its_reason(empty_store: Store, client: httpx.Client):
    """By events that arrived out of order, with their numbers; replaced; judged by other rules; or not known."""
    on_time, late_comer = [contact("1", 1), contact("2", 3), contact("3", 5)], contact("x", 2)
    writer = empty_store.writer()
    seed.insert(writer, Kind.EVENTS, on_time)
    seed.insert(writer, Kind.EVENTS, [{**late_comer, "recordedtime": "2026-11-22T08:30:00.000000Z"}])
    first, second = seed.point_rows(on_time)
    seed.insert(writer, Kind.POINTS, [first, seed.retraction(first), second])
    seed.insert(writer, Kind.POINTS, [seed.retraction(second), {**second, "revision": 5, "minutes_citizen": 3.0}])
    answer = got(client)
    assert [point["id"] for point in answer["points"]] == [second["id"]]
    told = [(each["point"]["id"], each["why"], each["by"]) for each in answer["taken_back"]]
    assert told == [
        (first["id"], "out_of_order", [{"source": "/test", "id": "x"}]),
        (second["id"], "replaced", []),
    ]
    page = client.get(opened(client, f"/journeys/{JOURNEY}")).text
    assert "Arrived out of order: no. 2." in page
    assert page.count("Taken back") == 2


@pytest.mark.parametrize(("version", "why"), [(7, "other_rules"), (1, "not_known")])
def test_a_journey_of_which_every_point_was_taken_back(
    empty_store: Store, client: httpx.Client, version: int, why: str
):
    """It is still found, and says what of it is known."""
    events = [contact("1", 1), contact("2", 3)]
    seed.insert(empty_store.writer(), Kind.EVENTS, events)
    (point,) = seed.point_rows(events)
    point["version"] = version
    seed.insert(empty_store.writer(), Kind.POINTS, [point, seed.retraction(point)])
    answer = got(client)
    assert [each["id"] for each in answer["events"]] == ["1", "2"]
    assert answer["points"] == []
    assert [each["why"] for each in answer["taken_back"]] == [why]


def test_a_long_journey_comes_in_parts(empty_store: Store, client: httpx.Client):
    """A hundred events a part; what is no part is refused; the weight of a page stays small."""
    events = [
        event(f"{number:03}", "case.progressed", f"2026-03-01T10:{number // 60:02}:{number % 60:02}.000000Z", "p1-a", "tax", case="c")
        for number in range(230)
    ]  # fmt: skip
    seed.fill(empty_store.writer(), events)
    address = opened(client, f"/journeys/{JOURNEY}")
    sizes = []
    for part, count in (("1", 100), ("2", 100), ("3", 30)):
        page = client.get(f"{address}&part={part}")
        sizes.append(len(page.content))
        assert len(re.findall(r'<li class="step', page.text)) == count
    assert max(sizes) < 150_000
    for part in ("0", "4", "x", "-1", "9" * 30, "1.0", "²"):
        assert client.get(address, params={"part": part, "opened": address.partition("opened=")[2]}).status_code == 422


def test_a_journey_is_opened_by_its_id(empty_store: Store, client: httpx.Client, records: Records):
    """The form takes the id and the purpose; an id of none, or no purpose, gives the form again."""
    seed.fill(empty_store.writer(), [contact("1", 1)])
    response = client.post("/journeys", data={"journey": f" {JOURNEY.upper()} ", **PURPOSE})
    assert response.status_code == 303
    assert "Contact made" in client.get(response.headers["location"]).text
    assert [(each.kind, each.opened) for each in records.openings.latest()] == [("journey", JOURNEY)]
    for form, words in (
        ({"journey": "0" * 32, **PURPOSE}, "There is no journey with this id"),
        ({"journey": "'; DROP", **PURPOSE}, "There is no journey with this id"),
        ({"journey": JOURNEY}, "Please choose a purpose."),
        (PURPOSE, "There is no journey with this id"),
    ):
        refused = client.post("/journeys", data=form)
        assert refused.status_code == 422
        assert words in refused.text
    assert client.get("/journeys/" + "0" * 32).status_code == 404


def token_of(page: str) -> str:
    """The permit that the forms of a page carry."""
    return re.search(r'name="under" value="([^"]+)"', page)[1]


def test_notes_are_left_and_removed(empty_store: Store, client: httpx.Client, records: Records):
    """By whoever opened the journey; escaped as they are; in the API too; an empty one is shown again with what is wrong."""
    seed.fill(empty_store.writer(), [contact("1", 1)])
    page = client.get(opened(client, f"/journeys/{JOURNEY}")).text
    under, path = token_of(page), f"/journeys/{JOURNEY}/notes"
    text = 'Called <b>twice</b>,\nsaw "nobody".'
    response = client.post(path, data={"under": under, "text": text, "author": "Counter"})
    assert response.status_code == 303
    page = client.get(response.headers["location"]).text
    assert "Called &lt;b&gt;twice&lt;/b&gt;," in page
    assert [(note["text"], note["author"]) for note in got(client)["notes"]] == [(text, "Counter")]
    refused = client.post(path, data={"under": under, "text": " ", "author": "Counter"})
    assert refused.status_code == 422
    assert "A note needs a text" in refused.text
    assert client.post(path, data={"text": "x", "author": "y"}).status_code == 403
    (note,) = records.notes.about("journey", JOURNEY)
    assert client.post(f"{path}/{note.id}/removal", data={}).status_code == 403
    assert client.post(f"{path}/{note.id}/removal", data={"under": under}).status_code == 303
    assert got(client)["notes"] == []


def test_a_late_note_is_not_lost(
    empty_store: Store, client: httpx.Client, records: Records, monkeypatch: pytest.MonkeyPatch
):
    """Whoever wrote for longer than the page stays open still sends the note; the page then asks again."""
    seed.fill(empty_store.writer(), [contact("1", 1)])
    under = token_of(client.get(opened(client, f"/journeys/{JOURNEY}")).text)
    monkeypatch.setattr("tests.insights.conftest.NOW_US", seed.instant_us("2026-11-22T10:00:00Z"))
    response = client.post(
        f"/journeys/{JOURNEY}/notes", data={"under": under, "text": "Long thought.", "author": "Team"}
    )
    assert response.status_code == 303
    assert [note.text for note in records.notes.about("journey", JOURNEY)] == ["Long thought."]
    assert "What do you open it for?" in client.get(response.headers["location"]).text
