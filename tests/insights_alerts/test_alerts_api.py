"""Alerts by API: listed, acted upon, silenced; who comes second is told; small counts and odd values do no harm."""

import json
import threading
from typing import Any

import httpx
import pytest

from services.insights import alerts_feed
from shared.journey.instants import to_text
from tests.insights.conftest import NOW_US, served
from tests.insights_alerts.conftest import NoRows
from tests.insights_alerts.room import CALLS, FORM, MINUTE_US, Room

ADDRESS = "/api/v1/alerts"
SILENCE = {
    "rule": "form_abandoned",
    "from": "2026-11-22T09:00:00Z",
    "until": "2026-11-22T11:00:00Z",
    "reason": "The form is being repaired",
    "author": "Web team",
}


def ids(client: httpx.Client, **asked: str) -> list[str]:
    """The rules of the alerts that are listed, in order."""
    answer = client.get(ADDRESS, params=asked)
    assert answer.status_code == 200, answer.text
    return [each["readings"][0]["rule"] for each in answer.json()["alerts"]]


def test_an_alert_says_all_that_people_need(client: httpx.Client, room: Room):
    """What, where, since when, how many, compared with what, why, evidence, playbook, and what citizens could be told."""
    room.fire(FORM)
    answer = client.get(ADDRESS).json()
    (alert,) = answer["alerts"]
    assert (answer["watch"], answer["looked"]) == ("looking", "2026-11-22T09:00:00.000000Z")
    assert (alert["state"], alert["severity"], alert["cause"]) == ("firing", "warning", "form_abandoned")
    assert (alert["since"], alert["citizens"]) == (
        "2026-11-22T08:45:00.000000Z",
        {"count": 38, "withheld": False, "minimum": 10},
    )
    assert alert["evidence"].startswith("/points?rule=form_abandoned&service=housing-benefit&channel=web")
    assert alert["readings"][0]["measure"] | {"text": ""} == {
        "observed": 40.0, "expected": 10.0, "withheld": False, "text": "",
        "from": "2026-11-22T08:45:00.000000Z", "to": "2026-11-22T09:00:00.000000Z",
    }  # fmt: skip
    for words in (alert["title"], alert["place"], alert["why"], alert["citizen_text"]):
        assert words["fr"] != words["en"] or words is alert["place"]
    one = client.get(f"{ADDRESS}/{alert['id']}").json()
    assert one["alert"] == alert
    assert [step["step"] for step in one["history"]] == ["fired"]


def test_few_people_are_not_counted_out(client: httpx.Client, room: Room):
    """Below the site's bound neither the number of people nor what it could be worked out from is given, nor told in words."""
    room.fire(FORM, citizens=7, observed=8.0)
    text = client.get(ADDRESS).text
    (alert,) = json.loads(text)["alerts"]
    assert alert["citizens"] == {"count": None, "withheld": True, "minimum": 10}
    measure = alert["readings"][0]["measure"]
    assert (measure["observed"], measure["expected"], measure["withheld"]) == (None, None, True)
    assert "8 " not in alert["why"]["en"]
    assert "7 " not in alert["why"]["en"]


def test_the_list_is_as_asked_for(client: httpx.Client, room: Room):
    """By state, service, severity (at least) and territory (with all below it)."""
    room.fire(FORM, CALLS)
    first = next(each for each in room.desk.open() if each.cause == "form_abandoned")
    room.desk.acknowledge(first.id, first.version, "Web team", None, "")
    assert ids(client) == ["queue_abandoned", "form_abandoned"]
    assert ids(client, state="acknowledged") == ["form_abandoned"]
    assert ids(client, service="passport") == ["queue_abandoned"]
    assert ids(client, territory="fr/idf") == ["form_abandoned"]
    assert ids(client, territory="fr/id") == []
    assert ids(client, severity="warning") == ["queue_abandoned", "form_abandoned"]
    assert ids(client, severity="critical") == []
    assert ids(client, state="resolved") == []
    second = next(each for each in room.desk.open() if each.cause == "queue_abandoned")
    room.desk.resolve(second.id, second.version, "Phone team", "Line repaired")
    assert ids(client, state="resolved") == ["queue_abandoned"]
    assert ids(client, state="resolved", since="2026-11-23") == []


