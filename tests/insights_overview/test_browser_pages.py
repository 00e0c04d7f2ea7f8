"""The pages in Chromium: axe-core finds nothing, nothing is wider than the screen, the keyboard reaches all."""

from typing import Any

import pytest

from tests.insights.chromium import LOOKS, check_pages, in_language
from tests.insights.test_browser import site

__all__ = ["site"]
pytestmark = pytest.mark.browser
PAGES = ("/", "/frictions", "/frictions/repeat_contact", "/frictions/repeat_contact/sheet", "/data")


@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_every_page_is_accessible_and_fits_every_screen(open_page: Any, language: str, scheme: str):
    """Every page of this area."""
    check_pages(open_page, PAGES, language, scheme)


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
