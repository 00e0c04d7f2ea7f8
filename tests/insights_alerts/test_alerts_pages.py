"""The pages of alerts without any script: what they say, what people can do there, in both languages."""

import re
from itertools import pairwise

import httpx
import pytest

from shared.alerts.finding import Finding, Series
from shared.alerts.sheet import Looking
from tests.insights.conftest import NOW_US
from tests.insights_alerts.room import CALLS, FORM, MINUTE_US, Room, finding

SILENCE = {
    "kind": "silence",
    "rule": "form_abandoned",
    "from": "2026-11-22T10:00",
    "until": "2026-11-22T12:00",
    "reason": "The form is being repaired",
    "author": "Web team",
}


def plain(html: str) -> str:
    """What a reader reads."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split()).replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ["Rise: ", "to be taken on", "at least 38 people", "warning", "What to do", "The engine last looked 10:00"]),
        ("fr", ["Hausse : ", "à prendre en charge", "au moins 38 personnes", "avertissement", "Que faire", "Dernier passage"]),
    ],
)  # fmt: skip
def test_the_list_says_what_is_going_on(client: httpx.Client, room: Room, lang: str, words: list[str]):
    """What, how grave, how many, since when, what to do, and when the engine last looked."""
    room.fire(FORM)
    text = plain(client.get("/alerts", params={"lang": lang}).text)
    assert [each for each in words if each not in text] == []


def test_what_asks_for_attention_comes_first(client: httpx.Client, room: Room):
    """What nobody has taken on before what somebody has; the title counts the former."""
    room.fire(FORM, CALLS)
    taken = next(each for each in room.desk.open() if each.cause == "form_abandoned")
    room.desk.acknowledge(taken.id, taken.version, "Web team", None, "")
    html = client.get("/alerts").text
    shown = html[html.index('<ol class="alerts"') :]
    assert shown.index("passport") < shown.index("housing-benefit")
    assert "<title>(1) Alerts" in html


def test_an_engine_that_does_not_look_says_so_loudly(client: httpx.Client, room: Room):
    """On the page and in its part; no open alert is then no good news."""
    assert "Nobody is looking." in client.get("/alerts/list").text
    assert "No alert is known to be open." in client.get("/alerts").text
    room.round(at_us=NOW_US)
    text = client.get("/alerts").text
    assert "Nobody is looking." not in text
    assert "No alert is open." in text


def test_late_data_are_said_loudly(client: httpx.Client, room: Room, monkeypatch: pytest.MonkeyPatch):
    """An engine that looks, at data that end ten minutes ago; and one that says why it cannot look."""
    late = Looking(looked_us=NOW_US, through_us=NOW_US - 10 * MINUTE_US)
    monkeypatch.setattr(room.desk, "looking", lambda: late)
    assert "The data are late." in client.get("/alerts").text
    assert client.get("/api/v1/alerts").json()["data_through"] == "2026-11-22T08:50:00.000000Z"
    broken = Looking(looked_us=NOW_US, through_us=NOW_US, trouble="the log <cannot> be read")
    monkeypatch.setattr(room.desk, "looking", lambda: broken)
    html = client.get("/alerts").text
    assert "Nobody is looking." in html
    assert "the log &lt;cannot&gt; be read" in html


def test_the_part_is_the_same_for_all_and_not_sent_twice(client: httpx.Client, room: Room):
    """Who has it gets 304; after a change, or for another choice, it is made anew."""
    room.fire(FORM)
    first = client.get("/alerts/list")
    again = client.get("/alerts/list", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/alerts/list?state=resolved").headers["etag"] != first.headers["etag"]
    assert client.get("/alerts/list?lang=fr").headers["etag"] != first.headers["etag"]
    room.fire(FORM, CALLS, at_us=NOW_US + MINUTE_US)
    changed = client.get("/alerts/list", headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200
    assert "passport" in changed.text


def test_an_alert_says_why_what_to_do_and_what_citizens_could_be_told(client: httpx.Client, room: Room):
    """With a link to the evidence, the playbook itself, both texts, and the history."""
    (sheet,) = room.fire(FORM)
    html = client.get(f"/alerts/{sheet.id}").text
    text = plain(html)
    assert sheet.why.in_language("en").replace("\u00a0", " ") in text
    assert 'href="/points?rule=form_abandoned' in html
    assert "Fill in the form yourself" in text
    assert '<blockquote lang="fr">' in html
    assert '<blockquote lang="en">' in html
    assert "It began" in text
    levels = [int(level) for level in re.findall(r"<h([1-6])", html)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_people_act_by_form(client: httpx.Client, room: Room):
    """Each step leads back to the alert, which tells who did it; a resolved one can still be written to."""
    (sheet,) = room.fire(FORM)
    steps = [
        ("acknowledge", {"hours": "4", "text": "I look at it"}),
        ("assign", {"to": "Web team"}),
        ("comment", {"text": "<b>bold</b>"}),
        ("resolve", {"text": ""}),
        ("comment", {"text": "It was the upload"}),
    ]
    for name, fields in steps:
        version = re.search(r'name="version" value="(\d+)"', client.get(f"/alerts/{sheet.id}").text)
        assert version
        answer = client.post(
            f"/alerts/{sheet.id}/{name}?lang=fr", data={"version": version[1], "by": "Astreinte", **fields}
        )
        assert (answer.status_code, answer.headers["location"]) == (303, f"/alerts/{sheet.id}?lang=fr")
    html = client.get(f"/alerts/{sheet.id}").text
    assert "&lt;b&gt;bold&lt;/b&gt;" in html
    assert html.count("Astreinte") == 5
    assert "resolved by a person" in html


def test_what_cannot_be_done_is_said_and_the_form_keeps_its_words(client: httpx.Client, room: Room):
    """Without a name 422, on an old version 409; nothing typed is lost."""
    (sheet,) = room.fire(FORM)
    form = {"version": str(sheet.version), "by": "", "text": "A long comment"}
    answer = client.post(f"/alerts/{sheet.id}/acknowledge", data=form)
    assert answer.status_code == 422
    assert "Please say who does this" in answer.text
    assert "A long comment</textarea>" in answer.text
    room.desk.acknowledge(sheet.id, sheet.version, "First", None, "")
    answer = client.post(f"/alerts/{sheet.id}/resolve", data=form | {"by": "Second"})
    assert answer.status_code == 409
    assert "Somebody else changed" in answer.text
    assert "A long comment</textarea>" in answer.text
    for odd in ({"version": "9" * 40}, {"version": "-1"}, {"version": "²"}, {}, {"version": "1", "by": "x" * 300}):
        assert client.post(f"/alerts/{sheet.id}/resolve", data=odd).status_code in {409, 422}, odd
    odd_hours = {"version": "2", "by": "x", "hours": "100000000000000000000"}
    assert client.post(f"/alerts/{sheet.id}/acknowledge", data=odd_hours).status_code == 422


def test_a_silence_is_seen_before_it_is_set(client: httpx.Client, room: Room):
    """The form leads to a preview, the preview to the silence; then it can be ended."""
    room.fire(FORM)
    form = client.get("/alerts/silences?rule=form_abandoned").text
    assert '<option value="form_abandoned" selected>' in form
    assert 'action="/alerts/silences"' not in form
    preview = client.post("/alerts/silences/preview", data=SILENCE)
    assert preview.status_code == 200
    assert "1 alert that is open now" in preview.text
    assert 'action="/alerts/silences"' in preview.text
    assert room.desk.silences() == []
    assert client.post("/alerts/silences", data=SILENCE).status_code == 303
    (made,) = room.desk.silences()
    assert "The form is being repaired" in client.get("/alerts/silences").text
    room.now_us += MINUTE_US
    assert client.post(f"/alerts/silences/{made.id}/end", data={"version": "1"}).status_code == 303
    assert client.post(f"/alerts/silences/{made.id}/end", data={"version": "1"}).status_code == 409
    assert room.desk.silences() == []


def test_times_are_those_of_the_sites_clocks(client: httpx.Client, room: Room):
    """As in messages, in winter an hour ahead of UTC; what is typed is read so, and each page names the time zone."""
    (sheet,) = room.fire(FORM)
    assert room.desk.zone.key == "Europe/Paris"
    for path in ("/alerts", f"/alerts/{sheet.id}", "/alerts/silences", "/alerts/deliveries"):
        assert "Time zone: Europe/Paris" in plain(client.get(path).text), path
    assert "22 November 2026, 09:45" in plain(client.get(f"/alerts/{sheet.id}").text)
    form = client.get("/alerts/silences").text
    assert 'value="2026-11-22T10:00"' in form
    client.post("/alerts/silences", data=SILENCE)
    (made,) = room.desk.silences()
    assert made.from_us == NOW_US
    assert "22 November 2026, 10:00 until 22 November 2026, 12:00" in plain(client.get("/alerts/silences").text)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": ""}, "Please give the reason"),
        ({"until": "2026-11-22T08:00"}, "It must end in the future"),
        ({"until": "2027-11-22T08:00"}, "It must end in the future"),
        ({"from": "never"}, "day and time of its beginning"),
        ({"from": "0001-01-01T00:00"}, "day and time of its beginning"),
        ({"rule": ""}, "Only a maintenance can silence everything"),
        ({"kind": "nap"}, "choose a silence or a maintenance"),
        ({"rule": "no_such_rule_" * 9}, "choose a rule"),
        ({"author": "x" * 201}, "who sets it"),
    ],
)
def test_a_silence_that_cannot_be_is_explained(client: httpx.Client, room: Room, changes: dict[str, str], words: str):
    """In the form, which keeps what was typed; nothing is set."""
    for path in ("/alerts/silences/preview", "/alerts/silences"):
        answer = client.post(path, data=SILENCE | changes)
        assert answer.status_code == 422
        assert words in answer.text
    assert room.desk.silences() == []


def test_messages_and_tests(client: httpx.Client, room: Room):
    """A test says whether it arrived; what was given up is listed with the reason and tried again."""
    assert "The test arrived at" in client.post("/alerts/deliveries/test", data={"receiver": "day"}).text
    room.broken = "the server answered <503>"
    answer = client.post("/alerts/deliveries/test", data={"receiver": "day"}).text
    assert "did not arrive" in answer
    assert "&lt;503&gt;" in answer
    assert client.post("/alerts/deliveries/test", data={"receiver": "nobody"}).status_code == 422
    room.fire(FORM)
    (claimed,) = room.registry.outbox.claim(10, NOW_US)
    room.registry.outbox.dead(claimed.id, "connection refused")
    assert "connection refused" in client.get("/alerts/deliveries").text
    assert client.post("/alerts/deliveries/retry", data={"delivery": claimed.id}).status_code == 303
    assert client.post("/alerts/deliveries/retry", data={"delivery": claimed.id}).status_code == 409
    assert client.post("/alerts/deliveries/retry", data={"delivery": "x" * 999}).status_code == 404


@pytest.mark.parametrize(
    ("lang", "line", "waiting"),
    [
        ("en", "2 messages to “day” do not arrive. Since 22 November 2026, 09:57. See why", "2 messages wait for it."),
        ("fr", "2 messages pour « day » n’arrivent pas. Depuis le 22 novembre 2026, 09:57. Voir pourquoi", "2 messages en attente."),
    ],
)  # fmt: skip
def test_messages_that_do_not_arrive_are_told(client: httpx.Client, room: Room, lang: str, line: str, waiting: str):
    """On the list and in its part once one was tried and has waited for two minutes, until they arrived; on the page of messages
    with the reason.
    """
    pages = ("/alerts", "/alerts/list")
    room.fire(FORM, CALLS, at_us=NOW_US - 3 * MINUTE_US)
    shown = {each: plain(client.get(each, params={"lang": lang}).text) for each in pages}
    first, second = room.registry.outbox.claim(10, NOW_US)
    room.registry.outbox.failed(first.id, "refused <b>", NOW_US + MINUTE_US)
    html = client.get("/alerts/deliveries", params={"lang": lang}).text
    assert waiting in plain(html)
    assert "refused &lt;b&gt;" in html
    for each in pages:
        html = client.get(each, params={"lang": lang}).text
        assert line in plain(html)
        assert f'<a href="/alerts/deliveries?lang={lang}">' in html
    for message in (first, second):
        room.registry.outbox.delivered(message.id)
    assert {each: plain(client.get(each, params={"lang": lang}).text) for each in pages} == shown


def test_a_message_that_was_tried_just_now_is_no_alarm(client: httpx.Client, room: Room):
    """It may arrive with the next try: within two minutes only the page of messages tells of it."""
    room.fire(FORM, at_us=NOW_US - 2 * MINUTE_US)
    (message,) = room.registry.outbox.claim(10, NOW_US)
    room.registry.outbox.failed(message.id, "refused", NOW_US + MINUTE_US)
    assert "does not arrive" not in client.get("/alerts?lang=en").text
    assert "1 message waits for it." in plain(client.get("/alerts/deliveries?lang=en").text)


def test_playbooks_in_both_languages(client: httpx.Client):
    """At the address that messages link to; an unknown cause is not found."""
    assert "Fill in the form yourself" in client.get("/alerts/playbooks/form_abandoned?lang=en").text
    french = client.get("/alerts/playbooks/silence?lang=fr").text
    assert '<html lang="fr">' in french
    for odd in ("nothing", "..%2f..%2fetc%2fpasswd", "%00", "x" * 500):
        assert client.get(f"/alerts/playbooks/{odd}").status_code == 404


def test_hundreds_of_alerts_are_shown_in_part(client: httpx.Client, room: Room):
    """The first hundred, and a way to all of them."""
    room.round(*(_other(number) for number in range(120)))
    number = len(room.desk.open())
    assert number > 100
    html = client.get("/alerts").text
    assert html.count('class="alert-row') == 100
    assert f"{number - 100} other alert" in html
    assert client.get("/alerts?all=yes").text.count('class="alert-row') == number


def _other(number: int) -> Finding:
    return finding(Series("rise", rule="long_wait", service=f"service-{number}", channel="phone"), NOW_US)
