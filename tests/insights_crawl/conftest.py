"""A site with a little of everything, crawled once."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest

from services.insights.filters import PAGE_FILTER_NAMES
from shared.store.client import Store
from tests.fixtures_store import TABLES
from tests.insights import seed
from tests.insights.conftest import served
from tests.insights.seed import event
from tests.insights_alerts.room import CALLS, FORM, new_room
from tests.insights_crawl.markup import Form, Page

MAX_PAGES = 150
SAME_KIND = 1
"""Addresses that differ only in the values of their parameters are alike: so many of each are opened."""


FILTERS = frozenset({*PAGE_FILTER_NAMES, "lang", "format"})
"""Read the same way everywhere: pages that differ in these alone are alike, and one page tries their odd values."""


class Crawled(NamedTuple):
    """What was found: status and text by address, parameters by path, and forms that change something."""

    answers: dict[str, tuple[int, str, Page | None]]
    parameters: dict[str, dict[str, str]]
    posts: dict[tuple[str, frozenset[str]], Form]


def some_of_everything() -> list[dict[str, Any]]:
    """A quarter of calls, forms, cases and messages of 30 people in two services and three territories."""
    found = []
    for person in range(30):
        who, service, month = f"p1-{person}", ("tax", "passport")[person % 2], 1 + person % 3
        territory = ("FR", "FR/75", "FR/13")[person % 3]
        steps: list[tuple[str, dict[str, Any]]] = [
            ("form.started", {"channel": "web", "step": "identity"}),
            ("form.error", {"channel": "web", "step": "identity"}),
            ("call.queued", {"channel": "phone", "contact": f"k{person}"}),
            ("call.answered", {"channel": "phone", "wait_s": 700.0, "contact": f"k{person}"}),
            ("case.opened", {"case": f"c{person}", "due": f"2026-0{month}-20T00:00:00Z"}),
            ("message.received", {"channel": "email"}),
            ("feedback.given", {"channel": "web", "rating": 1.0 + person % 5}),
        ]
        found += [
            event(
                f"{person}-{n}", kind, f"2026-0{month}-0{1 + n}T1{n}:00:00Z", who, service, territory=territory, **data
            )
            for n, (kind, data) in enumerate(steps)
        ]
    return found


@pytest.fixture(scope="module")
def site(store: Store) -> Iterator[httpx.Client]:
    """The site."""
    for table in TABLES:
        store.writer().command(f"TRUNCATE TABLE {table}")
    seed.fill(store.writer(), some_of_everything())
    with new_room() as room:
        room.fire(FORM, CALLS)
        with served(store, alerts=room.desk, records=room.registry.records, small_cell_min=2) as client:
            yield client


@pytest.fixture(scope="module")
def crawled(site: httpx.Client) -> Crawled:
    """Every page that links lead to, from the overview on."""
    base = str(site.base_url).rstrip("/")
    found = Crawled({}, {}, {})
    waiting, kinds = ["/?lang=fr"], {}
    while waiting and len(found.answers) < MAX_PAGES:
        address = waiting.pop(0)
        kind = kind_of(address)
        if address in found.answers or kinds.get(kind, 0) >= SAME_KIND:
            continue
        kinds[kind] = kinds.get(kind, 0) + 1
        answer = site.get(address)
        page = Page(answer.text) if answer.headers.get("content-type", "").startswith("text/html") else None
        found.answers[address] = (answer.status_code, answer.text if page else "", page)
        _note(found, address, dict(parse_qsl(urlsplit(address).query)))
        for form in page.forms if page else []:
            action = urlsplit(urljoin(f"{base}{address}", form.action))
            if form.method == "post":
                target = f"{action.path}?{action.query}" if action.query else action.path
                found.posts.setdefault((action.path, frozenset(form.fields)), Form("post", target, form.fields))
            else:
                _note(found, action.path, form.fields)
        waiting += [link for link in map(local(base, address), page.links if page else []) if link]
    return found


def local(base: str, address: str) -> Any:
    """Turns a link of a page into an address of the site; '' for one that leads elsewhere."""

    def turn(link: str) -> str:
        joined = urljoin(f"{base}{address}", link).partition("#")[0]
        return joined.removeprefix(base) if joined.startswith(f"{base}/") else ""

    return turn


def kind_of(address: str) -> tuple[str, frozenset[str]]:
    """What is alike: the path, ids in it left out, and the names of the parameters."""
    parts = urlsplit(address)
    path = "/".join(
        "*" if any(each.isdigit() for each in part) and len(part) > 8 else part for part in parts.path.split("/")
    )
    names = frozenset(name for name, _ in parse_qsl(parts.query, keep_blank_values=True)) - FILTERS
    return path, names


def _note(found: Crawled, address: str, parameters: dict[str, str]) -> None:
    known = found.parameters.setdefault(urlsplit(address).path, {})
    for name, value in parameters.items():
        known[name] = known.get(name) or value
