"""Alerts in Chromium: axe-core finds nothing, nothing is too wide, live without a reload, the keyboard is enough."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.alerts.finding import Series
from shared.journey.instants import HOUR_US
from tests.insights.chromium import LOOKS, check_pages, in_language
from tests.insights.conftest import NOW_US, served
from tests.insights_alerts.conftest import NoRows
from tests.insights_alerts.room import CALLS, FORM, MINUTE_US, SETTINGS, Room, new_room

pytestmark = pytest.mark.browser

COUNTER = Series("rise", rule="long_wait", service="residence-permit", channel="counter", territory="fr/idf/93")


@pytest.fixture
def room() -> Iterator[Room]:
    """Alerts in every state, a silence, a message that does not arrive, one that was given up."""
    with new_room() as made:
        made.fire(COUNTER, at_us=NOW_US - HOUR_US, citizens=7, observed=8.0)
        (counter,) = made.desk.open()
        made.desk.resolve(counter.id, counter.version, "Counter team", "A second desk was opened")
        made.fire(FORM, CALLS)
        form = next(each for each in made.desk.open() if each.cause == "form_abandoned")
        form = made.desk.acknowledge(form.id, form.version, "Web team", None, "Looking at the upload")
        made.desk.assign(form.id, form.version, "Web team", "Operator of the form")
        late, other = made.registry.outbox.claim(2, NOW_US)
        made.registry.outbox.failed(late.id, "no connection: refused", NOW_US + MINUTE_US)
        made.registry.outbox.dead(other.id, "the server answered 503")
        yield made


@pytest.fixture
def site(room: Room) -> Iterator[httpx.Client]:
    """A site that shows them."""
    with served(NoRows(), alerts=room.desk, records=room.registry.records) as client:
        silence = {"rule": "low_rating", "from": "2026-11-22T09:00:00Z", "until": "2026-11-23T09:00:00Z",
                   "reason": "Survey of the week", "author": "Design team"}  # fmt: skip
        assert client.post("/api/v1/alerts/silences", json=silence).status_code == 201
        yield client


@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_every_page_is_accessible_and_fits_every_screen(open_page: Any, room: Room, language: str, scheme: str) -> None:
    """The list in its states, one alert of each state, silences, messages, a playbook."""
    sheets = [*room.desk.open(), *room.desk.resolved(0)]
    pages = ["/alerts", "/alerts?state=resolved", "/alerts?service=nobody", *(f"/alerts/{each.id}" for each in sheets)]
    pages += ["/alerts/silences", "/alerts/deliveries", "/alerts/playbooks/form_abandoned"]
    check_pages(open_page, pages, language, scheme)


def test_a_new_alert_comes_by_itself(open_page: Any, room: Room) -> None:
    """Told by the server within two seconds; the title counts it, a line says it, the place of the reader is kept."""
    page = open_page(in_language("/alerts", "en"))
    page.get_by_text("Live: this page follows by itself.").wait_for(timeout=5_000)
    assert page.title().startswith("(1) ")
    page.keyboard.press("j")
    page.keyboard.press("j")
    at = page.evaluate("document.activeElement.closest('.alert-row').id")
    room.fire(FORM, CALLS, COUNTER, at_us=NOW_US + MINUTE_US, severity="critical")
    page.locator(".alert-row", has_text="residence-permit").wait_for(timeout=2_000)
    assert page.title().startswith("(2) ")
    assert "New alert" in page.locator("#live-said").inner_text()
    assert page.evaluate("document.activeElement.closest('.alert-row').id") == at


def test_an_alert_is_taken_on_with_two_keys(open_page: Any, room: Room) -> None:
    """The page knows who somebody is: j goes to the alert, a takes it on, and the list shows it."""
    page = open_page(in_language("/alerts", "en"))
    page.get_by_label("You are (role or team)").fill("Duty")
    page.get_by_role("heading", name="Alerts", level=1).click()
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.locator(".alert-row", has_text="passport").get_by_text("Duty").wait_for(timeout=5_000)
    taken = next(each for each in room.desk.open() if each.cause == "queue_abandoned")
    assert (taken.state, taken.acknowledged_by) == ("acknowledged", "Duty")
    assert page.title().startswith("Alerts")


def test_who_the_page_does_not_know_is_asked(open_page: Any, room: Room) -> None:
    """The key leads to the alert's page, where keys lead to fields and send nothing; the form is sent by Enter on its button."""
    page = open_page(in_language("/alerts", "en"))
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.wait_for_url("**/alerts/*#do")
    page.keyboard.press("a")
    assert page.evaluate("document.activeElement.id") == "by"
    page.keyboard.type("Line team")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("a")
    assert page.evaluate("document.activeElement.id") == "acknowledge"
    page.keyboard.press("Enter")
    page.get_by_text("Taken on by").wait_for(timeout=5_000)
    assert any(each.acknowledged_by == "Line team" for each in room.desk.open())


