"""The API over a real store: groups, filters, retraction, what cannot be observed, pages by keyset."""

import json
from functools import partial
from typing import Any

import httpx
import pytest

from services.loader.assembly import assemble_all
from shared.detection.settings import RULES
from shared.log.port import Kind
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import PURPOSE, ClientWith, opened
from tests.insights.seed import event


def phone_calls(subject: str, service: str, days: list[int], **data: Any) -> list[dict[str, Any]]:
    """Contacts by phone on days of March 2026; each after the first within 7 days is a repeat contact."""
    return [
        event(
            f"{subject}-{service}-{day}", "contact.made", f"2026-03-{day:02}T10:00:00.000000Z", subject, service, **data
        )
        for day in days
    ]


@pytest.fixture
def client_with(client_with: ClientWith) -> ClientWith:
    """Clients that are shown every count: figures are compared as they are."""
    return partial(client_with, small_cell_min=1)


@pytest.fixture
def filled(empty_store: Store) -> Store:
    """Two services, three channels, two territories, two sources."""
    events = [
        *phone_calls("p1-a", "housing", [1, 3, 5], channel="phone", territory="fr/idf/75"),
        *phone_calls("p1-b", "housing", [10], channel="phone", territory="fr/idf/75/75012"),
        *phone_calls("p1-b", "housing", [11], channel="web", territory="fr/idf/75/75012", source="/other"),
        *phone_calls("p1-c", "parking", [20, 21], channel="counter", territory="fr/idf/750"),
        event("x", "page.viewed", "2026-03-02T00:00:00.000000Z", None, "parking", channel="web"),
    ]
    seed.fill(empty_store.writer(), events)
    return empty_store


def get(client: httpx.Client, path: str, **parameters: str) -> dict[str, Any]:
    """The JSON of a 200."""
    response = client.get(path, params=parameters)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def frictions(client: httpx.Client, group: str = "rule", **filters: str) -> dict[str, int | None]:
    """Points by group, without rules that noticed nothing."""
    answer = get(client, "/api/v1/frictions/summary", group_by=group, **filters)
    assert answer["total"] == sum(row["points"] or 0 for row in answer["rows"])
    return {row[group]: row["points"] for row in answer["rows"] if row["points"]}


def test_summary_by_rule_names_all_rules_in_order(filled: Store, client_with: ClientWith):
    """Every rule has a row, with points, distinct journeys, minutes and whether it could be observed."""
    rows = get(client_with(filled), "/api/v1/frictions/summary", group_by="rule")["rows"]
    assert [row["rule"] for row in rows] == list(RULES)
    by_rule = {row["rule"]: row for row in rows}
    assert by_rule["repeat_contact"] == {
        "rule": "repeat_contact",
        "points": 4,
        "journeys": 3,
        "minutes_citizen": None,
        "minutes_administration": None,
        "status": "observed",
    }
    assert by_rule["channel_switch"]["points"] == 1
    assert by_rule["long_wait"]["status"] == "not_observable"
    assert by_rule["long_wait"]["points"] is None
    assert by_rule["long_wait"]["journeys"] is None
    assert by_rule["rework"]["status"] == "off"


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("service", {"housing": 4, "parking": 1}),
        ("channel", {"phone": 2, "web": 2, "counter": 1}),
        ("territory", {"fr/idf/75": 2, "fr/idf/75/75012": 2, "fr/idf/750": 1}),
    ],
)
def test_summary_by_group(filled: Store, client_with: ClientWith, group: str, expected: dict[str, int]):
    """Points add up per service, channel and territory."""
    assert frictions(client_with(filled), group) == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"rule": "channel_switch"}, {"channel_switch": 1}),
        ({"service": "parking"}, {"repeat_contact": 1}),
        ({"service": "none of the kind"}, {}),
        ({"channel": "web"}, {"repeat_contact": 1, "channel_switch": 1}),
        ({"territory": "fr/idf/75"}, {"repeat_contact": 3, "channel_switch": 1}),
        ({"territory": "fr/idf/75/"}, {"repeat_contact": 3, "channel_switch": 1}),
        ({"territory": "fr"}, {"repeat_contact": 4, "channel_switch": 1}),
        ({"territory": "f"}, {}),
        ({"source": "/other"}, {"repeat_contact": 1, "channel_switch": 1}),
        ({"source": "/test"}, {"repeat_contact": 3}),
        ({"from": "2026-03-05T10:00:00Z", "to": "2026-03-21T10:00:00Z"}, {"repeat_contact": 2, "channel_switch": 1}),
        ({"from": "2026-03-05T10:00:00.000001Z"}, {"repeat_contact": 2, "channel_switch": 1}),
        ({"from": "2026-03-05T12:00:00+02:00", "to": "2026-03-06"}, {"repeat_contact": 1}),
        ({"from": "2026-03-21", "service": "parking", "channel": "counter"}, {"repeat_contact": 1}),
    ],
)
def test_filters(filled: Store, client_with: ClientWith, filters: dict[str, str], expected: dict[str, int]):
    """Filters hold together; a territory stands for everything below it; the period is half-open, to the microsecond."""
    client = client_with(filled)
    assert frictions(client, **filters) == expected
    lines = client.get("/api/v1/frictions.ndjson", params=filters | PURPOSE).text.splitlines()
    assert len(lines) == sum(expected.values())


