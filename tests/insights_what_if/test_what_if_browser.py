"""The page "What if", exports and the API's documentation in Chromium: axe, widths, the keyboard, progress without reloading."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.base import AXE_FILE_PATH

from tests.insights.test_browser import AXE_RULES, browser, open_page
from tests.insights_what_if.conftest import PERIOD, simulate

pytestmark = pytest.mark.browser
__all__ = ["browser", "open_page"]

TRIED = f"rule=long_wait&limit_s.phone=300.5&{PERIOD}"
PAGES = (f"/what-if?{TRIED}", f"/what-if?rule=repeat_contact&{PERIOD}", "/exports?x=", "/api/docs?x=")


@pytest.fixture
def pages(site: httpx.Client) -> list[str]:
    """The pages, one with a result."""
    simulate(site, TRIED)
    return [address.removesuffix("?x=") for address in PAGES]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_too_wide(open_page: Any, pages: list[str], scheme: str):
    """All pages, everything unfolded, in French at 320 and in English at 1,440 pixels."""
    script = Path(AXE_FILE_PATH).read_text(encoding="utf-8")
    for address in pages:
        for width, language in ((320, "fr"), (1440, "en")):
            separator = "&" if "?" in address else "?"
            page = open_page(f"{address}{separator}lang={language}", width=width, scheme=scheme, bypass_csp=True)
            page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (address, width)
            page.evaluate(script)
            found = page.evaluate("(tags) => axe.run({runOnly: {type: 'tag', values: tags}})", AXE_RULES)
            problems = [(each["id"], each["nodes"][0]["html"][:160]) for each in found["violations"]]
            assert problems == [], (address, width)


def test_a_simulation_by_keyboard_alone(open_page: Any):
    """From the form to the result without a mouse; the page follows the progress by itself, under the strict policy."""
    page = open_page(f"/what-if?rule=long_wait&lang=en&{PERIOD}")
    field = page.locator('input[name="limit_s.phone"]')
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("9.5")
    page.keyboard.press("Enter")
    page.wait_for_url("**limit_s.phone=570**")
    page.get_by_role("heading", name="What would change").wait_for(timeout=60_000)
    assert "[long_wait]" in page.locator(".snippet").inner_text()
