"""The pages as documents: both languages, nothing from elsewhere, nothing inline, small counts, unknown apart from zero."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from babel.messages.extract import extract_from_dir

from services.insights.filters import Filters
from services.insights.language import read_catalogue
from services.insights.pages.words import EVENT_WORD_TYPES, FIELD_WORD_NAMES
from services.insights.queries import FIELD_BITS
from shared.detection.register import DECLARATIONS
from shared.detection.settings import RULES
from shared.journey.vocabulary import EVENT_TYPES
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import PURPOSE, ClientWith, opened
from tests.insights.seed import event

INSIGHTS = Path(__file__).parents[2] / "services" / "insights"


def months_of_contacts() -> list[dict[str, Any]]:
    """Two years of contacts; in the last month a person comes back twelve times."""
    events = [
        event(
            f"m{month}", "contact.made", f"2025-{month:02}-03T09:00:00.000000Z", f"p1-{month}", "housing", channel="web"
        )
        for month in range(1, 13)
    ]
    return events + [
        event(f"d{day}", "contact.made", f"2026-02-{day:02}T09:00:00.000000Z", "p1-x", "<b>tax</b> & co", channel="phone",
              territory="fr/75")
        for day in range(1, 14)
    ]  # fmt: skip


@pytest.fixture
def filled(empty_store: Store) -> Store:
    """A store with `months_of_contacts`."""
    seed.fill(empty_store.writer(), months_of_contacts())
    return empty_store


class Outline(HTMLParser):
    """Collects tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def addresses(client: httpx.Client) -> list[str]:
    """One address of every kind of page."""
    point = client.get("/api/v1/frictions", params=PURPOSE).json()["points"][0]
    return [
        "/",
        "/?order=minutes",
        "/points",
        opened(client, "/points"),
        f"/points/{point['id']}",
        opened(client, f"/points/{point['id']}"),
        "/journeys",
        opened(client, f"/journeys/{point['journey']}"),
        "/annotations",
        "/rules",
        "/rules/long_wait",
        "/accessibilite",
        "/none",
    ]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_stands_alone(filled: Store, client_with: ClientWith, language: str):
    """No outside address, no script, no inline style, one h1, headings in order, landmarks, language, strict headers."""
    client = client_with(filled)
    for address in addresses(client):
        response = client.get(address, headers={"accept-language": language})
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "same-origin"
        assert response.headers["cache-control"] == "no-store"
        assert not re.search(r"https?:", response.text), address
        outline = Outline(response.text)
        names = [tag for tag, _ in outline.tags]
        assert "script" not in names
        assert "style" not in names
        assert not [
            attrs for _, attrs in outline.tags if "style" in attrs or any(name.startswith("on") for name in attrs)
        ]
        assert ("html", {"lang": language}) in outline.tags
        assert names.count("h1") == names.count("main") == names.count("header") == names.count("footer") == 1
        levels = [int(name[1]) for name in names if re.fullmatch("h[1-6]", name)]
        assert all(after <= before + 1 for before, after in zip([0, *levels], levels, strict=False)), address
        ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
        assert len(ids) == len(set(ids)), address


def test_static_files_stand_alone_and_are_cached(client: httpx.Client):
    """Style sheets refer to nothing elsewhere; a fingerprinted address may be kept for ever, another is revalidated."""
    page = client.get("/").text
    for address in re.findall(r'(?:href|src)="(/static/[^"]*)"', page):
        response = client.get(address)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", response.text)
        again = client.get(address.partition("?")[0], headers={"if-none-match": response.headers["etag"]})
        assert again.status_code == 304
        assert "must-revalidate" in again.headers["cache-control"]
    assert client.get("/favicon.ico").headers["content-type"] == "image/svg+xml"


def test_what_publishers_send_is_only_text(filled: Store, client_with: ClientWith):
    """A service's name cannot become markup, nor break a link."""
    client = client_with(filled)
    page = client.get("/").text
    assert "<b>tax" not in page
    assert "&lt;b&gt;tax&lt;/b&gt; &amp; co" in page
    link = re.search(r'href="(/\?service=%3Cb%3Etax[^"]*)"', page)
    assert link
    assert client.get(link[1].replace("&amp;", "&")).status_code == 200


def test_the_period_is_the_last_that_has_data(filled: Store, client_with: ClientWith):
    """Twelve calendar months up to the latest event, said in words; the address can choose another, half-open."""
    client = client_with(filled)
    page = Outline(client.get("/").text).text.replace("\u00a0", " ")
    assert "The last period that has data: from 1 March 2025 to 28 February 2026" in page
    page = Outline(client.get("/?from=2025-01-01&to=2025-02-01").text).text.replace("\u00a0", " ")
    assert "From 1 January 2025 to 31 January 2025" in page
    page = Outline(client.get("/?from=2026-02-01&lang=fr").text).text.replace("\u00a0", " ")
    assert "Du 1er février 2026 au 13 février 2026" in page


