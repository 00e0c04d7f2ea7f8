"""The pages in Chromium: axe-core finds nothing, nothing is wider than the screen, the keyboard is enough."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shared.store.client import Store
from tests.insights import seed
from tests.insights.chromium import LOOKS, check_pages
from tests.insights.conftest import PURPOSE, opened, served
from tests.insights.test_pages import months_of_contacts

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(store: Store) -> Iterator[httpx.Client]:
    """The site over two years of contacts."""
    for table in ("events", "points"):
        store.writer().command(f"TRUNCATE TABLE {table}")
    seed.fill(store.writer(), months_of_contacts())
    with served(store) as client:
        yield client


def addresses(site: httpx.Client) -> list[str]:
    """Every kind of page."""
    point = site.get("/api/v1/frictions", params=PURPOSE).json()["points"][0]
    single = f"/points/{point['id']}"
    return ["/", single, opened(site, single), "/points?rule=repeat_contact&service=x", "/points", opened(site, "/points"),
            "/rules", "/rules/long_wait", "/accessibilite", "/?service=none"]  # fmt: skip


@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_every_page_is_accessible_and_fits_every_screen(open_page: Any, site: httpx.Client, language: str, scheme: str):
    """Every kind of page."""
    check_pages(open_page, addresses(site), language, scheme)


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
