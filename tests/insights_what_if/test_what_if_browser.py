"""The page "What if", exports and the API's documentation in Chromium: axe, widths, the keyboard, progress without reloading."""

from typing import Any

import httpx
import pytest

from tests.insights.chromium import LOOKS, check_pages
from tests.insights_what_if.conftest import PERIOD, simulate

pytestmark = pytest.mark.browser
TRIED = f"rule=long_wait&limit_s.phone=300.5&{PERIOD}"
PAGES = (f"/what-if?{TRIED}", f"/what-if?rule=repeat_contact&{PERIOD}", "/exports?x=", "/api/docs?x=")


@pytest.fixture
def pages(site: httpx.Client) -> list[str]:
    """The pages, one with a result."""
    simulate(site, TRIED)
    return [address.removesuffix("?x=") for address in PAGES]


@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_every_page_is_accessible_and_fits_every_screen(open_page: Any, pages: list[str], language: str, scheme: str):
    """One of them with a result."""
    check_pages(open_page, pages, language, scheme)


def test_a_simulation_by_keyboard_alone(open_page: Any):
    """From the form to the result without a mouse; the page follows the progress by itself, under the strict policy."""
    page = open_page(f"/what-if?rule=long_wait&lang=en&{PERIOD}")
    field = page.locator('input[name="limit_s.phone"]')
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("9.5")
    page.keyboard.press("Enter")
    page.wait_for_url("**limit_s.phone=570**")
    page.get_by_role("heading", name="What would change").wait_for(timeout=240_000)
    assert "[long_wait]" in page.locator(".snippet").inner_text()
