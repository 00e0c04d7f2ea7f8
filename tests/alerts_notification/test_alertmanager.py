"""Alertmanager: requests as its OpenAPI document describes them, and as the real one takes them."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from services.alerts.notification.alertmanager import MAX_ALERTS, MISSED_REPEATS, PATH, AlertmanagerChannel
from services.alerts.notification.connection import Reach
from services.alerts.notification.message import Message
from services.alerts.notification.settings import STEPS
from services.alerts.notification.telling import trial_message
from shared.alerts.finding import SEVERITIES
from shared.errors import NotDelivered
from shared.journey.instants import SECOND_US, from_text, to_us
from tests.alerts_notification.http_server import Answer, Server, serving
from tests.alerts_notification.samples import NOW_US, alert, finding, message, settings, transition

DOCUMENT = yaml.safe_load((Path(__file__).parent / "vendor/alertmanager-openapi.yaml").read_text(encoding="utf-8"))
FORMATS = jsonschema.FormatChecker()


@FORMATS.checks("date-time", ValueError)
def is_instant(value: object) -> bool:
    """Whether a text is an instant with an offset."""
    return not isinstance(value, str) or ("T" in value and datetime.fromisoformat(value).tzinfo is not None)


POSTABLE = jsonschema.Draft4Validator(
    {"$ref": "#/definitions/postableAlerts", "definitions": DOCUMENT["definitions"]},
    format_checker=FORMATS,
)
REACH = Reach(allow=(ip_network("127.0.0.0/8"),), timeout_s=5)
CONFIGURATION = """
route: {receiver: nobody, group_by: ['...'], group_wait: 1s}
receivers: [{name: nobody}]
"""


@pytest.fixture
def server() -> Iterator[Server]:
    """Stands where Alertmanager would."""
    with serving() as running:
        yield running


def channel(port: int, **changes: Any) -> AlertmanagerChannel:
    """The channel to it."""
    return AlertmanagerChannel(f"http://127.0.0.1:{port}", **({"repeat_s": 60, "reach": REACH} | changes))


def posted(server: Server) -> list[dict[str, Any]]:
    """The alerts of the latest request, which must be as the document says."""
    request = server.requests[-1]
    assert request.path == DOCUMENT["basePath"].rstrip("/") + "/alerts" == PATH
    assert request.headers["content-type"] in DOCUMENT["consumes"]
    alerts: list[dict[str, Any]] = json.loads(request.body)
    POSTABLE.validate(alerts)
    known = {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}
    assert all(set(each) <= known for each in alerts)
    return alerts


@pytest.mark.parametrize("step", STEPS)
def test_requests_are_as_alertmanager_describes_them(server: Server, step: Any) -> None:
    """Whatever happened, path, content type and every field are those of its OpenAPI document."""
    over = {"state": "resolved", "resolved_us": NOW_US, "ending": "ended"} if step == "resolved" else {}
    channel(server.port).send(message(alert(**over), transition(step)), NOW_US)
    first = posted(server)[0]
    assert first["labels"] == {"alertname": "Parcours", "alert_id": "a1", "cause_key": "c0ffee", "severity": "warning"}
    assert first["startsAt"] == "2026-11-23T09:00:00.000000Z"
    assert first["generatorURL"] == "https://parcours.example/alerts/a1"
    assert first["annotations"]["citizens"] == "38"
    assert first["annotations"]["runbook_url"].endswith("/alerts/playbooks/form_abandoned?lang=en")


def test_the_document_would_refuse_what_is_wrong() -> None:
    """The check can fail: labels that are no texts and instants that are none are refused."""
    for wrong in ([{"labels": {"a": 1}}], [{"annotations": {}}], [{"labels": {}, "startsAt": "yesterday"}]):
        assert not POSTABLE.is_valid(wrong)


def test_an_active_alert_ends_by_itself_unless_told_again(server: Server) -> None:
    """Its end lies some repeats ahead of the time of sending, and moves on with each."""
    to = channel(server.port, repeat_s=30)
    for later_s in (0, 600):
        to.send_again([message()], NOW_US + later_s * SECOND_US)
        (each,) = posted(server)
        assert from_text(each["endsAt"]) == NOW_US + (later_s + MISSED_REPEATS * 30) * SECOND_US
        assert each["startsAt"] == "2026-11-23T09:00:00.000000Z"


def test_what_is_over_or_kept_quiet_ends(server: Server) -> None:
    """A resolved alert ends when it was resolved, a suppressed one when it became so; neither is told again."""
    to = channel(server.port)
    over = message(alert(state="resolved", resolved_us=NOW_US + SECOND_US), transition("resolved", 2))
    quiet = message(alert(suppressed_by="x"), transition("suppressed", 2, NOW_US + 2 * SECOND_US))
    for each, end in ((over, "2026-11-23T09:00:01.000000Z"), (quiet, "2026-11-23T09:00:02.000000Z")):
        to.send(each, NOW_US + 3 * SECOND_US)
        assert [one["endsAt"] for one in posted(server)] == [end]
    count = len(server.requests)
    to.send_again([over, quiet], NOW_US + 60 * SECOND_US)
    assert len(server.requests) == count


def test_labels_stay_while_an_alert_changes(server: Server) -> None:
    """Spreading, other figures and other channels change annotations only, so that it stays one alert there."""
    to = channel(server.port, labels={"team": "citizens"})
    seen = []
    for about in (alert(), alert(finding(citizens=300), finding()), alert(state="acknowledged")):
        to.send(message(about, transition("spread", 2)), NOW_US)
        seen.append(posted(server)[0]["labels"])
    assert seen == [seen[0]] * 3
    assert seen[0]["team"] == "citizens"


def test_an_alert_that_worsens_ends_as_the_milder_one(server: Server) -> None:
    """Severity is a label, by which Alertmanagers route: the alerts of lower severity end in the same request."""
    grave = message(alert(severity="critical"), transition("worsened", 2, NOW_US + SECOND_US))
    channel(server.port).send(grave, NOW_US + SECOND_US)
    found = {each["labels"]["severity"]: each["endsAt"] for each in posted(server)}
    assert set(found) == set(SEVERITIES)
    assert found["warning"] == found["information"] == "2026-11-23T09:00:01.000000Z"
    assert found["critical"] > found["warning"]


def test_empty_values_are_left_out_and_trials_have_a_name_of_their_own(server: Server) -> None:
    """Alertmanager drops empty labels; a trial does not look like an alert."""
    channel(server.port, token="t0ken").send(trial_message(settings(), NOW_US, 10), NOW_US)
    (each,) = posted(server)
    assert each["labels"]["alertname"] == "ParcoursTest"
    assert "" not in each["labels"].values()
    assert "" not in each["annotations"].values()
    assert "generatorURL" not in each
    assert server.requests[-1].headers["authorization"] == "Bearer t0ken"


def test_many_alerts_go_in_several_requests(server: Server) -> None:
    """Five hundred in one, the rest in the next."""
    channel(server.port).send_again([message(alert(id=f"a{number}")) for number in range(MAX_ALERTS + 1)], NOW_US)
    assert [len(json.loads(request.body)) for request in server.requests] == [MAX_ALERTS, 1]
    server.answers = [Answer(500)]
    with pytest.raises(NotDelivered, match="answered 500"):
        channel(server.port).send_again([message()], NOW_US)


class Alertmanager:
    """The real one, on a free port."""

    def __init__(self, port: int) -> None:
        self.port = port

    def alerts(self) -> list[dict[str, Any]]:
        """What it holds as active."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{PATH}?active=true", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    """Debian's package calls the program `prometheus-alertmanager`, its makers `alertmanager`."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        pytest.skip("no Alertmanager")
    folder = tmp_path_factory.mktemp("alertmanager")
    (folder / "alertmanager.yml").write_text(CONFIGURATION, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_ready(port, process, folder / "log")
            yield Alertmanager(port)
        finally:
            process.terminate()
            process.wait(20)


def wait_until_ready(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Until it answers, at most half a minute."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text(encoding="utf-8"))


def of(alertmanager: Alertmanager, name: str) -> list[dict[str, Any]]:
    """The active alerts of one id, as soon as there are as many as they will be."""
    return [each for each in alertmanager.alerts() if each["labels"]["alert_id"] == name]


def until(condition: Any) -> None:
    """Wait for something that Alertmanager does a moment later."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.alertmanager