def test_people_act_and_the_history_tells(client: httpx.Client, room: Room):
    """Taken on, given, written to, resolved: each answer has the version that the next step needs."""
    (sheet,) = room.fire(FORM)
    one = f"{ADDRESS}/{sheet.id}"
    steps: list[tuple[str, dict[str, Any]]] = [
        ("acknowledge", {"until": "2026-11-22T12:00:00Z", "text": "Looking"}),
        ("assign", {"to": "Web team"}),
        ("comment", {"text": "The upload fails"}),
        ("resolve", {"text": "Repaired"}),
    ]
    version = sheet.version
    for name, values in steps:
        answer = client.post(f"{one}/{name}", json={"version": version, "by": "Duty", **values})
        assert answer.status_code == 200, answer.text
        version = answer.json()["version"]
    found = client.get(one).json()
    assert [(each["step"], each["by"]) for each in found["history"]] == [
        ("fired", ""), ("acknowledged", "Duty"), ("assigned", "Duty"), ("commented", "Duty"), ("resolved", "Duty"),
    ]  # fmt: skip
    assert (found["alert"]["state"], found["alert"]["ending"], found["alert"]["assigned_to"]) == (
        "resolved", "by_hand", "Web team",
    )  # fmt: skip
    assert found["history"][1]["until"] == "2026-11-22T12:00:00.000000Z"


def test_who_comes_second_is_told(client: httpx.Client, room: Room):
    """An action on a version that is no longer the present one changes nothing."""
    (sheet,) = room.fire(FORM)
    one = f"{ADDRESS}/{sheet.id}"
    body = {"version": sheet.version, "by": "First"}
    assert client.post(f"{one}/acknowledge", json=body).status_code == 200
    for name, more in (("acknowledge", {}), ("assign", {"to": "x"}), ("comment", {"text": "x"}), ("resolve", {})):
        answer = client.post(f"{one}/{name}", json={"version": sheet.version, "by": "Second", **more})
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:parcours:problem:record-conflict")
    found = client.get(one).json()
    assert (found["alert"]["acknowledged_by"], len(found["history"])) == ("First", 2)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("acknowledge", {"by": ""}),
        ("acknowledge", {"by": "x" * 201}),
        ("acknowledge", {"by": "a\0b"}),
        ("acknowledge", {"by": "x", "until": "yesterday"}),
        ("acknowledge", {"by": "x", "until": "2026-11-21T00:00:00Z"}),
        ("acknowledge", {"by": "x", "until": "2299-01-01"}),
        ("acknowledge", {"by": "x", "ending": "2026-11-22T12:00:00Z"}),
        ("assign", {"by": "x", "to": "y" * 201}),
        ("assign", {"by": "x"}),
        ("comment", {"by": "x", "text": "  "}),
        ("comment", {"by": "x", "text": "y" * 4_001}),
        ("resolve", {"by": "x", "version": 0}),
        ("resolve", {"by": "x", "version": 2**31}),
        ("resolve", {"by": "x", "version": "1"}),
        ("resolve", {"by": 7}),
    ],
)
def test_what_cannot_be_done_is_refused(client: httpx.Client, room: Room, name: str, body: dict[str, Any]):
    """With a problem; the alert stays as it was."""
    (sheet,) = room.fire(FORM)
    answer = client.post(f"{ADDRESS}/{sheet.id}/{name}", json={"version": sheet.version, **body})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert room.desk.get(sheet.id) == sheet


def test_odd_questions_get_an_answer_of_4xx(client: httpx.Client, room: Room):
    """Unknown ids, unknown parameters, values that nothing has, bodies that are none."""
    (sheet,) = room.fire(FORM)
    for path in ("nobody", "%00", "%F0%9F%A6%86", "x" * 3_000, "..%2f..", sheet.id.upper() + "0"):
        assert client.get(f"{ADDRESS}/{path}").status_code == 404, path
        answer = client.post(f"{ADDRESS}/{path}/resolve", json={"version": 1, "by": "x"})
        assert answer.status_code == 404, path
    odd = [{"state": "angry"}, {"severity": "10"}, {"since": "now"}, {"service": "x" * 300}, {"services": "x"},
           {"territory": "\0"}, {"since": "9" * 400}]  # fmt: skip
    for asked in odd:
        assert client.get(ADDRESS, params=asked).status_code == 422, asked
    assert client.get(f"{ADDRESS}?state=open&state=firing").status_code == 422
    assert client.get(ADDRESS, params={"state": "resolved", "since": "1900-01-01"}).status_code == 200
    for content, kind in [(b"[", "application/json"), (b"\xff", "application/json"), (b"{}", "text/plain")]:
        answer = client.post(f"{ADDRESS}/{sheet.id}/comment", content=content, headers={"content-type": kind})
        assert answer.status_code in {415, 422}
    for delivery in ("x", "x" * 400, "%00"):
        assert client.post(f"{ADDRESS}/deliveries/{delivery}/retry").status_code in {404, 409}, delivery


