"""Map and flows in Chromium: axe-core finds nothing, nothing is wider than the screen, the keyboard is enough."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shared.store.client import Store
from tests.insights import seed
from tests.insights.chromium import LOOKS, check_pages
from tests.insights.conftest import served
from tests.insights_map.journeys import four_journeys

pytestmark = pytest.mark.browser

MAIN_PAGES = [
    "/",
    "/map",
    "/flows",
    "/funnel",
    "/frictions",
    "/compare",
    "/territories",
    "/data",
    "/improvements",
    "/rules",
]
SHIFTS = """() => new Promise((give) => {
  let total = 0;
  new PerformanceObserver((list) => { for (const each of list.getEntries()) total += each.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => give(total), 300);
})"""
"""How far what stands on the page has moved since it was opened (Cumulative Layout Shift; good is up to 0.1, web.dev)."""
ADDRESSES = ["/map", "/map?frequency=100", "/map?events=steps", "/map/journeys?to_step=case.closed", "/flows"]


@pytest.fixture(scope="module")
def site(store: Store) -> Iterator[httpx.Client]:
    """The site over eleven times four journeys."""
    for table in ("events", "points", "journeys", "touched_journeys"):
        store.writer().command(f"TRUNCATE TABLE {table}")
    seed.fill(store.writer(), [each for number in range(11) for each in four_journeys(prefix=f"{number}-")])
    with served(store) as client:
        yield client


@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_every_page_is_accessible_and_fits_every_screen(open_page: Any, language: str, scheme: str):
    """The map and the flows scroll in their own frames."""
    check_pages(open_page, ADDRESSES, language, scheme)


def test_nothing_jumps_while_a_page_opens(open_page: Any):
    """On every main page, 1,280 pixels wide."""
    for address in MAIN_PAGES:
        page = open_page(address)
        page.wait_for_load_state("load")
        assert page.evaluate(SHIFTS) < 0.1, address
        page.close()


def test_the_slider_draws_the_map_again(open_page: Any):
    """By keyboard; the address follows, and so does what was left out. Each part leads to the journeys behind it."""
    page = open_page("/map?lang=en")
    page.get_by_label("Level of detail").focus()
    page.keyboard.press("End")
    page.wait_for_url("**frequency=100**")
    assert "lang=en" in page.url
    assert page.locator("#frequency-shown").inner_text() == "100"
    page.get_by_text("8 of 8 different passages").wait_for()
    drawn = page.locator(".map a").evaluate_all("(parts) => parts.map((part) => part.getAttribute('href'))")
    assert len(drawn) == 11
    assert all(each.startswith("/map/journeys?") for each in drawn)


def test_from_a_passage_to_its_journeys_by_keyboard(open_page: Any):
    """The table under the map leads to the journeys behind a passage; a purpose opens them."""
    page = open_page("/map?lang=en")
    page.get_by_text("The passages as a table").focus()
    page.keyboard.press("Enter")
    page.get_by_role("row", name="Contact made web Contact made phone").get_by_role("link").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/map/journeys?**")
    page.get_by_label("To improve the service").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Record the purpose and open").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**opened=**")
    assert page.locator("tbody form").count() == 22


def test_the_map_works_without_scripts(browser: Any, site: httpx.Client):
    """The button of the form does what the slider does; a line leads to its row of the table, which opens."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(str(site.base_url).rstrip("/") + "/map?lang=en")
    page.get_by_label("Level of detail").focus()
    page.keyboard.press("End")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**frequency=100**")
    assert page.get_by_text("8 of 8 different passages").count() == 1
    page.locator(".map a[href='#p1-2'] path").first.dispatch_event("click")
    page.locator("tr#p1-2").wait_for()
    context.close()
