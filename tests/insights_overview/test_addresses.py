"""The pages of the overview, the friction board and the state of the data: any address is a page or a 4xx."""

import csv
import io
import re
from datetime import date

import httpx
import pytest

from services.insights.charts.time_axis import CLOSE, flags
from shared.registry.annotations import AnnotationValues
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import ClientWith, new_records, served
from tests.insights.seed import instant_us
from tests.insights.test_overview import text
from tests.insights.test_pages import months_of_contacts


@pytest.fixture
def client(empty_store: Store, client_with: ClientWith) -> httpx.Client:
    """The site over two years of contacts, all counts shown."""
    seed.fill(empty_store.writer(), months_of_contacts())
    return client_with(empty_store, small_cell_min=1)


def test_an_unknown_rule_has_no_page(client: httpx.Client):
    """Whatever stands in its place; every other odd value is the crawler's (tests/insights_crawl)."""
    assert client.get("/frictions/none").status_code == 404
    assert client.get("/frictions/%00").status_code == 404


def test_page_file_and_api_agree(client: httpx.Client):
    """The key figures stand on the page as the API and the CSV give them."""
    period = "from=2026-01-01&to=2026-03-01"
    page = text(client, f"/?{period}&lang=en")
    for name in ("failure-demand", "friction-by-rule", "friction-board", "data-arrivals"):
        rows = client.get(f"/api/v1/figures/{name}?{period}").json()["rows"]
        body = client.get(f"/api/v1/figures/{name}?{period}&format=csv").content.decode("utf-8-sig")
        assert len([*csv.DictReader(io.StringIO(body))]) == len(rows)
    (row, *_) = client.get(f"/api/v1/figures/failure-demand?{period}").json()["rows"]
    assert f"{row['avoidable']} of {row['contacts']} contacts that nobody had asked for." in page
    (rule,) = [
        row
        for row in client.get(f"/api/v1/figures/friction-by-rule?{period}").json()["rows"]
        if row["rule"] == "repeat_contact"
    ]
    assert rule["points"] == 12
    assert re.search(r"Repeat contact for the same procedure [^0-9]*12 1 ", page)


def test_annotations_are_flagged_and_listed(empty_store: Store):
    """What was noted within the period and service stands numbered on the axis and under it."""
    seed.fill(empty_store.writer(), months_of_contacts())
    with new_records() as records:
        records.annotations.add(AnnotationValues(first_day=date(2026, 2, 3), title="<New> phone menu", kind="system"))
        records.annotations.add(AnnotationValues(first_day=date(2020, 2, 3), title="Long ago"))
        with served(empty_store, records=records) as client:
            for page in ("/", "/frictions/repeat_contact"):
                body = client.get(page).text
                assert body.count('class="flag-mark"') == 1, page
                assert "&lt;New&gt; phone menu" in body
                assert "Long ago" not in body


def test_flags_stand_where_the_day_lies():
    """In per cent of equally wide stretches; neighbours stand below one another; what is after the axis is left out."""
    with new_records() as records:
        for day in (date(2026, 1, 16), date(2026, 1, 17), date(2026, 3, 1)):
            records.annotations.add(AnnotationValues(first_day=day, title="x"))
        found = records.annotations.between(date(2026, 1, 1), date(2026, 3, 31))
    starts = [instant_us("2026-01-01T00:00:00Z"), instant_us("2026-02-01T00:00:00Z")]
    placed = flags(found, starts, instant_us("2026-03-01T00:00:00Z"))
    assert [flag.number for flag in placed] == [1, 2]
    assert placed[0].x == pytest.approx(25, abs=0.1)
    assert placed[1].x - placed[0].x < CLOSE
    assert [flag.level for flag in placed] == [0, 1]


def test_the_sheet_shows_no_single_point(client: httpx.Client):
    """Nothing on the sheet leads to one person: no id of a point, no pseudonym."""
    page = client.get("/frictions/repeat_contact/sheet").text
    assert "/points/" not in page
    assert "p1-" not in page


def test_the_order_by_minutes_is_refused_if_it_is_none(client: httpx.Client):
    """An order that does not exist is named with those that do."""
    answer = client.get("/frictions?order=size")
    assert answer.status_code == 422
    assert "journeys, minutes" in answer.text