def test_a_silence_is_previewed_set_and_ended(client: httpx.Client, room: Room):
    """The preview names what it hides and sets nothing; ended twice is a conflict."""
    (sheet,) = room.fire(FORM)
    hidden = client.post(f"{ADDRESS}/silences/preview", json=SILENCE).json()
    assert ([each["id"] for each in hidden["open"]], hidden["past"]) == ([sheet.id], [])
    assert client.get(f"{ADDRESS}/silences").json() == {"silences": []}
    other = client.post(f"{ADDRESS}/silences/preview", json=SILENCE | {"rule": "", "service": "passport"}).json()
    assert other == {"open": [], "past": []}
    made = client.post(f"{ADDRESS}/silences", json=SILENCE)
    assert made.status_code == 201
    assert made.json()["until"] == "2026-11-22T11:00:00.000000Z"
    assert client.get(f"{ADDRESS}/silences").json()["silences"] == [made.json()]
    room.fire(FORM, at_us=NOW_US + MINUTE_US)
    assert client.get(ADDRESS).json()["alerts"][0]["suppressed_by"] == f"silence:{made.json()['id']}"
    room.now_us += MINUTE_US
    assert client.delete(f"{ADDRESS}/silences/{made.json()['id']}?version=1").status_code == 204
    assert client.delete(f"{ADDRESS}/silences/{made.json()['id']}?version=1").status_code == 409
    assert client.get(f"{ADDRESS}/silences").json() == {"silences": []}


@pytest.mark.parametrize(
    "changes",
    [
        {"until": "2026-11-22T09:00:00Z"},
        {"until": "2026-12-31"},
        {"until": "soon"},
        {"from": "1960-01-01", "until": "1960-01-02"},
        {"from": "2026-11-20", "until": "2026-11-21"},
        {"reason": " "},
        {"author": ""},
        {"kind": "nap"},
        {"rule": ""},
        {"rule": "x" * 50},
        {"service": "\0"},
        {"channel": "x" * 257},
        {"days": 3},
    ],
)
def test_a_silence_that_cannot_be_is_refused(client: httpx.Client, changes: dict[str, Any]):
    """Both when it is set and when it is previewed, as far as it is the values that are wrong."""
    answer = client.post(f"{ADDRESS}/silences", json=SILENCE | changes)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert client.post(f"{ADDRESS}/silences/preview", json=SILENCE | changes).status_code in {200, 422}
    assert client.get(f"{ADDRESS}/silences").json() == {"silences": []}


def test_a_message_that_was_given_up_is_tried_again(client: httpx.Client, room: Room):
    """Listed with the reason; once tried again it waits and is no longer listed."""
    room.fire(FORM)
    (claimed,) = room.registry.outbox.claim(10, NOW_US)
    room.registry.outbox.dead(claimed.id, "connection refused")
    (dead,) = client.get(f"{ADDRESS}/deliveries").json()["dead"]
    assert (dead["id"], dead["receiver"], dead["last_error"]) == (claimed.id, "day", "connection refused")
    assert "Form" in dead["subject"]["en"]
    assert client.post(f"{ADDRESS}/deliveries/{claimed.id}/retry").status_code == 204
    assert client.post(f"{ADDRESS}/deliveries/{claimed.id}/retry").status_code == 409
    assert client.get(f"{ADDRESS}/deliveries").json()["dead"] == []
    assert room.registry.outbox.counts() == {"waiting": 1, "dead": 0}


def test_what_waits_for_a_receiver_is_told(client: httpx.Client, room: Room):
    """How many messages, since when the oldest waits, and why the last try did not arrive."""
    room.fire(FORM, CALLS)
    (first, _) = room.registry.outbox.claim(10, NOW_US)
    room.registry.outbox.failed(first.id, "connection refused", NOW_US + 60_000_000)
    room.now_us += 180_000_000
    day, night = client.get(f"{ADDRESS}/deliveries").json()["receivers"]
    assert (day["name"], day["waiting"], day["last_error"]) == ("day", 2, "connection refused")
    assert day["waiting_since"] == to_text(NOW_US)
    assert (night["waiting"], night["waiting_since"], night["last_error"]) == (0, None, "")


