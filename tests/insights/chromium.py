"""Chromium for tests of pages, and what holds for every page: axe-core finds nothing, nothing is wider than the screen."""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "RGAAv4"]
WIDTHS: Final = (320, 360, 768, 1440)
LOOKS: Final = (("fr", "light"), ("en", "dark"))
"""Both languages and both schemes of colours: what axe finds in one language hardly depends on the scheme."""
_UNFOLD: Final = "document.querySelectorAll('details').forEach((each) => { each.open = true })"
_FITS: Final = "document.documentElement.scrollWidth <= window.innerWidth"


def chromium_path() -> str | None:
    """The machine's Chromium."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, site: httpx.Client) -> Iterator[Any]:
    """Opens an address of the module's `site`; anything the page logs, or asks elsewhere, fails the test."""
    contexts = []
    complaints: list[str] = []

    def open_at(address: str, width: int = 1280, scheme: Any = "light", bypass_csp: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=bypass_csp
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url.startswith(str(site.base_url)) else complaints.append(request.url),
        )
        page.goto(str(site.base_url).rstrip("/") + address)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert complaints == []


def in_language(address: str, language: str) -> str:
    """The address with the language asked for."""
    return f"{address}{'&' if '?' in address else '?'}lang={language}"


def check_pages(open_page: Any, addresses: Iterable[str], language: str, scheme: str) -> None:
    """Each page, with all that can be unfolded unfolded, fits every width and passes the automatic rules of WCAG 2.2 AA and RGAA."""
    script = Path(AXE_FILE_PATH).read_text(encoding="utf-8")
    for address in addresses:
        page = open_page(in_language(address, language), scheme=scheme, bypass_csp=True)
        page.evaluate(_UNFOLD)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(_FITS), (address, width)
        page.evaluate(script)
        found = page.evaluate("(tags) => axe.run({runOnly: {type: 'tag', values: tags}})", AXE_RULES)
        assert [(each["id"], each["nodes"][0]["html"][:160]) for each in found["violations"]] == [], address
        assert "color-contrast" in {each["id"] for each in found["passes"]}, address
        page.close()