def test_events_summary(filled: Store, client_with: ClientWith):
    """Events are counted per group under the same filters; an absent name is null; `rule` keeps the anchors."""
    client = client_with(filled)
    path = "/api/v1/events/summary"
    by_type = get(client, path)
    assert by_type == {
        "rows": [{"type": "contact.made", "events": 7}, {"type": "page.viewed", "events": 1}],
        "total": 8,
    }
    by_territory = {row["territory"]: row["events"] for row in get(client, path, group_by="territory")["rows"]}
    assert by_territory == {"fr/idf/75": 3, "fr/idf/75/75012": 2, "fr/idf/750": 2, None: 1}
    assert get(client, path, group_by="service", channel="web")["total"] == 2
    assert get(client, path, group_by="channel", rule="repeat_contact", service="housing") == {
        "rows": [{"channel": "phone", "events": 2}, {"channel": "web", "events": 1}],
        "total": 3,
    }


def test_a_retracted_point_never_shows(empty_store: Store, client_with: ClientWith):
    """What was taken back is in no figure, list, export, journey or page; a point replaced shows as it stands now."""
    events = phone_calls("p1-a", "housing", [1, 3, 5], channel="phone")
    writer = empty_store.writer()
    seed.insert(writer, Kind.EVENTS, events)
    taken_back, replaced = seed.point_rows(events)
    seed.insert(writer, Kind.POINTS, [taken_back, replaced, seed.retraction(taken_back), seed.retraction(replaced)])
    seed.insert(writer, Kind.POINTS, [{**replaced, "revision": 9, "channel": "web", "minutes_citizen": 7.5}])
    assemble_all(empty_store)
    client = client_with(empty_store)
    assert frictions(client) == {"repeat_contact": 1}
    assert frictions(client, "channel") == {"web": 1}
    summary = get(client, "/api/v1/frictions/summary")["rows"][0]
    assert (summary["journeys"], summary["minutes_citizen"]) == (1, 7.5)
    (point,) = get(client, "/api/v1/frictions", **PURPOSE)["points"]
    assert (point["id"], point["revision"], point["channel"]) == (replaced["id"], 9, "web")
    assert [
        json.loads(line)["id"] for line in client.get("/api/v1/frictions.ndjson", params=PURPOSE).text.splitlines()
    ] == [point["id"]]
    journey = get(client, f"/api/v1/journeys/{point['journey']}", **PURPOSE)
    assert [each["id"] for each in journey["points"]] == [point["id"]]
    assert client.get(opened(client, f"/points/{replaced['id']}")).status_code == 200
    assert client.get(f"/points/{taken_back['id']}").status_code == 404


def test_a_rule_is_observable_where_its_events_and_fields_arrive(empty_store: Store, client_with: ClientWith):
    """Zero is said only where a service and channel sent what the rule needs; elsewhere it is unknown."""
    answered = event("1", "call.answered", "2026-03-01T10:00:00.000000Z", "p1-a", "tax", channel="phone")
    waited = event("2", "call.answered", "2026-03-02T10:00:00.000000Z", "p1-b", "housing", channel="phone", wait_s=20.0)
    seed.fill(empty_store.writer(), [answered, waited])
    client = client_with(empty_store, {"service": {"housing": {"turned_away": {"enabled": False}}}})

    def status(rule: str, **filters: str) -> tuple[str, int | None]:
        rows = get(client, "/api/v1/frictions/summary", rule=rule, **filters)["rows"]
        assert len(rows) == 1
        return rows[0]["status"], rows[0]["points"]

    assert status("long_wait") == ("observed", 0)
    assert status("long_wait", service="tax") == ("not_observable", None)
    assert status("long_wait", channel="web") == ("not_observable", None)
    assert status("long_wait", to="2026-03-02") == ("not_observable", None)
    assert status("turned_away", service="housing") == ("off", None)
    assert status("turned_away") == ("not_observable", None)


