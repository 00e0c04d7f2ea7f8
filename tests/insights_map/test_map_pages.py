"""The pages of the map as documents: figures, links, odd addresses, the journeys behind, small numbers, weight."""

import random
import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import ClientWith, served
from tests.insights.seed import event
from tests.insights.test_pages import Outline
from tests.insights_map.journeys import four_journeys, rows

BEHIND = {"from_step": "contact.made", "from_channel": "web", "to_step": "contact.made", "to_channel": "phone"}


@pytest.fixture
def client(empty_store: Store) -> Iterator[httpx.Client]:
    """The application over four journeys, every number shown."""
    seed.fill(empty_store.writer(), four_journeys())
    with served(empty_store, small_cell_min=1) as client:
        yield client


def test_the_map_shows_its_figures(client: httpx.Client):
    """What was counted, in words; each line and box of the drawing leads to its row, each row to the journeys behind it."""
    page = client.get("/map?lang=en").text
    assert "4 journeys that began in this period are on the map." in page
    assert "Service “tax”" in page
    assert "Most friction points: Contact made (phone) (4)." in page
    assert not re.search(r"\sstyle=", page)
    links = {unescape(link) for link in re.findall(r'href="(/map/journeys[^"]*)"', page)}
    assert len(links) >= 8
    for link in links:
        assert client.get(link).status_code == 200, link
    ids = [attributes["id"] for _, attributes in Outline(page).tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    drawn = re.findall(r'<a [^>]*href="#([sp][0-9-]+)"', page)
    assert len(drawn) == page.count("<tr id=") >= 8
    assert set(drawn) <= set(ids)
    assert "Carte des parcours" in client.get("/map?lang=fr").text


def test_the_slider_and_what_it_leaves_out(client: httpx.Client):
    """Everything at 100; at 0 the page says how much is shown."""
    assert "Shown: 3 of 3 steps and 8 of 8 different passages" in client.get("/map?frequency=100&lang=en").text
    few = client.get("/map?frequency=0&lang=en").text
    assert re.search(r"Shown: \d of 3 steps and \d of 8 different passages", few)
    assert "left out by the slider" in few


@pytest.mark.parametrize("path", ["/map", "/map/journeys", "/flows"])
def test_odd_addresses(client: httpx.Client, path: str):
    """A page or a refusal by name, whatever the values."""
    odd = [
        "",
        "0",
        "-1",
        "101",
        "nan",
        "9" * 300,
        "a\x00b",
        "é" * 300,
        "💥",
        "<b>",
        "' OR 1=1",
        "journey.started",
        "{x}",
        "%s",
    ]
    names = ["events", "frequency", "from_step", "from_channel", "to_step", "to_channel", "service", "channel", "territory",
             "from", "to", "rule", "source", "opened", "none"]  # fmt: skip
    for name in names:
        for value in odd:
            base = dict(BEHIND) if path == "/map/journeys" else {}
            response = client.get(path, params={**base, name: value})
            assert response.status_code in {200, 422}, (name, value)
    assert client.get(path, params=[("service", "a"), ("service", "b")]).status_code == 422


def test_journeys_behind_a_passage_need_a_purpose(client: httpx.Client):
    """Without a purpose only their number; with one, recorded, those that pass there and no other, each behind a form."""
    page = client.get("/map/journeys", params={**BEHIND, "lang": "en"}).text
    assert "From “Contact made (web)” to “Contact made (phone)”" in page
    assert "/journeys/" not in page.replace("/map/journeys", "")
    refused = client.post("/map/journeys", params={**BEHIND, "lang": "en"}, data={"purpose": ""})
    assert refused.status_code == 422
    opened = client.post(
        "/map/journeys", params={**BEHIND, "lang": "en"}, data={"purpose": "improve-service"}, follow_redirects=True
    )
    assert opened.status_code == 200
    journeys = re.findall(r'action="/journeys/([0-9a-f]{32})', opened.text)
    assert len(journeys) == 2
    other = client.get(str(opened.url.copy_set_param("to_channel", "web")))
    assert 'action="/journeys/' not in other.text
    alone = client.post(
        "/map/journeys", params={"to_step": "case.closed"}, data={"purpose": "check-rule"}, follow_redirects=True
    )
    assert len(re.findall(r'action="/journeys/[0-9a-f]{32}', alone.text)) == 3
    ended = client.post(
        "/map/journeys",
        params={"from_step": "contact.made", "from_channel": "phone", "to_step": "journey.ended"},
        data={"purpose": "check-rule"},
        follow_redirects=True,
    )
    assert len(re.findall(r'action="/journeys/[0-9a-f]{32}', ended.text)) == 1


def test_a_passage_says_the_same_as_the_map(client: httpx.Client):
    """The numbers of the page are those of the figure."""
    (row,) = [
        row for row in rows(client, "journey-map-passages")
        if (row["from_channel"], row["to_channel"]) == ("web", "phone")
    ]  # fmt: skip
    page = Outline(client.get("/map/journeys", params={**BEHIND, "lang": "en"}).text).text
    assert "1 day and 12 hours" in page.replace("\u00a0", " ")
    assert str(row["points"]) in page


def test_few_journeys_have_no_numbers(empty_store: Store, client_with: ClientWith):
    """Four journeys are on the map, and nothing of it tells how many."""
    seed.fill(empty_store.writer(), four_journeys())
    page = client_with(empty_store).get("/map?lang=en").text
    assert "fewer than 10 journeys that began in this period are on the map." in page
    drawing = page.partition('<svg class="map"')[2].partition("</svg>")[0]
    assert "not shown" in drawing
    assert not re.search(r">\s*\d+\s*<", drawing)


def test_pages_are_light(client: httpx.Client):
    """The page, its style sheets and scripts."""
    for path in ("/map", "/flows"):
        page = client.get(path).text
        files = re.findall(r'(?:href|src)="(/static/[^"]*)"', page)
        assert len(page.encode()) + sum(len(client.get(file).content) for file in files) < 150_000


def test_the_largest_map_is_light_too(empty_store: Store, client_with: ClientWith):
    """Forty steps and a hundred passages in French, with long names and filters: below 150 kB."""
    chance = random.Random(1)
    events = []
    for number in range(12 * 40):
        step = f"T{chance.randrange(40):02} Determine necessity of stop"
        time = f"2026-02-{number % 12 + 1:02}T{number // 12 % 24:02}:{number // 12 // 24 * 30:02}:00.000000Z"
        subject = f"p1-{number % 12}"
        events.append(event(f"{number:03}", "case.progressed", time, subject, "environmental-permit", step=step))
    seed.fill(empty_store.writer(), events)
    client = client_with(empty_store, small_cell_min=1)
    filters = {"from": "2026-01-01", "to": "2027-01-01", "service": "environmental-permit", "lang": "fr"}
    page = client.get("/map", params={"frequency": "100", **filters})
    assert page.text.count('<tr id="p') == 100
    assert len(page.content) < 150_000


def test_no_journeys(client: httpx.Client, empty_store: Store):
    """A service without journeys has no map, and says so; a platform without events says how to begin."""
    assert "No journey of this kind began in this period" in client.get("/map?service=none&lang=en").text
    for table in ("events", "points", "journeys"):
        empty_store.writer().command(f"TRUNCATE TABLE {table}")
    assert "First steps" in client.get("/map?lang=en").text
    assert "First steps" in client.get("/map/journeys?to_step=x&lang=en").text
