"""The pages in Chromium: axe-core finds nothing, nothing is wider than the screen, the keyboard reaches all."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH

from tests.insights.test_browser import AXE_RULES, browser, in_language, open_page, site

__all__ = ["browser", "open_page", "site"]

pytestmark = pytest.mark.browser
PAGES = ("/", "/frictions", "/frictions/repeat_contact", "/frictions/repeat_contact/sheet", "/data")


@pytest.mark.parametrize(("language", "scheme"), [("fr", "light"), ("en", "dark")])
def test_axe_finds_nothing(open_page: Any, language: str, scheme: str):
    """With all that can be unfolded unfolded."""
    script = Path(AXE_FILE_PATH).read_text(encoding="utf-8")
    for address in PAGES:
        page = open_page(in_language(address, language), scheme=scheme, bypass_csp=True)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        page.evaluate(script)
        found = page.evaluate("(tags) => axe.run({runOnly: {type: 'tag', values: tags}})", AXE_RULES)
        assert [(each["id"], each["nodes"][0]["html"][:120]) for each in found["violations"]] == [], address


@pytest.mark.parametrize("width", [320, 1440])
def test_nothing_is_wider_than_the_screen(open_page: Any, width: int):
    """Only frames made for it scroll sideways."""
    for address in PAGES:
        page = open_page(in_language(address, "fr"), width=width)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address


def test_the_keyboard_leads_from_the_overview_to_the_sheet(open_page: Any):
    """Links that have the focus open with Enter, down to the page on paper."""
    page = open_page("/?lang=en")
    page.get_by_role("row").get_by_role("link", name="Repeat contact for the same procedure", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/frictions/repeat_contact**")
    page.get_by_role("link", name="A sheet for the meeting, to print").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/sheet**")
    assert page.locator("h1").inner_text() == "Repeat contact for the same procedure"


def test_the_sheet_fits_one_page_of_paper(open_page: Any):
    """Printed on A4, the sheet is one page, in French too, which is longer."""
    for language in ("fr", "en"):
        page = open_page(in_language("/frictions/repeat_contact/sheet", language))
        printed = page.pdf(prefer_css_page_size=True)
        assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") + printed.count(b"/Type /Page>") == 1
