"""Improvements in Chromium: axe-core finds nothing, nothing is wider than the screen, the keyboard is enough, the sheet is a page."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import pytest
from msgspec import structs

from shared.registry.improvements import Evidence, Pilot
from shared.store.client import Store
from tests.insights.chromium import LOOKS, check_pages, in_language
from tests.insights.conftest import new_records, served
from tests.insights_improvements.test_improvement_pages import REPAIR

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(town_store: Store) -> Iterator[httpx.Client]:
    """The site over the town, with improvements of every verdict."""
    with new_records() as records:
        kinds: list[dict[str, Any]] = [
            {
                "what": "Missed calls are called back. " * 20,
                "evidence": [
                    Evidence(title="Study", address="/rules"),
                    Evidence(title="Board", address="https://example.org/"),
                ],
                "pilots": [Pilot(office="desk west", since=date(2026, 5, 11))],
            },
            {"title": "Young", "since": date(2026, 11, 9), "status": "pilot"},
            {"title": "Everywhere", "territories": [], "since": date(2026, 3, 2), "status": "stopped"},
            {"title": "The other district", "territories": ["town/east"]},
            {"title": "Unseen", "rule": "long_wait", "cost_euros": None, "cost_minutes": None},
        ]
        for change in kinds:
            records.improvements.add(structs.replace(REPAIR, **change))
        with served(town_store, records=records, hour_cost_cents=4_000) as client:
            yield client


def addresses(site: httpx.Client) -> list[str]:
    """Every kind of page, of an improvement of every verdict."""
    rows = site.get("/api/v1/figures/improvements").json()["rows"]
    pages = {row["verdict"]: f"/improvements/{row['improvement']}" for row in rows}
    helped = pages["improved"]
    return ["/improvements", "/improvements/new", f"{helped}/sheet", f"{helped}/change", *pages.values()]


@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_every_page_is_accessible_and_fits_every_screen(open_page: Any, site: httpx.Client, language: str, scheme: str):
    """Every kind of page, with improvements of every verdict."""
    check_pages(open_page, addresses(site), language, scheme)


def test_an_improvement_is_recorded_by_keyboard(open_page: Any):
    """The form is filled in and sent with keys alone, and the page of what was kept opens in the same language."""
    page = open_page("/improvements/new?lang=en")
    page.get_by_label("Title", exact=True).focus()
    page.keyboard.type("By keyboard")
    page.get_by_label("Responsible").focus()
    page.keyboard.type("Counter")
    page.get_by_label("Since (UTC)").fill("2026-05-04")
    page.get_by_role("button", name="Keep it").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/improvements/[0-9a-f]{16}"))
    assert page.locator("h1").inner_text() == "By keyboard"
    assert "lang=en" in page.url


def test_the_sheet_is_one_page_of_a4(open_page: Any, site: httpx.Client):
    """Printed, the sheet of an improvement fits on one page, in both languages, whatever the length of its description."""
    sheets = [f"{address}/sheet" for address in addresses(site)[4:]]
    for address in sheets:
        for language in ("fr", "en"):
            printed = open_page(in_language(address, language)).pdf(prefer_css_page_size=True)
            assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 1, address
