"""Funnel, Compare and Territories in Chromium: axe-core finds nothing, nothing is wider than the screen, the keyboard is enough."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shared.store.client import Store
from tests.fixtures_store import TABLES
from tests.insights import seed
from tests.insights.chromium import LOOKS, check_pages
from tests.insights.conftest import served
from tests.insights.seed import event

pytestmark = pytest.mark.browser

ADDRESSES = (
    "/funnel?step1=any:form.started&step2=web:form.step&step3=any:form.submitted&from=2026-03-02&through=2026-03-15&versus=previous",
    "/funnel?step1=any:form.started&step2=any:form.submitted&by=territory&order=strict&window_days=3",
    "/funnel?service=none",
    "/compare",
    "/compare?a_territory=fr/idf&b_rule=repeat_contact&b_holds=without",
    "/territories",
    "/territories?within=fr/idf",
    "/territories?within=fr/idf/75",
    "/territories?within=fr/idf/75&office=Guichet%201",
    "/territories?within=nowhere",
)


def journeys() -> list[dict[str, Any]]:
    """Forms on the web and calls by phone over two months, in two regions, some with friction."""
    found = []
    for number in range(240):
        day, subject = number % 28 + 1, f"p1-{number}"
        month = 2 + number // 120
        place = {"territory": ("fr/idf/75", "fr/idf/92", "fr/bre/35")[number % 3], "office": f"Guichet {number % 2}"}
        at = f"2026-{month:02}-{day:02}T"
        if number % 2:
            kinds = ["form.started", "form.step", *(["form.submitted"] if number % 3 else [])]
            found += [event(f"{number}-{kind}", kind, f"{at}1{hour}:00:00.000000Z", subject, "tax", channel="web", **place)
                      for hour, kind in enumerate(kinds)]  # fmt: skip
        if number % 4 != 1:
            hours = range(12, 14 if number % 5 else 13)
            found += [event(f"{number}-{hour}", "contact.made", f"{at}{hour}:30:00.000000Z", subject, "tax", channel="phone", **place)
                      for hour in hours]  # fmt: skip
    return found


@pytest.fixture(scope="module")
def site(store: Store) -> Iterator[httpx.Client]:
    """The site over `journeys`."""
    for table in TABLES:
        store.writer().command(f"TRUNCATE TABLE {table}")
    seed.fill(store.writer(), journeys())
    with served(store) as client:
        yield client


@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_every_page_is_accessible_and_fits_every_screen(open_page: Any, language: str, scheme: str):
    """Every kind of page."""
    check_pages(open_page, ADDRESSES, language, scheme)


def test_a_funnel_is_chosen_by_keyboard(open_page: Any):
    """A step is chosen in its select, the form sent with Enter; the address holds the funnel, and the table unfolds."""
    page = open_page("/funnel?lang=en")
    page.get_by_label("Step 1").select_option("any:form.started")
    page.get_by_label("Step 2").select_option("any:form.submitted")
    page.get_by_label("Step 3").select_option("")
    page.get_by_label("Step 4").select_option("")
    page.get_by_role("button", name="Show").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**step2=any*")
    assert page.locator(".funnel-steps > li").count() == 2
    page.get_by_text("The same figures as a table").first.focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("table", name="Journeys from step to step", exact=True).is_visible()


def test_groups_are_compared_by_keyboard(open_page: Any):
    """The channel of entry of each group is chosen, and every difference is said in words."""
    page = open_page("/compare?lang=en")
    page.locator("#f-a-entry").select_option("web")
    page.locator("#f-b-entry").select_option("phone")
    page.get_by_role("button", name="Show").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**a_entry=web**")
    assert "A: web – B: phone" in page.locator("h2#compare-title").inner_text()
    words = page.locator("td.verdict").all_inner_texts()
    assert len(words) == 7
    assert all(
        any(word in text for word in ("higher", "lower", "no difference", "not known", "not shown")) for text in words
    )


def test_from_the_whole_down_to_an_office_and_back(open_page: Any):
    """Links lead from region to department to office; the breadcrumb leads back up."""
    page = open_page("/territories?lang=en")
    page.get_by_role("link", name="idf", exact=True).first.press("Enter")
    page.wait_for_url("**within=fr%2Fidf*")
    page.get_by_role("link", name="75", exact=True).first.press("Enter")
    page.wait_for_url("**within=fr%2Fidf%2F75*")
    page.get_by_role("link", name="Guichet 1").first.press("Enter")
    page.wait_for_url("**office=Guichet*")
    crumbs = page.get_by_role("navigation", name="Territory shown")
    assert crumbs.get_by_text("Guichet 1").get_attribute("aria-current") == "page"
    crumbs.get_by_role("link", name="idf").press("Enter")
    page.wait_for_url("**within=fr%2Fidf&**")
