"""Journeys as XES and OCEL: what they hold, what they leave out, and that pm4py reads them."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from services.insights.exports import journeys as exported
from shared.detection.draft import journey_id
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import new_records, served
from tests.insights.seed import event

ROOT = Path(__file__).parents[2]
CHECKS = ROOT / ".venv-checks/bin/python"
XES = "/api/v1/exports/journeys.xes"
OCEL = "/api/v1/exports/journeys.ocel.json"
PURPOSE = "purpose=improve-service"
NAME = "{http://www.xes-standard.org/}"

READ = """
import json, sys, warnings
warnings.filterwarnings("ignore")
import pm4py
log = pm4py.read_xes(sys.argv[1])
dfg, _, _ = pm4py.discover_dfg(log)
ocel = pm4py.read_ocel2_json(sys.argv[2])
print(json.dumps({
    "events": len(log), "cases": int(log["case:concept:name"].nunique()),
    "dfg": sorted([a, b, int(n)] for (a, b), n in dfg.items()),
    "ocel_events": len(ocel.events), "ocel_objects": len(ocel.objects),
    "ocel_types": sorted(pm4py.ocel_get_object_types(ocel)),
}))
"""


def some_events() -> list[dict[str, Any]]:
    """Two people: a call, a form, a case; a later journey of the first; one name that XML cannot hold as it is."""
    return [
        event("1", "call.answered", "2026-01-01T10:00:00Z", "p1-secret-a", "tax", channel="phone", contact="ringing-seven",
              wait_s=30.0, comment="my name is Dupont", attributes={"phone": "0612345678"}),
        event("2", "form.started", "2026-01-01T11:00:00Z", "p1-secret-a", "tax", channel="web", step="identity"),
        event("3", "case.opened", "2026-01-02T11:00:00Z", "p1-secret-a", "tax", case="dossier-nine", document="passport"),
        event("4", "call.answered", "2027-08-01T10:00:00Z", "p1-secret-a", "tax", channel="phone"),
        event("5", "call.answered", "2026-01-03T10:00:00Z", "p1-secret-b", "tax", channel="phone", contact="ringing-seven"),
        event("6", "form.started", "2026-01-03T11:00:00Z", "p1-secret-b", "tax", channel="web", step='<&"\x01é>'),
        event("7", "form.started", "2026-01-03T11:00:00Z", "p1-secret-c", "passport", channel="web"),
    ]  # fmt: skip


@pytest.fixture
def site(empty_store: Store) -> Iterator[httpx.Client]:
    """The site over these events."""
    seed.fill(empty_store.writer(), some_events())
    with served(empty_store) as client:
        yield client


def trace_names(text: str) -> list[str]:
    """The names of the traces of an XES document."""
    return [each.find(f"{NAME}string").get("value") for each in ET.fromstring(text).iter(f"{NAME}trace")]


def test_a_trace_is_a_journey(site: httpx.Client):
    """XES holds the journeys begun under the filters, with their events in order, channel, step and time."""
    answer = site.get(f"{XES}?service=tax&{PURPOSE}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/xml"
    assert answer.headers["content-disposition"] == 'attachment; filename="journeys.xes"'
    traces = list(ET.fromstring(answer.text).iter(f"{NAME}trace"))
    found = [[e.find(f"{NAME}string").get("value") for e in trace.findall(f"{NAME}event")] for trace in traces]
    assert found == [
        ["call.answered", "identity", "case.opened"],
        ["call.answered", '<&"\ufffdé>'],
        ["call.answered"],
    ]
    first = traces[0].find(f"{NAME}event")
    assert first.find(f"{NAME}date").get("value") == "2026-01-01T10:00:00.000000Z"
    assert first.find(f"{NAME}float").get("value") == "30.0"
    assert len(trace_names(site.get(f"{XES}?to=2026-01-02&{PURPOSE}").text)) == 1


def test_an_event_belongs_to_journey_case_and_contact(site: httpx.Client):
    """OCEL ties each event to its objects; a contact id of two people is one name, as in the source."""
    document = site.get(f"{OCEL}?{PURPOSE}").json()
    assert len(document["events"]) == 7
    assert [each["name"] for each in document["objectTypes"]] == ["journey", "case", "contact"]
    kinds = [each["type"] for each in document["objects"]]
    assert sorted(kinds) == ["case", "contact", "journey", "journey", "journey", "journey"]
    known = {each["id"] for each in document["objects"]}
    assert {each["objectId"] for e in document["events"] for each in e["relationships"]} == known
    assert {each["type"] for each in document["events"]} == {each["name"] for each in document["eventTypes"]}
    assert [each["qualifier"] for each in document["events"][0]["relationships"]] == ["journey", "contact"]


@pytest.mark.parametrize("path", [XES, OCEL])
def test_nothing_in_it_names_a_person(site: httpx.Client, path: str):
    """No comment, attribute, document, pseudonym, nor any id of the platform or its sources stands in a file."""
    text = site.get(f"{path}?{PURPOSE}").text
    journeys = [journey_id(f"p1-secret-{person}", "tax", 0) for person in "ab"]
    for secret in ("Dupont", "0612345678", "passport.pdf", "secret", "ringing-seven", "dossier-nine", *journeys):
        assert secret not in text


def test_two_exports_cannot_be_joined(site: httpx.Client):
    """The same journeys have other names in every file."""
    first, second = (set(trace_names(site.get(f"{XES}?{PURPOSE}").text)) for _ in range(2))
    assert len(first) == len(second) == 4
    assert first & second == set()


def test_a_purpose_is_needed_and_recorded(empty_store: Store):
    """Without a purpose nothing is given out (422); with one, the export and its filters stand in the record."""
    seed.fill(empty_store.writer(), some_events())
    with new_records() as records, served(empty_store, records=records) as client:
        for path in (XES, OCEL):
            assert client.get(path).status_code == 422
            assert client.get(f"{path}?purpose=curiosity").status_code == 422
            assert client.get(f"{path}?purpose=other").status_code == 422
        assert records.openings.latest() == []
        assert client.get(f"{XES}?service=tax&{PURPOSE}").status_code == 200
        (opening,) = records.openings.latest()
    assert (opening.kind, opening.form, opening.opened) == ("journeys", "export", "service=tax")


def test_too_much_is_refused_before_it_begins(site: httpx.Client, monkeypatch: pytest.MonkeyPatch):
    """Beyond the bound the answer is a refusal that names it and says what to do; at the bound, the file."""
    monkeypatch.setattr(exported, "MAX_EVENTS", 6)
    refused = site.get(f"{XES}?{PURPOSE}&lang=en")
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:parcours:problem:export-too-large"
    assert "7 events; an export holds at most 6" in refused.json()["detail"]
    assert site.get(f"{XES}?service=tax&{PURPOSE}").status_code == 200


def test_many_pages_give_each_journey_once(empty_store: Store, monkeypatch: pytest.MonkeyPatch):
    """Journeys that are read in several pages all come, none twice, each with its own events."""
    monkeypatch.setattr(exported, "PAGE_JOURNEYS", 7)
    seed.fill(
        empty_store.writer(),
        [
            event(f"{person}-{step}", "contact.made", f"2026-01-{1 + person % 28:02}T1{step}:00:00Z", f"p1-{person}", "tax",
                  channel="phone", step=f"step {person}")
            for person in range(50)
            for step in range(2)
        ],
    )  # fmt: skip
    with served(empty_store) as client:
        document = client.get(f"{OCEL}?{PURPOSE}").json()
    assert len(document["objects"]) == 50
    by_journey: dict[str, set[str]] = {}
    for each in document["events"]:
        by_journey.setdefault(each["relationships"][0]["objectId"], set()).add(each["type"])
    assert len(document["events"]) == 100
    assert all(len(steps) == 1 for steps in by_journey.values())


def test_an_empty_selection_is_an_empty_file(site: httpx.Client):
    """No journey under the filters: both files are whole and hold none."""
    assert trace_names(site.get(f"{XES}?service=none&{PURPOSE}").text) == []
    assert site.get(f"{OCEL}?service=none&{PURPOSE}").json()["events"] == []


@pytest.mark.skipif(not CHECKS.exists(), reason="needs .venv-checks: requirements/install checks")
def test_pm4py_reads_both(site: httpx.Client, tmp_path: Path):
    """pm4py, in an environment of its own, finds the journeys, their passages, and the objects."""
    xes, ocel = tmp_path / "journeys.xes", tmp_path / "journeys.ocel.json"
    xes.write_bytes(site.get(f"{XES}?service=tax&{PURPOSE}").content)
    ocel.write_bytes(site.get(f"{OCEL}?{PURPOSE}").content)
    done = subprocess.run([CHECKS, "-c", READ, xes, ocel], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["events"] == 6
    assert found["cases"] == 3
    assert found["dfg"] == [
        ["call.answered", '<&"\ufffdé>', 1], ["call.answered", "identity", 1], ["identity", "case.opened", 1],
    ]  # fmt: skip
    assert (found["ocel_events"], found["ocel_objects"]) == (7, 6)
    assert found["ocel_types"] == ["case", "contact", "journey"]


@pytest.mark.parametrize(("language", "said"), [("fr", "Choisir une finalité"), ("en", "Choose a purpose")])
def test_the_page_leads_to_both_files(site: httpx.Client, language: str, said: str):
    """The page's form has a purpose, the filters, and a button for each file."""
    page = site.get(f"/exports?service=tax&lang={language}").text
    assert said in page
    assert 'formaction="/api/v1/exports/journeys.ocel.json"' in page
    assert 'name="service" value="tax"' in page