def test_the_real_one_keeps_an_alert_through_its_life(alertmanager: Alertmanager) -> None:
    """Fired, told again, spread: one alert, with our fields; worsened: one, graver; resolved: none."""
    now_us = to_us(datetime.now(UTC))
    to = channel(alertmanager.port, labels={"team": "citizens"})

    def sent(step: Any, number: int, **changes: Any) -> Message:
        made = message(
            alert(**({"id": "life", "fired_us": now_us, "severity": "warning"} | changes)),
            transition(step, number, now_us),
        )
        to.send(made, to_us(datetime.now(UTC)))
        return made

    fired = sent("fired", 1)
    until(lambda: len(of(alertmanager, "life")) == 1)
    (found,) = of(alertmanager, "life")
    assert found["labels"] == {
        "alertname": "Parcours",
        "alert_id": "life",
        "cause_key": "c0ffee",
        "severity": "warning",
        "team": "citizens",
    }
    assert found["annotations"]["summary"] == fired.subject.en
    assert found["annotations"]["citizen_text_fr"] == fired.citizen_text.fr
    assert found["generatorURL"] == fired.links.alert
    assert to_us(datetime.fromisoformat(found["startsAt"])) // 1_000 == now_us // 1_000

    to.send_again([fired], to_us(datetime.now(UTC)))
    until(lambda: of(alertmanager, "life")[0]["endsAt"] > found["endsAt"])
    sent("spread", 2, findings=(finding(), finding(citizens=99)))
    until(lambda: of(alertmanager, "life")[0]["annotations"]["citizens"] == "99")
    assert len(of(alertmanager, "life")) == 1

    sent("worsened", 3, severity="critical")
    until(lambda: [each["labels"]["severity"] for each in of(alertmanager, "life")] == ["critical"])
    sent("resolved", 4, severity="critical", state="resolved", resolved_us=to_us(datetime.now(UTC)))
    until(lambda: of(alertmanager, "life") == [])


@pytest.mark.alertmanager
def test_the_real_one_forgets_what_is_not_told_again(alertmanager: Alertmanager) -> None:
    """If Parcours falls silent, its alerts end there after some repeats: nobody looks at one for ever."""
    now_us = to_us(datetime.now(UTC))
    long_ago_us = now_us - (MISSED_REPEATS * 10 - 1) * SECOND_US
    made = message(alert(id="silent", fired_us=long_ago_us), transition(at_us=long_ago_us))
    channel(alertmanager.port, repeat_s=10).send(made, long_ago_us)
    until(lambda: len(of(alertmanager, "silent")) == 1)
    until(lambda: of(alertmanager, "silent") == [])


@pytest.mark.alertmanager
def test_the_real_one_takes_every_step(alertmanager: Alertmanager) -> None:
    """No request is refused, whatever happened to the alert."""
    for number, step in enumerate(STEPS, 1):
        over = {"state": "resolved", "resolved_us": NOW_US, "ending": "corrected"} if step == "resolved" else {}
        channel(alertmanager.port).send(message(alert(id=f"step-{number}", **over), transition(step, number)), NOW_US)
