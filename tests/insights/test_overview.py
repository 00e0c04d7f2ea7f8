"""The overview tells what is known, what is not, and what is still missing."""

import html
import re

import httpx
import pytest

from services.insights.pages.backlog import is_behind
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import ClientWith, FakeLoading
from tests.insights.seed import event
from tests.insights.test_pages import months_of_contacts

STRAY = event("stray", "contact.made", "2031-05-05T09:00:00.000000Z", "p1-new", "parking", channel="counter")


def text(client: httpx.Client, address: str) -> str:
    """A page's text without tags, in single spaces."""
    page = re.sub(r"<[^>]*>", " ", client.get(address).text)
    return re.sub(r"\s+", " ", html.unescape(page)).replace("\u00a0", " ")


@pytest.fixture
def with_stray(empty_store: Store, client_with: ClientWith) -> httpx.Client:
    """Two hundred contacts within two years, and one five years later."""
    many = [
        event(f"n{day}-{hour}", "contact.made", f"2026-02-{day:02}T{hour:02}:30:00.000000Z", f"p1-{day}-{hour}", "housing",
              channel="web")
        for day in range(1, 26)
        for hour in range(8, 16)
    ]  # fmt: skip
    seed.fill(empty_store.writer(), [*months_of_contacts(), *many, STRAY])
    return client_with(empty_store)


def test_a_few_newer_events_are_told_and_linked(with_stray: httpx.Client):
    """The bulk stays on the page; a link leads to what is newer."""
    page = text(with_stray, "/")
    assert "The last period that has data: from 1 March 2025 to 28 February 2026" in page
    assert "There are newer data, up to 5 May 2031, but few." in page
    assert "/?from=2030-06-01&to=2031-06-01" in html.unescape(with_stray.get("/").text)


def test_a_filter_brings_its_own_period(with_stray: httpx.Client):
    """The period shown for a service is that of its own data, and the sentence names the filter."""
    assert "The last period that has data: from 5 May 2031 to 5 May 2031 – service “parking”." in text(
        with_stray, "/?service=parking"
    )


def test_an_empty_period_names_the_range_of_the_filter(with_stray: httpx.Client):
    """Nothing there: the range of that service's data with a link, “not known” in place of 0, no table of places."""
    page = text(with_stray, "/?service=parking&from=2026-02-01")
    assert "From 1 February 2026" in page
    address = "/?service=parking&from=2026-02-01&to=2026-03-01"
    page = text(with_stray, address)
    assert "No contact or online step in this period: service “parking”." in page
    assert "The data under these filters reach from 5 May 2031 to 5 May 2031." in page
    assert "Friction points per 1,000 contacts not known" in page
    assert "Whether there was friction is not known" in page
    assert "By service" not in page
    assert 'href="/?service=parking"' in with_stray.get(address).text


def test_a_name_that_never_came(with_stray: httpx.Client):
    """A filter without any data says so on every page, and fails on none."""
    assert "Nothing has arrived under these filters at any time." in text(with_stray, "/?service=none")
    assert "Nothing has arrived under these filters at any time." in text(with_stray, "/points?service=none")


def test_the_form_includes_its_last_day(with_stray: httpx.Client):
    """`through` is the last day shown; `to` stays the first that is not; both together are refused by their label."""
    page = text(with_stray, "/?from=2026-02-01&through=2026-02-10")
    assert "From 1 February 2026 to 10 February 2026" in page
    assert "From 1 February 2026 to 10 February 2026" in text(with_stray, "/?from=2026-02-01&to=2026-02-11")
    assert with_stray.get("/?to=2026-02-11&through=2026-02-10").status_code == 422
    assert "“From” must lie before “To”" in text(with_stray, "/?from=2026-02-02&through=2026-02-01")
    assert "« À partir du » doit précéder « Jusqu’au »" in text(
        with_stray, "/?from=2026-02-02&through=2026-02-01&lang=fr"
    )
    assert with_stray.get("/api/v1/frictions?purpose=check-rule&through=2026-02-10").status_code == 422


