"""Single points and journeys: nothing is shown before a purpose is recorded, and the permission does not travel."""

import re
from typing import Any

import httpx
import pytest

from services.insights.openings import PERMIT_S
from shared.errors import RegistryError
from shared.registry.openings import Opening
from shared.registry.records import Records
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import PURPOSE, new_records, opened, served
from tests.insights.seed import event


@pytest.fixture
def records() -> Any:
    """The records of an empty registry."""
    with new_records() as made:
        yield made


@pytest.fixture
def client(empty_store: Store, records: Records) -> Any:
    """A client of a site with three contacts of one person, two of which are points."""
    days = [event(str(day), "contact.made", f"2026-03-0{day}T10:00:00.000000Z", "p1-a", "housing", channel="phone")
            for day in (1, 3, 5)]  # fmt: skip
    seed.fill(empty_store.writer(), days)
    with served(empty_store, records=records) as made:
        yield made


def found(client: httpx.Client) -> dict[str, Any]:
    """The newest point."""
    point: dict[str, Any] = client.get("/api/v1/frictions", params=PURPOSE).json()["points"][0]
    return point


def told(openings: list[Opening]) -> list[tuple[str, str, str, str, str]]:
    """What the records say, the latest first."""
    return [(each.kind, each.opened, each.form, each.purpose, each.text) for each in openings]


@pytest.mark.parametrize("name", ["frictions", "frictions.ndjson", "journeys/{journey}"])
def test_the_api_asks_for_a_purpose(client: httpx.Client, records: Records, name: str):
    """Without a purpose, or with one that says nothing, nothing is given nor recorded; with one both happen."""
    path = "/api/v1/" + name.format(**found(client))
    before = len(records.openings.latest())
    for parameters in ({}, {"purpose": "curiosity"}, {"purpose": "other"}, {"purpose": "other", "purpose_text": " "}):
        response = client.get(path, params=parameters)
        assert response.status_code == 422
        assert response.json()["type"] == "urn:parcours:problem:purpose-required"
        assert "housing" not in response.text
    assert len(records.openings.latest()) == before
    response = client.get(path, params={"purpose": "other", "purpose_text": "Audit of 2026"})
    assert response.status_code == 200
    assert "housing" in response.text
    kind, _, form, *stated = told(records.openings.latest())[0]
    assert (kind, form) == {"frictions": ("points", "api"), "frictions.ndjson": ("points", "export")}.get(
        name, ("journey", "api")
    )
    assert stated == ["other", "Audit of 2026"]


@pytest.mark.parametrize("name", ["points/{id}", "journeys/{journey}", "points"])
def test_a_page_asks_first(client: httpx.Client, records: Records, name: str):
    """Without a purpose there is a form and nothing of the person; stated, it is recorded and the page opens."""
    point = found(client)
    path = "/" + name.format(**point)
    records_before = len(records.openings.latest())
    gate = client.get(path)
    assert gate.status_code == 200
    assert "What do you open it for?" in gate.text
    assert point["sentence"] not in gate.text
    for form, words in (({}, "choose a purpose"), ({"purpose": "other"}, "in words")):
        refused = client.post(path, data=form)
        assert refused.status_code == 422
        assert words in refused.text
        assert point["sentence"] not in refused.text
    assert len(records.openings.latest()) == records_before
    address = opened(client, path)
    assert point["sentence"] in client.get(address).text
    kind, what, form, purpose, _ = told(records.openings.latest())[0]
    assert (form, purpose) == ("page", "check-rule")
    assert (kind, what) in {("point", path[8:]), ("journey", path[10:]), ("points", "")}


def test_a_permission_is_for_one_thing_only(client: httpx.Client):
    """The permit of a point opens no other page, a changed one opens nothing; no link carries one to another page."""
    point = found(client)
    address = opened(client, f"/points/{point['id']}")
    token = address.partition("opened=")[2]
    other = client.get(f"/journeys/{point['journey']}?opened={token}").text
    assert "What do you open it for?" in other
    for changed in (
        token[:-1] + "0",
        token[:-1] + "1",
        token.replace("-", "-9", 1),
        "x",
        "-",
        "a" * 500,
        "é",
        "-1-",
        "",
    ):
        if changed != token:
            assert "What do you open it for?" in client.get(f"/points/{point['id']}", params={"opened": changed}).text
    page = client.get(address).text
    links = re.findall(r'href="([^"]*)"', page)
    assert [link for link in links if "opened=" in link and not link.startswith(f"/points/{point['id']}?")] == []


