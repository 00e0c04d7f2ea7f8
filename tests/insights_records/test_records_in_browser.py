"""Openings, a journey, annotations in Chromium: axe-core finds nothing, nothing is too wide, the keyboard is enough."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shared.log.port import Kind
from shared.store.client import Store
from tests.insights import seed
from tests.insights.chromium import LOOKS, check_pages, in_language
from tests.insights.conftest import PURPOSE, opened, served
from tests.insights.seed import event

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(store: Store) -> Iterator[httpx.Client]:
    """A site with a journey that has cases, points, one that was taken back, a late event; with notes and annotations."""
    for table in ("events", "points", "late_events", "journeys"):
        store.writer().command(f"TRUNCATE TABLE {table}")
    events = [
        event(f"c{day}", "contact.made", f"2026-03-{day:02}T10:00:00.000000Z", "p1-a", "housing", case=f"case/2026/{day}",
              channel=("phone", "web", "counter")[day % 3], matter="rent", office="Centre", territory="fr/idf/75")
        for day in range(1, 15)
    ]  # fmt: skip
    writer = store.writer()
    seed.fill(writer, events)
    row = {name: events[3][name] for name in ("source", "id", "recordedtime", "subject", "time")}
    seed.insert(writer, Kind.LATE, [{**row, "service": "housing", "behind_s": 9.0, "partition": 0, "offset": 1}])
    seed.insert(writer, Kind.POINTS, [seed.retraction(seed.point_rows(events)[-1])])
    with served(store) as client:
        client.post(
            "/annotations", data={"title": "New form", "first_day": "2026-03-05", "kind": "system", "text": "Online."}
        )
        yield client


@pytest.fixture(scope="module")
def pages(site: httpx.Client) -> list[str]:
    """Every kind of page of this area."""
    point = site.get("/api/v1/frictions", params=PURPOSE).json()["points"][0]
    journey = opened(site, f"/journeys/{point['journey']}")
    under = journey.partition("opened=")[2]
    site.post(
        f"/journeys/{point['journey']}/notes",
        data={"under": under, "text": "Seen at the counter.", "author": "Counter"},
    )
    single = f"/points/{point['id']}"
    return [single, opened(site, single), "/points", opened(site, "/points"), journey, "/journeys", "/annotations"]


@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_every_page_is_accessible_and_fits_every_screen(open_page: Any, pages: list[str], language: str, scheme: str):
    """Every kind of page of this area."""
    check_pages(open_page, pages, language, scheme)


def test_from_a_point_to_its_journey_by_keyboard(open_page: Any, pages: list[str]):
    """The purpose is stated, the point read, its journey opened with one key more, a note left: without a mouse."""
    page = open_page(in_language(pages[0], "en"))
    page.get_by_label("To improve the service").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**opened=**")
    page.get_by_role("button", name="The whole journey").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/journeys/**opened=**")
    assert "lang=en" in page.url
    page.get_by_label("Note", exact=True).fill("Called back in vain.")
    page.get_by_label("Your role (not your name)").fill("Design team")
    page.keyboard.press("Enter")
    page.wait_for_url("**#notes-title")
    assert page.get_by_text("Called back in vain.").is_visible()
    page.get_by_role("link", name="Address to pass on").click()
    assert page.get_by_text("What do you open it for?").is_visible()