def test_small_counts_are_not_shown(empty_store: Store, client_with: ClientWith):
    """Points and journeys below the limit are “not shown”; at the limit and above they are shown; 0 is 0."""
    seed.fill(empty_store.writer(), months_of_contacts())
    few, shown = client_with(empty_store), client_with(empty_store, small_cell_min=1)
    row = re.compile(r'href="/frictions/repeat_contact">.*?</tr>', re.DOTALL)

    def cells(client: httpx.Client) -> list[str]:
        found = row.search(client.get("/").text)
        assert found
        return [re.sub(r"<.*?>|\s+$|^\s+", "", cell) for cell in re.findall(r"<td.*?</td>", found[0], re.DOTALL)]

    assert cells(few)[:2] == ["12", "not shown"]
    assert cells(shown)[:2] == ["12", "1"]
    assert "non affiché" in few.get("/?lang=fr").text


def test_unknown_is_not_zero(filled: Store, client_with: ClientWith):
    """Rules that cannot be observed, that noticed nothing, and that are off are three different lists."""
    client = client_with(filled)
    page = client.get("/").text
    unobservable = page.partition("Cannot be observed here")[2].partition("</div>")[0]
    quiet = page.partition("Observed, nothing noticed")[2].partition("</div>")[0]
    off = page.partition("Switched off")[2].partition("</div>")[0]
    assert "/rules/long_wait" in unobservable
    assert "/rules/rework" in off
    assert "/rules/channel_switch" in quiet
    assert "/rules/long_wait" not in quiet + off


def test_a_point_shows_its_evidence_and_what_lay_between(empty_store: Store, client_with: ClientWith):
    """The timeline tells the events in order, marks the evidence, names settings and rule."""
    events = [
        event("1", "contact.made", "2026-02-01T09:00:00.000000Z", "p1-a", "tax", channel="web"),
        event("2", "case.closed", "2026-02-02T09:00:00.000000Z", "p1-a", "tax", case="c"),
        event("3", "contact.made", "2026-02-03T09:30:00.000000Z", "p1-a", "tax", channel="phone"),
    ]
    seed.fill(empty_store.writer(), events)
    client = client_with(empty_store)
    (point,) = client.get("/api/v1/frictions?rule=channel_switch&purpose=check-rule").json()["points"]
    page = client.get(opened(client, f"/points/{point['id']}")).text
    text = Outline(page).text
    assert point["sentence"] in text
    steps = re.findall(r'<li class="step( evidence)?">', page)
    assert steps == [" evidence", "", " evidence"]
    assert text.index("Contact made") < text.index("Case closed") < text.rindex("Contact made")
    assert "window_s" in text
    assert 'href="/rules/channel_switch"' in page


def test_an_empty_platform_says_what_to_do(client: httpx.Client):
    """First steps instead of empty charts, on every page that would show data, in both languages."""
    assert "parcours import" in client.get("/").text
    assert "Premiers pas" in client.get("/points?lang=fr").text


def test_an_explicit_language_stays_in_links(filled: Store, client_with: ClientWith):
    """`?lang=` is carried by every link to a page; without it none carries a language but the switch itself."""
    client = client_with(filled)
    for asked, expected in (("/?lang=fr", True), ("/", False)):
        tags = Outline(client.get(asked).text).tags
        links = [attrs["href"] or "" for tag, attrs in tags if tag == "a" and "hreflang" not in attrs]
        pages = [link for link in links if link.startswith("/") and not link.startswith("/api/")]
        assert pages
        assert all(("lang=fr" in link) == expected for link in pages)


def extracted() -> set[str | tuple[str, ...]]:
    """Every message that code and templates mark for translation."""
    keywords = {"_": None, "N_": None, "text": None, "gettext": None, "ngettext": (1, 2), "plural": (1, 2)}
    options = {"**.html": {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true"}}
    methods = [("**.py", "python"), ("**.html", "jinja2")]
    return {message for _, _, message, _, _ in extract_from_dir(INSIGHTS, methods, options, keywords)}


def test_translations_are_complete():
    """Every message has its French, with the same places for values (of a plural, a form may spell the number out)."""
    catalog = read_catalogue("fr")
    french = {message.id: message.string for message in catalog if message.id}
    assert set(french) == extracted()
    for message, translation in french.items():
        originals = [message] if isinstance(message, str) else list(message)
        translations = [translation] if isinstance(translation, str) else list(translation)
        assert all(translations), message
        spelled_out = {"%(num)s"} if len(originals) > 1 else set()
        places = {frozenset(re.findall(r"%\(\w+\)s", text)) - spelled_out for text in [*originals, *translations]}
        assert len(places) == 1, message
    assert not catalog.obsolete


def test_words_cover_the_vocabulary():
    """Every event type, and every field that a rule needs, has words; every needed field can be looked for."""
    assert set(EVENT_TYPES) <= EVENT_WORD_TYPES
    needed = {field for each in DECLARATIONS.values() for field in each.needed_fields}
    assert needed <= FIELD_WORD_NAMES
    assert needed <= FIELD_BITS.keys()


def test_every_rule_has_a_register_page(client: httpx.Client):
    """In both languages, with its settings."""
    for rule in RULES:
        for language in ("fr", "en"):
            page = client.get(f"/rules/{rule}?lang={language}").text
            assert DECLARATIONS[rule].title.in_language(language) in Outline(page).text


def test_filters_survive_a_round_trip_through_the_address():
    """What a link carries is what the page reads back."""
    filters = Filters(rule="rework", service="a&b=c", from_us=1_772_323_200_000_000, to_us=1_772_323_200_000_001)
    assert filters.parameters() == {
        "rule": "rework",
        "service": "a&b=c",
        "from": "2026-03-01",
        "to": "2026-03-01T00:00:00.000001Z",
    }