def test_a_permission_ends(client: httpx.Client, monkeypatch: pytest.MonkeyPatch):
    """A quarter of an hour later the same address asks again."""
    address = opened(client, f"/points/{found(client)['id']}")
    assert "What do you open it for?" not in client.get(address).text
    monkeypatch.setattr(
        "tests.insights.conftest.NOW_US", seed.instant_us("2026-11-22T09:00:00Z") + PERMIT_S * 1_000_000
    )
    assert "What do you open it for?" in client.get(address).text


def test_from_a_list_each_point_is_recorded_for_the_same_purpose(client: httpx.Client, records: Records):
    """A point opened from a list needs one click; the record names the point; other filters are another list."""
    address = client.post("/points?service=housing", data={"purpose": "other", "purpose_text": "Audit"}).headers[
        "location"
    ]
    page = client.get(address).text
    token = re.search(r'name="under" value="([^"]+)"', page)[1]
    point = found(client)
    response = client.post(f"/points/{point['id']}", data={"under": token})
    assert response.status_code == 303
    assert told(records.openings.latest())[0] == ("point", point["id"], "page", "other", "Audit")
    narrower = client.get("/points", params={"channel": "phone", "opened": token})
    assert narrower.status_code == 303
    assert told(records.openings.latest())[0] == ("points", "channel=phone", "page", "other", "Audit")
    assert point["sentence"] in client.get(narrower.headers["location"]).text


def test_what_cannot_be_recorded_is_not_opened(client: httpx.Client, records: Records, monkeypatch: pytest.MonkeyPatch):
    """While the registry does not answer, single points and journeys stay shut: 503; the form itself shows."""
    point = found(client)

    def fail(*_: object) -> None:
        raise RegistryError("no answer")

    monkeypatch.setattr(records.openings, "add", fail)
    assert client.get("/api/v1/frictions", params=PURPOSE).status_code == 503
    assert client.get("/api/v1/frictions.ndjson", params=PURPOSE).status_code == 503
    assert client.post(f"/points/{point['id']}", data=PURPOSE).status_code == 503
    assert client.get(f"/points/{point['id']}").status_code == 200


def test_another_sites_page_opens_nothing(client: httpx.Client, records: Records):
    """A form that another site sends is refused; so is a body that is no form."""
    path = f"/points/{found(client)['id']}"
    before = len(records.openings.latest())
    assert client.post(path, data=PURPOSE, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.post(path, json=PURPOSE).status_code == 422
    for body in (b"purpose=check-rule&purpose=other", b"\xff", b"purpose=%ff", b"a=%00", b"&".join([b"a=1"] * 200)):
        headers = {"content-type": "application/x-www-form-urlencoded"}
        assert client.post(path, content=body, headers=headers).status_code == 422, body
    assert len(records.openings.latest()) == before


def test_summaries_of_the_api_withhold_small_cells(empty_store: Store):
    """Counts below the limit are null and named, and with them what would tell them; zero and large ones stay."""
    events = [
        event(f"{person}-{day}", "contact.made", f"2026-03-0{day}T10:00:00.000000Z", f"p1-{person}", service, channel="phone")
        for person, service in [(f"a{number}", "housing") for number in range(12)] + [("b", "tax")] + [(f"c{number}", "water") for number in range(11)]
        for day in (1, 3)
    ]  # fmt: skip
    seed.fill(empty_store.writer(), events)
    with served(empty_store) as client:
        found = client.get("/api/v1/frictions/summary?group_by=service").json()
        rows = {row["service"]: row for row in found["rows"]}
        assert found["total"] == 24
        assert (rows["housing"]["points"], rows["housing"]["journeys"]) == (12, 12)
        assert rows["tax"]["points"] is rows["water"]["points"] is None
        assert rows["tax"]["withheld"] == ["journeys", "minutes_administration", "minutes_citizen", "points"]
        one = client.get("/api/v1/frictions/summary?group_by=service&service=tax").json()
        assert (one["total"], one["rows"][0]["points"]) == (None, None)
        anchors = client.get("/api/v1/events/summary?group_by=service&rule=repeat_contact").json()
        assert [(row["service"], row["events"]) for row in anchors["rows"]] == [
            ("housing", 12),
            ("water", None),
            ("tax", None),
        ]
        volumes = client.get("/api/v1/events/summary?group_by=service&service=tax").json()
        assert volumes == {"rows": [{"service": "tax", "events": 2}], "total": 2}
        rules = client.get("/api/v1/frictions/summary?service=tax").json()["rows"]
        assert {row["rule"]: row["points"] for row in rows_with_zero(rules)} == {"channel_switch": 0}


def rows_with_zero(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of rules that noticed nothing, of which one is looked at."""
    return [row for row in rows if row["rule"] == "channel_switch"]