def test_lost_time_says_of_how_many_points(empty_store: Store, client_with: ClientWith):
    """A sum that leaves out points is “at least”, with what it covers; with a small count it is not shown at all."""
    known = seed.point_rows(months_of_contacts())
    points = [
        {
            **point,
            "id": f"{point['id']}{copy}",
            "minutes_citizen": 10.0 if copy else None,
            "minutes_administration": None,
        }
        for point in known
        for copy in range(3)
    ]
    seed.insert(empty_store.writer(), seed.Kind.EVENTS, months_of_contacts())
    seed.insert(empty_store.writer(), seed.Kind.POINTS, points)
    assert len(known) == 12
    client = client_with(empty_store)
    assert "at least 4 hours (24 of 36 points)" in text(client, "/")
    assert "au moins 4 h (24 difficultés sur 36)" in text(client, "/?lang=fr")
    hidden = text(client_with(empty_store, small_cell_min=30), "/")
    assert "4 hours" not in hidden
    assert "24 of" not in hidden


def test_points_of_earlier_settings_are_told(with_stray: httpx.Client, empty_store: Store, client_with: ClientWith):
    """Points of a rule that is off since, or judged by another version, bring a note with the command that helps."""
    note = "Some points were judged by earlier settings"
    assert note not in text(with_stray, "/?from=2025-01-01&to=2026-03-01")
    off = client_with(empty_store, {"repeat_contact": {"enabled": False}})
    assert note in text(off, "/?from=2025-01-01&to=2026-03-01")
    (point, *_) = seed.point_rows(months_of_contacts())
    seed.insert(empty_store.writer(), seed.Kind.POINTS, [{**point, "id": "other", "version": 7}])
    assert note in text(with_stray, "/?from=2025-01-01&to=2026-03-01")


def test_heartbeats_are_no_backlog(with_stray: httpx.Client, loading: FakeLoading):
    """A record or two that wait say nothing; many say that the figures are incomplete."""
    loading.behind = {"journey-events.ingest": 2, "frictions.detector": 2}
    assert "incomplete" not in text(with_stray, "/")
    loading.behind = {"journey-events.ingest": 200, "frictions.detector": 0}
    assert "Still loading: the figures are incomplete." in text(with_stray, "/")


def test_what_the_detector_has_not_judged_counts_as_missing():
    """Events that are loaded and not yet judged are as much behind as those not loaded; another log's progress is none."""
    events = {"log_id": "a", "next_offsets": {"0": 101}}
    assert is_behind({}, {"journey-events.ingest": events}, 1)
    assert is_behind({}, {"journey-events.ingest": events, "detected": {"log_id": "b", "next_offsets": {"0": 101}}}, 1)
    assert is_behind({}, {"journey-events.ingest": events, "detected": {"log_id": "a", "next_offsets": {"0": 60}}}, 1)
    assert not is_behind(
        {}, {"journey-events.ingest": events, "detected": {"log_id": "a", "next_offsets": {"0": 98}}}, 1
    )
    assert not is_behind({"journey-events.ingest": 20}, {}, 4)


def test_work_on_cases_stays_out_of_rates_per_contact(empty_store: Store, client_with: ClientWith):
    """Points of missed deadlines are counted beside a place, and are no points per 1,000 contacts."""
    contacts = [
        event(f"c{day}", "contact.made", f"2026-02-{day:02}T09:00:00.000000Z", f"p1-{day}", "permits", channel="web")
        for day in range(1, 21)
    ]
    (sample, *_) = seed.point_rows(months_of_contacts())
    base = {**sample, "service": "permits", "territory": "", "time": "2026-02-10T09:00:00.000000Z"}
    late = [{**base, "id": f"late{each}", "rule": "deadline_missed"} for each in range(15)]
    again = [{**base, "id": f"again{each}"} for each in range(10)]
    seed.insert(empty_store.writer(), seed.Kind.EVENTS, contacts)
    seed.insert(empty_store.writer(), seed.Kind.POINTS, late)
    client = client_with(empty_store)
    row = r"permits 20 (\d+) ([\d.–]+)"
    assert re.findall(row, text(client, "/")) == [("15", "–")]
    seed.insert(empty_store.writer(), seed.Kind.POINTS, again)
    assert re.findall(row, text(client, "/")) == [("25", "500.0")]


def test_the_first_week_that_clickhouse_has_is_shown(empty_store: Store, client_with: ClientWith):
    """1 January 1970 was a Thursday: its week begins there, on the page too, and its events are counted."""
    first = [
        event(f"c{number}", "contact.made", f"1970-01-{1 + number:02}T09:00:00.000000Z", f"p1-{number}", "aid")
        for number in range(12)
    ]
    seed.fill(empty_store.writer(), first)
    answer = client_with(empty_store).get("/?from=1970-01-01&to=1970-06-01")
    assert answer.status_code == 200
    assert "12" in re.sub(r"<[^>]*>", " ", answer.text)