def test_keys_can_be_switched_off_and_leave_fields_alone(open_page: Any) -> None:
    """Off, letters do nothing, also after a reload; within a field they are letters."""
    page = open_page(in_language("/alerts", "en"))
    field = page.get_by_label("You are (role or team)")
    field.focus()
    page.keyboard.type("jks")
    assert field.input_value() == "jks"
    page.get_by_role("button", name="Keys are on").click()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('.alert-row')") is None
    page.reload()
    assert page.get_by_role("button", name="Keys are off").is_visible()
    page.get_by_role("button", name="Keys are off").click()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('.alert-row') !== null")


def test_sound_is_off_until_somebody_asks_for_it(open_page: Any) -> None:
    """A button that says its state."""
    page = open_page(in_language("/alerts", "en"))
    button = page.get_by_role("button", name="Sound is off")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert page.get_by_role("button", name="Sound is on").get_attribute("aria-pressed") == "true"


def test_a_page_that_is_cut_off_says_so_and_finds_back(browser: Any, site: httpx.Client) -> None:
    """Disconnected stands there in words, and since when by the site's clocks; when the server answers again, the page follows
    again.
    """
    context = browser.new_context(timezone_id="America/New_York")
    page = context.new_page()
    page.goto(f"{str(site.base_url).rstrip('/')}/alerts?lang=en")
    page.get_by_text("Live: this page follows by itself.").wait_for(timeout=5_000)
    context.set_offline(True)
    page.get_by_text("Disconnected: what you see may be out of date.").wait_for(timeout=15_000)
    now = datetime.now(SETTINGS.zone)
    minutes = [f"{now - timedelta(minutes=each):%H:%M}" for each in (0, 1)]
    assert page.locator("#live-state").inner_text() in {
        f"Disconnected: what you see may be out of date. Last answer at {each}." for each in minutes
    }
    context.set_offline(False)
    page.get_by_text("Live: this page follows by itself.").wait_for(timeout=15_000)
    context.close()


def test_where_events_do_not_come_the_page_asks_by_itself(browser: Any, site: httpx.Client, room: Room) -> None:
    """After failures it says that it asks every ten seconds, and a new alert still comes."""
    context = browser.new_context()
    page = context.new_page()
    page.route("**/api/v1/alerts/events", lambda route: route.fulfill(status=503))
    page.goto(f"{str(site.base_url).rstrip('/')}/alerts?lang=en")
    page.get_by_text("This page asks again every 10 seconds.").wait_for(timeout=15_000)
    room.fire(FORM, CALLS, COUNTER, at_us=NOW_US + MINUTE_US, severity="critical")
    page.locator(".alert-row", has_text="residence-permit").wait_for(timeout=15_000)
    context.close()


def test_everything_works_without_scripts(browser: Any, site: httpx.Client, room: Room) -> None:
    """The list, an action and a silence with its preview, by forms alone."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{str(site.base_url).rstrip('/')}/alerts?lang=en")
    assert page.get_by_text("This page does not follow by itself").is_visible()
    row = page.locator(".alert-row", has_text="passport")
    row.get_by_role("link", name="Silence it").click()
    page.get_by_label("Reason").fill("The line is being repaired")
    page.get_by_label("Set by (role or team)").fill("Line team")
    page.get_by_role("button", name="Preview what it hides").click()
    assert page.get_by_text("1 alert that is open now:").is_visible()
    page.get_by_role("button", name="Set this silence").click()
    assert page.get_by_text("The line is being repaired").is_visible()
    assert len(room.desk.silences()) == 2
    context.close()
