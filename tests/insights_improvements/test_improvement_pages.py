"""The pages of improvements over real data: what a form keeps and refuses, what a page, its files and the API say alike."""

import csv
import io
import re
from datetime import date
from html import unescape
from typing import Any

import httpx
import pytest
from msgspec import structs

from services.insights.figures.improvements_scope import Group, day_number, scope_of
from shared.registry.annotations import AnnotationValues
from shared.registry.improvements import ImprovementValues, Pilot
from shared.registry.records import Records
from shared.store.client import Store
from tests.insights.conftest import served

REPAIR = ImprovementValues(
    title="Call back within a day",
    services=["housing"],
    territories=["town/west"],
    rule="repeat_contact",
    owner="Telephone team",
    since=date(2026, 5, 4),
    status="in_force",
    cost_euros=3_000,
    cost_minutes=600,
)
FORM = {
    "title": "Call back within a day",
    "what": "Missed calls\nare called back.",
    "services": "housing",
    "territories": "town/west/\n\ntown/west",
    "rule": "repeat_contact",
    "owner": "Telephone team",
    "since": "2026-05-04",
    "status": "in_force",
    "cost_euros": "3 000,50",
    "cost_hours": "10",
    "evidence_title_1": "Study",
    "evidence_address_1": "/rules/repeat_contact",
    "pilot_kind_1": "office",
    "pilot_place_1": "desk west",
    "pilot_since_1": "2026-05-11",
}


def text_of(html: str) -> str:
    """What a reader reads, in one line."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).replace("\u00a0", " ")


def figure(site: httpx.Client, name: str, **parameters: Any) -> list[dict[str, Any]]:
    """The rows of a figure."""
    response = site.get(f"/api/v1/figures/{name}", params=parameters)
    assert response.status_code == 200, response.text
    rows: list[dict[str, Any]] = response.json()["rows"]
    return rows


def test_a_repair_that_helps_is_seen(site: httpx.Client, records: Records):
    """Against the untouched district: fewer points by about three quarters, with minutes and euros a week beside the cost."""
    kept = records.improvements.add(REPAIR)
    (row,) = figure(site, "improvements", improvement=kept.id)
    assert row["verdict"] == "improved"
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"] < 0.6
    assert row["read_until"] == "2026-11-01"
    assert row["next_reading"] is None
    assert row["points_before"] == 26 * 7 * 2 - 4
    weekly = row["avoided"]
    assert row["citizen_minutes"] == pytest.approx(weekly * 12, rel=0.01)
    assert row["working_minutes"] == pytest.approx(weekly * 6, rel=0.01)
    assert row["euros"] == pytest.approx(weekly * 6 / 60 * 40, rel=0.01)
    assert row["cost"] == 3_000 + 10 * 40
    page = text_of(site.get(f"/improvements/{kept.id}?lang=en").text)
    assert "Fewer points" in page
    assert "Compared with the territories that the repair does not reach" in page
    assert "paid for itself after" in page
    french = text_of(site.get(f"/improvements/{kept.id}?lang=fr").text)
    assert "de points en moins que ce qui était attendu sans la réparation" in french


def test_page_files_and_api_agree(site: httpx.Client, records: Records):
    """Every week of the page's table stands in the CSV and in the JSON with the same figures."""
    kept = records.improvements.add(REPAIR)
    rows = figure(site, "improvement-effect", improvement=kept.id)
    found = site.get("/api/v1/figures/improvement-effect", params={"improvement": kept.id, "format": "csv"})
    lines = list(csv.DictReader(io.StringIO(found.content.decode("utf-8-sig"))))
    assert [line["week"] for line in lines] == [row["week"] for row in rows]
    assert [line["points"] for line in lines] == ["" if row["points"] is None else str(row["points"]) for row in rows]
    page = site.get(f"/improvements/{kept.id}").text
    table = page.partition('class="same-figures"')[2].partition("</table>")[0]
    assert table.count("<tr") == len(rows) + 1
    before = [row for row in rows if row["week"] < "2026-04-20" and row["points"] is not None]
    assert before
    assert all(row["expected_low"] < row["rate"] < row["expected_high"] for row in before)


def test_weeks_too_small_are_not_shown(town_store: Store, records: Records):
    """Counts below the limit are withheld in page and API alike; so is what would tell them."""
    kept = records.improvements.add(REPAIR)
    with served(town_store, records=records, small_cell_min=10_000) as strict:
        rows = figure(strict, "improvement-effect", improvement=kept.id)
        assert all(row["points"] is None and row["rate"] is None for row in rows if row["contacts"])
        (summary,) = figure(strict, "improvements", improvement=kept.id)
        assert summary["verdict"] == "improved"
        assert summary["ratio"] is summary["avoided"] is summary["points_after"] is None
        page = text_of(strict.get(f"/improvements/{kept.id}?lang=en").text)
        assert "how many is not shown" in page
        assert "€" not in page.partition("Benefit beside cost")[2].partition("Cost, once")[0]


