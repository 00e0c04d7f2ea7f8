"""The pages in Chromium: axe-core finds nothing, nothing is wider than the screen, the keyboard is enough."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, Page, sync_playwright

from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import PURPOSE, opened, served
from tests.insights.test_pages import months_of_contacts

pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "RGAAv4"]


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


@pytest.fixture(scope="module")
def site(store: Store) -> Iterator[httpx.Client]:
    """The site over two years of contacts."""
    for table in ("events", "points"):
        store.writer().command(f"TRUNCATE TABLE {table}")
    seed.fill(store.writer(), months_of_contacts())
    with served(store) as client:
        yield client


@pytest.fixture
def open_page(browser: Browser, site: httpx.Client) -> Iterator[Any]:
    """Opens an address of the site; anything the page logs, or asks elsewhere, fails the test."""
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


def addresses(site: httpx.Client) -> list[str]:
    """Every kind of page."""
    point = site.get("/api/v1/frictions", params=PURPOSE).json()["points"][0]
    single = f"/points/{point['id']}"
    return ["/", single, opened(site, single), "/points?rule=repeat_contact&service=x", "/points", opened(site, "/points"),
            "/rules", "/rules/long_wait", "/accessibilite", "/?service=none"]  # fmt: skip


def in_language(address: str, language: str) -> str:
    """The address with the language asked for."""
    return f"{address}{'&' if '?' in address else '?'}lang={language}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_axe_finds_nothing(open_page: Any, site: httpx.Client, language: str, scheme: str):
    """Every kind of page, with all that can be unfolded unfolded, passes the automatic rules of WCAG 2.2 AA and RGAA."""
    script = Path(AXE_FILE_PATH).read_text(encoding="utf-8")
    for address in addresses(site):
        page = open_page(in_language(address, language), scheme=scheme, bypass_csp=True)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        page.evaluate(script)
        found = page.evaluate("(tags) => axe.run({runOnly: {type: 'tag', values: tags}})", AXE_RULES)
        problems = [(each["id"], each["nodes"][0]["html"][:120]) for each in found["violations"]]
        assert problems == [], address
        assert "color-contrast" in {each["id"] for each in found["passes"]}


@pytest.mark.parametrize("width", [320, 360, 768, 1440])
def test_no_page_is_wider_than_the_screen(open_page: Any, site: httpx.Client, width: int):
    """Nothing scrolls sideways but frames made for it."""
    for address in addresses(site):
        page = open_page(in_language(address, "fr"), width=width)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address


def test_the_keyboard_is_enough(open_page: Any):
    """The first Tab offers the way to the content; the filter form, links and the unfolding table work without a mouse."""
    page = open_page("/?lang=en")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.get_by_text("The same figures as a table").focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("table", name="Contacts and online steps by channel").is_visible()
    page.get_by_label("Channel", exact=True).select_option("web")
    page.get_by_role("button", name="Show").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**channel=web**")
    assert "channel=web" in page.url
    assert "lang=en" in page.url


def test_from_figure_to_evidence_and_back_in_the_other_language(open_page: Any):
    """A reader goes from a rule to a point to its evidence and the register, then changes language on the same page."""
    page = open_page("/?lang=en")
    page.get_by_role("row").get_by_role("link", name="Repeat contact for the same procedure", exact=True).click()
    page.get_by_role("link", name="All friction points of this period").click()
    page.get_by_label("To improve the service").check()
    page.get_by_role("button", name="Record the purpose and open").click()
    page.locator(".point-title button").first.click()
    assert page.locator(".step.evidence").count() == 2
    page.get_by_role("link", name="Français").click()
    assert page.locator("h1").inner_text() == "Recontact pour la même démarche"
    page.get_by_role("link", name="La règle dans le registre public").click()
    assert "/rules/repeat_contact" in page.url
    assert page.locator("html").get_attribute("lang") == "fr"