def test_a_receiver_is_tried(client: httpx.Client, room: Room):
    """Whether a test arrived, and why not; a receiver that nobody named is not tried."""
    receivers = client.get(f"{ADDRESS}/deliveries").json()["receivers"]
    quiet = {"kind": "topic", "waiting": 0, "waiting_since": None, "last_error": ""}
    assert receivers == [{"name": "day", **quiet}, {"name": "night", **quiet}]
    assert client.post(f"{ADDRESS}/receivers/day/test").json() == {"delivered": True, "why": ""}
    room.broken = "the server answered 503"
    answer = client.post(f"{ADDRESS}/receivers/night/test")
    assert answer.json() == {"delivered": False, "why": "the server answered 503"}
    assert client.post(f"{ADDRESS}/receivers/nobody/test").status_code == 404
    assert room.tried == ["day", "night"]


def test_an_engine_that_does_not_look_says_so(client: httpx.Client, room: Room):
    """Never, as it should, and when three rounds are missing."""
    assert client.get(ADDRESS).json()["watch"] == "never"
    room.round(at_us=NOW_US - 4 * MINUTE_US)
    assert client.get(ADDRESS).json()["watch"] == "stopped"
    room.round(at_us=NOW_US)
    assert client.get(ADDRESS).json()["watch"] == "looking"


def test_a_site_without_alerts_says_so():
    """404, by API and as a page; nothing is a fault."""
    with served(NoRows()) as client:
        for path in (ADDRESS, f"{ADDRESS}/x", f"{ADDRESS}/silences", f"{ADDRESS}/deliveries", f"{ADDRESS}/events"):
            assert client.get(path).status_code == 404
        for path in ("/alerts", "/alerts/list", "/alerts/x", "/alerts/silences", "/alerts/deliveries"):
            assert client.get(path).status_code == 404


def read_events(client: httpx.Client, number: int, then: Any = lambda: None) -> list[tuple[str, dict[str, Any]]]:
    """The first so many events of the stream, heartbeats left out; `then` is called after the first."""
    found: list[tuple[str, dict[str, Any]]] = []
    with client.stream("GET", f"{ADDRESS}/events", timeout=20) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in answer.iter_lines():
            kind, _, value = line.partition(": ")
            if kind == "event":
                name = value
            if kind == "data" and name != "heartbeat":
                found.append((name, json.loads(value)))
                if len(found) == 1:
                    then()
                if len(found) == number:
                    return found
    return found


def test_those_who_listen_hear_of_changes(client: httpx.Client, room: Room):
    """First the present state, then each change, with the number of changes as its id."""
    before = room.desk.changes()
    told = read_events(client, 2, lambda: room.fire(FORM))
    assert [name for name, _ in told] == ["changes", "changes"]
    assert told[0][1] == {"changes": before, "watch": "never", "undelivered": 0}
    assert told[1][1]["changes"] > before


def test_a_site_listens_with_fifty_and_asks_once(client: httpx.Client, room: Room, monkeypatch: pytest.MonkeyPatch):
    """Fifty pages hear of a change, and together ask the registry no more often than one."""
    asked = 0
    changes = room.desk.changes

    def counted() -> int:
        nonlocal asked
        asked += 1
        return changes()

    monkeypatch.setattr(room.desk, "changes", counted)
    ready, heard = threading.Barrier(51), []
    threads = [
        threading.Thread(
            target=lambda: heard.append(read_events(httpx.Client(base_url=client.base_url), 2, lambda: ready.wait(20)))
        )
        for _ in range(50)
    ]
    for each in threads:
        each.start()
    ready.wait(20)
    so_far = asked
    room.fire(FORM)
    for each in threads:
        each.join(20)
    assert len(heard) == 50
    assert {told[1][1]["changes"] for told in heard} == {changes()}
    assert asked - so_far < 20


def test_too_many_who_listen_are_refused(client: httpx.Client, monkeypatch: pytest.MonkeyPatch):
    """Beyond the bound comes 503, and when to try again; room is free again after one has left."""
    monkeypatch.setattr(alerts_feed.AlertsFeed, "full", lambda feed: len(feed._listeners) >= 1)
    refused = []
    read_events(client, 1, lambda: refused.append(httpx.get(client.base_url.join(f"{ADDRESS}/events"))))
    assert (refused[0].status_code, refused[0].headers["retry-after"]) == (503, "10")