def test_minutes_add_up_what_can_be_told(empty_store: Store, client_with: ClientWith):
    """Minutes are sums over the points in force, and null where no point has any."""
    events = phone_calls("p1-a", "housing", [1, 3, 5], channel="phone")
    points = seed.point_rows(events)
    points[0] |= {"minutes_citizen": 0.1, "minutes_administration": None}
    points[1] |= {"minutes_citizen": 0.2, "minutes_administration": None}
    seed.insert(empty_store.writer(), Kind.POINTS, points)
    row = get(client_with(empty_store), "/api/v1/frictions/summary", group_by="service")["rows"][0]
    assert (row["minutes_citizen"], row["minutes_administration"]) == (0.3, None)


def test_pages_by_cursor_are_complete_and_stable(empty_store: Store, client_with: ClientWith):
    """Pages join up without gap or repeat, newest first, also between equal times, and when newer points come between."""
    events = phone_calls("p1-a", "housing", list(range(1, 29)), channel="phone")
    points = seed.point_rows(events)
    for point in points[:20]:
        point["time"] = "2026-03-09T00:00:00.000000Z"
    writer = empty_store.writer()
    seed.insert(writer, Kind.POINTS, points)
    client = client_with(empty_store)
    ids: list[str] = []
    page = get(client, "/api/v1/frictions", **PURPOSE, limit="4", service="housing")
    ids += [point["id"] for point in page["points"]]
    newer = {**points[0], "id": "f" * 32, "time": "2026-04-01T00:00:00.000000Z"}
    seed.insert(writer, Kind.POINTS, [newer])
    while page["next_cursor"]:
        page = get(client, "/api/v1/frictions", **PURPOSE, limit="4", service="housing", cursor=page["next_cursor"])
        assert 1 <= len(page["points"]) <= 4
        ids += [point["id"] for point in page["points"]]
    expected = sorted(points, key=lambda point: (point["time"], point["id"]), reverse=True)
    assert ids == [point["id"] for point in expected]


def test_export_lines_carry_what_an_outsider_needs(filled: Store, client_with: ClientWith):
    """One point a line, with the events' own ids as evidence, and no pseudonym."""
    response = client_with(filled).get(
        "/api/v1/frictions.ndjson", params={"rule": "channel_switch", "lang": "fr"} | PURPOSE
    )
    assert response.headers["content-type"].startswith("application/x-ndjson")
    (line,) = response.text.splitlines()
    point = json.loads(line)
    assert point["rule"] == "channel_switch"
    assert point["time"] == "2026-03-11T10:00:00.000000Z"
    assert point["anchor"] == "p1-b-housing-11"
    assert point["evidence"] == ["p1-b-housing-10", "p1-b-housing-11"]
    assert (point["source"], point["service"], point["channel"]) == ("/other", "housing", "web")
    assert point["figures"] == {"gap_s": 86400.0, "earlier_channel": "phone"}
    assert point["parameters"] == {"window_s": 604800.0}
    assert "canal" in point["sentence"]
    assert "subject" not in point


def test_export_reads_in_bounded_pages(filled: Store, client_with: ClientWith, monkeypatch):
    """An export larger than one read is the same, page after page."""
    client = client_with(filled)
    whole = client.get("/api/v1/frictions.ndjson", params=PURPOSE).text
    monkeypatch.setattr("services.insights.points.EXPORT_PAGE", 2)
    assert client.get("/api/v1/frictions.ndjson", params=PURPOSE).text == whole


def test_sentences_come_in_the_language_asked_for(filled: Store, client_with: ClientWith):
    """`lang` decides, else the Accept-Language header, else English."""
    client = client_with(filled)

    def first(language: str = "", **parameters: str) -> str:
        headers = {"accept-language": language}
        sentence: str = client.get("/api/v1/frictions", params=parameters | PURPOSE, headers=headers).json()["points"][
            0
        ]["sentence"]
        return sentence

    assert first() == first(lang="en") == first("fr", lang="en") == first("de, *;q=0.5")
    assert first("fr-FR,en;q=0.8") == first(lang="fr") == first("en;q=0.1,fr")
    assert first() != first("fr")