def test_an_untouched_district_shows_no_change(site: httpx.Client, records: Records):
    """The same repair said to be in the other district: nothing is claimed, no benefit is shown."""
    kept = records.improvements.add(structs.replace(REPAIR, territories=["town/east"], comparison=[]))
    (row,) = figure(site, "improvements", improvement=kept.id)
    assert row["verdict"] == "worsened"  # beside a district that got better, it did worse than expected
    alone = records.improvements.add(structs.replace(REPAIR, territories=[], since=date(2026, 2, 2)))
    (row,) = figure(site, "improvements", improvement=alone.id)
    assert row["citizen_minutes"] is None or row["verdict"] != "no_change_seen"


def test_too_early_too_late_and_unseen_are_said(site: httpx.Client, records: Records):
    """A start to come, one four days old, one before the data, and a rule whose events never came."""
    verdicts = {}
    for name, change in {
        "to come": {"since": date(2027, 1, 1), "status": "planned"},
        "young": {"since": date(2026, 11, 9)},
        "old": {"since": date(2020, 1, 1)},
        "unseen": {"rule": "long_wait"},
    }.items():
        kept = records.improvements.add(structs.replace(REPAIR, **change))
        verdicts[name] = figure(site, "improvements", improvement=kept.id)[0]["verdict"]
        for path in ("", "/sheet", "/change"):
            assert site.get(f"/improvements/{kept.id}{path}").status_code == 200
    assert verdicts == {
        "to come": "too_early",
        "young": "too_early",
        "old": "not_observable",
        "unseen": "not_observable",
    }
    assert figure(site, "improvements").__len__() == 4


def test_what_else_happened_is_listed(site: httpx.Client, records: Records):
    """Annotations of the same place and service, and other improvements, stand beside the effect; those elsewhere do not."""
    kept = records.improvements.add(REPAIR)
    for title, territory, service in (
        ("New law", None, None),
        ("Strike in the east", "town/east", None),
        ("Tax", None, "tax"),
    ):
        records.annotations.add(
            AnnotationValues(
                first_day=date(2026, 6, 1), title=title, kind="reform", territory=territory, service=service
            )
        )
    records.improvements.add(structs.replace(REPAIR, title="New letters", rule=None, since=date(2026, 4, 6)))
    page = text_of(site.get(f"/improvements/{kept.id}?lang=en").text)
    told = page.partition("What to know with it")[2]
    assert "1 June 2026: New law" in told
    assert "6 April 2026: New letters" in told
    assert "Strike" not in told
    assert "Tax" not in told


def test_a_form_keeps_changes_and_removes(site: httpx.Client, records: Records):
    """Without a script: what is sent is kept, changed with a history, removed; numbers may be written as people do."""
    answer = site.post("/improvements", data=FORM)
    assert answer.status_code == 303
    (kept,) = records.improvements.all()
    assert answer.headers["location"] == f"/improvements/{kept.id}"
    assert (kept.territories, kept.cost_euros, kept.cost_minutes) == (["town/west"], 3_000.5, 600)
    assert kept.pilots == [Pilot(office="desk west", since=date(2026, 5, 11))]
    form = site.get(f"/improvements/{kept.id}/change").text
    assert 'value="3000.5"' in form
    assert "Missed calls\nare called back." in form
    changed = {**FORM, "owner": "Night team", "pilot_place_1": "", "pilot_since_1": "", "version": "1"}
    assert site.post(f"/improvements/{kept.id}/change", data=changed).status_code == 303
    assert site.post(f"/improvements/{kept.id}/change", data=changed).status_code == 409
    page = text_of(site.get(f"/improvements/{kept.id}?lang=en").text)
    assert "responsible, pilots" in page.partition("History")[2]
    assert site.post(f"/improvements/{kept.id}/removal", data={"version": "1"}).status_code == 409
    assert site.post(f"/improvements/{kept.id}/removal", data={"version": "2"}).status_code == 303
    assert site.get(f"/improvements/{kept.id}").status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("title", " ", "title"),
        ("title", "x" * 201, "title"),
        ("owner", "", "owner"),
        ("what", "x" * 4_001, "what"),
        ("since", "soon", "since"),
        ("since", "1066-10-14", "since"),
        ("status", "done", "status"),
        ("rule", "none", "rule"),
        ("cost_euros", "-5", "cost_euros"),
        ("cost_hours", "1e9", "cost_hours"),
        ("services", "x" * 257, "services"),
        ("territories", "/", "territories"),
        ("evidence_address_1", "javascript:alert(1)", "evidence_title_1"),
        ("evidence_address_1", "//elsewhere", "evidence_title_1"),
        ("evidence_title_1", "", "evidence_title_1"),
        ("pilot_since_1", "", "pilot_place_1"),
        ("pilot_place_1", "", "pilot_place_1"),
        ("pilot_kind_1", "planet", "pilot_place_1"),
    ],
)
def test_what_is_wrong_stands_at_its_field(site: httpx.Client, records: Records, field: str, value: str, named: str):
    """The form comes back with what was filled in; nothing is kept."""
    answer = site.post("/improvements", data={**FORM, field: value})
    assert answer.status_code == 422
    assert f'id="i-{named}-problem"' in answer.text
    assert re.search(rf'name="{named}"[^>]*aria-invalid="true"[^>]*i-{named}-problem', answer.text)
    assert answer.text.count("field-problem") == 1
    assert records.improvements.all() == []


