"""Every link of every page leads somewhere; whatever stands in an address or a form gives a page or a refusal, no fault."""

import re
from itertools import cycle, islice
from urllib.parse import quote, urlencode, urlsplit

import httpx

from services.insights.pages.menu import MENU
from tests.insights_crawl.conftest import FILTERS, Crawled

ODD = (
    "", " ", "0", "-1", "1e309", "9" * 400, "NaN", "Infinity", "1,5", "٣", "null", "[]", "{}",
    "\0", "a\0b", "'; DROP TABLE events; --", '" OR 1=1', "${7*7}{{7*7}}%(x)s%s", "<script>alert(1)</script>",
    "../../etc/passwd", "é" * 300, "\U0001f469\u200d\U0001f52c", "\u202e\ufeff\r\nSet-Cookie: a=b", "a" * 5_000,
    "2026-02-30", "9999-12-31", "0001-01-01", "2026-01-01T00:00:00+99:99", "true", "on",
)  # fmt: skip
EACH = 3
"""Odd values tried for one parameter of one page: the next three each time, so that all come round."""
OUTSIDE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)
_FAULT_OF_THE_LINK = {404, 405, 422}


def refused_or_answered(response: httpx.Response) -> bool:
    """No fault of ours; 503 only where the platform says that it is busy."""
    return response.status_code < 500


def test_every_link_leads_somewhere(crawled: Crawled):
    """Each page and file that a page links to is there, and takes the parameters that the link gives it."""
    assert len(crawled.answers) > 30
    wrong = {
        address: status
        for address, (status, _, _) in crawled.answers.items()
        if status >= 500 or (status in _FAULT_OF_THE_LINK and not _asks_for_purpose(address))
    }
    assert wrong == {}


def _asks_for_purpose(address: str) -> bool:
    """Operations of the API that give out single people's data ask for a purpose, which no link can state."""
    return urlsplit(address).path.startswith(
        ("/api/v1/exports", "/api/v1/frictions", "/api/v1/journeys", "/api/v1/figures/what-if")
    )


def test_every_page_of_the_menu_is_crawled(crawled: Crawled):
    """So a new page is looked at without being named here."""
    paths = {urlsplit(address).path for address in crawled.answers}
    assert {entry.path for entry in MENU} <= paths
    assert {"/exports", "/api/docs"} <= paths


def test_no_page_refers_to_an_outside_address(crawled: Crawled):
    """Links, parts, forms: all stay on the site, in every page there is."""
    outside = {
        (address, each)
        for address, (_, _, page) in crawled.answers.items()
        for each in (page.addresses if page else [])
        if OUTSIDE.match(each)
    }
    assert outside == set()


def test_nothing_stands_in_a_page_that_the_policy_forbids(crawled: Crawled):
    """No inline style, script or handler in any page."""
    for address, (_, text, _) in crawled.answers.items():
        assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)[^>]*>|\son[a-z]+=\"", text), address


def test_any_value_of_any_parameter_gives_a_page_or_a_refusal(site: httpx.Client, crawled: Crawled):
    """Huge numbers, NaN, unicode, null characters, quotes, repeated and very long values: never a fault (5xx)."""
    odd, faults, asked = cycle(ODD), [], 0
    for path, parameters in sorted(crawled.parameters.items()):
        if path.startswith("/static"):
            continue
        usual = {name: value for name, value in parameters.items() if value}
        names = {*parameters, "no-such"} - (frozenset() if path in {"/", "/api/v1/figures/what-if"} else FILTERS)
        for name in sorted(names):
            addresses = [f"{path}?{urlencode({**usual, name: value})}" for value in islice(odd, EACH)]
            addresses.append(f"{path}?{urlencode([(name, 'a'), (name, 'b')])}")
            for address in addresses:
                answer = site.get(address)
                asked += 1
                if not refused_or_answered(answer):
                    faults.append((answer.status_code, address[:200]))
        everything = urlencode({name: next(odd) for name in parameters})
        if everything and not refused_or_answered(site.get(f"{path}?{everything[:20_000]}")):
            faults.append((500, path))
    assert faults == []
    assert asked > 200


def test_any_value_in_a_path_gives_a_page_or_a_refusal(site: httpx.Client, crawled: Crawled):
    """The last part of every path in turn is something odd."""
    parents = {urlsplit(address).path.rpartition("/")[0] for address in crawled.answers} - {""}
    faults = [
        (parent, value[:40], answer.status_code)
        for parent in sorted(parents)
        for value in ODD
        if len(value) < 1_000 and not refused_or_answered(answer := site.get(f"{parent}/{quote(value, safe='')}"))
    ]
    assert faults == []


def test_any_value_in_a_form_gives_a_page_or_a_refusal(site: httpx.Client, crawled: Crawled):
    """Each field of each form that changes something takes odd values, one at a time and all at once."""
    assert crawled.posts
    odd, faults = cycle(ODD), []
    for form in crawled.posts.values():
        bodies = [{**form.fields, name: value} for name in form.fields for value in islice(odd, EACH)]
        bodies += [{name: next(odd) for name in form.fields}, {}]
        for body in bodies:
            answer = site.post(form.action, data=body)
            if not refused_or_answered(answer):
                faults.append((answer.status_code, form.action, str(body)[:200]))
        for content in (b"\xff\xfe", b"a=%zz&&&=&a", b"x" * 70_000, b"&".join(b"a=b" for _ in range(2_000))):
            answer = site.post(
                form.action, content=content, headers={"content-type": "application/x-www-form-urlencoded"}
            )
            if not refused_or_answered(answer):
                faults.append((answer.status_code, form.action, str(content)[:50]))
    assert faults == []
