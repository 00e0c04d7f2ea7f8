"""What a page shows is what its files and the API give."""

import csv
import io
import re

import pytest

from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import served
from tests.insights.seed import event
from tests.insights_territories.test_browser import journeys

PAGES = {
    "funnel": ("/funnel", {"step1": "form.started", "step2": "form.submitted"}),
    "comparison": ("/compare", {"a_entry": "web", "b_entry": "phone"}),
    "territories": ("/territories", {"within": "fr/idf"}),
    "territories-routes": ("/territories", {"within": "fr/idf"}),
}


@pytest.mark.parametrize("figure", PAGES)
def test_page_csv_and_json_are_one(empty_store: Store, figure: str):
    """Every count that the API gives stands in the CSV and on the page; what is withheld is in neither."""
    seed.fill(empty_store.writer(), journeys())
    path, parameters = PAGES[figure]
    with served(empty_store) as client:
        rows = client.get(f"/api/v1/figures/{figure}", params=parameters).json()["rows"]
        text = client.get(f"/api/v1/figures/{figure}", params={**parameters, "format": "csv"}).content.decode(
            "utf-8-sig"
        )
        page = client.get(path, params={**parameters, "lang": "en"}).text
    table = list(csv.DictReader(io.StringIO(text)))
    assert len(table) == len(rows) > 1
    shown = set(re.findall(r"\d[\d,]*", re.sub(r"<[^>]+>", " ", page)))
    for in_file, in_api in zip(table, rows, strict=True):
        assert in_file["withheld"].split() == in_api.get("withheld", [])
        for name, value in in_api.items():
            if name != "withheld":
                assert in_file[name] == ("" if value is None else str(value))
        for name in ("journeys", "a_journeys"):
            if in_api.get(name) is not None:
                assert f"{in_api[name]:,}" in shown


def test_stretches_of_time_are_long_enough_to_be_shown(empty_store: Store):
    """Where most months hold too few points, the page takes quarters; the API gives what is asked for."""
    events = [
        event(f"{place}{month}{number}{day}", "contact.made", f"2026-{month:02}-{day:02}T09:00:00.000000Z",
              f"p1-{place}{month}{number}", "tax", channel="phone", territory=f"fr/{place}")
        for place in "ab" for month in range(1, 13) for number in range(6) for day in (4, 5)
    ]  # fmt: skip
    seed.fill(empty_store.writer(), events)
    with served(empty_store) as client:
        page = client.get("/territories?within=fr&from=2026-01-01&through=2026-12-31&lang=en").text
        wide = client.get("/territories?within=fr&from=2026-01-01&through=2026-01-10&lang=en").text
    assert "unit=quarter" in page
    assert "unit=day" in wide