def test_odd_addresses_give_a_page_or_a_refusal(site: httpx.Client):
    """Never a defect."""
    for address in (
        "/improvements/x",
        "/improvements/%00",
        f"/improvements/{'0' * 16}/sheet",
        "/improvements/é/change",
    ):
        assert site.get(address).status_code in {404, 422}
    assert site.get("/improvements?page=2").status_code == 422
    assert site.get("/improvements/new?rule=%F0%9F%8E%89&service=" + "x" * 3_000).status_code == 200
    assert site.get("/api/v1/figures/improvement-effect").status_code == 422
    assert site.get("/api/v1/figures/improvement-effect?improvement=none").status_code == 404
    assert site.post("/improvements", content=b"\xff", headers={"content-type": "text/plain"}).status_code == 422
    assert site.post("/improvements/x/removal", data={"version": "9" * 40}).status_code == 409


def test_filters_choose_improvements(site: httpx.Client, records: Records):
    """By rule, service and territory, in both directions of the tree; the list is empty rather than wrong."""
    records.improvements.add(REPAIR)
    for query, count in (
        ({"territory": "town"}, 1),
        ({"territory": "town/west"}, 1),
        ({"territory": "town/east"}, 0),
        ({"service": "tax"}, 0),
        ({"rule": "long_wait"}, 0),
        ({"rule": "repeat_contact"}, 1),
    ):
        assert len(figure(site, "improvements", **query)) == count, query
    assert "No improvement has been recorded here." in text_of(site.get("/improvements?service=tax&lang=en").text)


def test_who_is_repaired_and_who_is_compared():
    """Pilots by their own days; a repair of everything has nobody left in its services but other services."""
    day = day_number(date(2026, 5, 4))
    pilots = [Pilot(territory="a", since=date(2026, 5, 11)), Pilot(territory="b", since=date(2026, 5, 11))]
    staged = scope_of(structs.replace(REPAIR, territories=[], pilots=pilots, status="pilot"))
    assert staged.groups == (Group(start=day + 7, territories=("a", "b")),)
    assert staged.compared == "other_territories"
    rolled_out = scope_of(structs.replace(REPAIR, territories=[], pilots=pilots))
    assert rolled_out.groups == (Group(start=day, everywhere=True), Group(start=day + 7, territories=("a", "b")))
    assert rolled_out.compared == "other_services"
    assert scope_of(structs.replace(REPAIR, services=[], territories=[])).compared == "none"
    assert scope_of(structs.replace(REPAIR, comparison=["c"])).compared == "chosen"
    assert scope_of(structs.replace(REPAIR, territories=[], offices=["x"])).compared == "other_offices"


def test_an_office_as_a_pilot(site: httpx.Client, records: Records):
    """The office of the repaired district against the other offices gives the effect of the district."""
    district = records.improvements.add(REPAIR)
    office = records.improvements.add(structs.replace(REPAIR, territories=[], offices=["desk west"]))
    first, second = (figure(site, "improvements", improvement=each.id)[0] for each in (district, office))
    assert first["ratio"] == second["ratio"]


def test_the_same_repair_in_the_other_services(site: httpx.Client, records: Records):
    """Where a repair reaches a whole service and no other has the friction, it is read without a comparison."""
    kept = records.improvements.add(structs.replace(REPAIR, territories=[]))
    page = text_of(site.get(f"/improvements/{kept.id}?lang=en").text)
    assert "The comparison group has too few points" in page
    assert "A yearly rhythm cannot be told" in page
