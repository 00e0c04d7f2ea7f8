"""What goes wrong is said: problem+json for the API, a page for people, in their language, and never a 5xx for a filter."""

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import QueryLimitExceeded, StoreBusy, StoreError
from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import ClientWith, FakeLoading, served
from tests.insights.seed import event

ADDRESSES = (
    "/",
    "/points",
    "/api/v1/frictions?purpose=check-rule&",
    "/api/v1/frictions.ndjson?purpose=check-rule&",
    "/api/v1/frictions/summary",
    "/api/v1/events/summary",
    "/api/v1/rejected/summary",
)
ODD = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "", " ", "'", '"', "\\", "\\N", "%", "{x:String}", "'; DROP TABLE points; --", "\0", "\t\n", "0", "-1", "1e9",
            "NaN", "2026-02-30", "2026-13-01", "1899-12-31", "2300-01-01", "9999-12-31", "0000-00-00", "2026-03-01",
            "2026-03-01T25:00:00Z", "2026-03-01T10:00:00", "2026-03-01T10:00:00+99:99", "2299-12-31T23:59:59-23:59",
            "1900-01-01T00:00:00+23:59", "repeat_contact", "housing", "fr/", "/", "fr//idf", "WzEsImEiXQ", "a" * 5_000,
            "service", "rule", "type", "𝔘", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        ]
    ),
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "rule",
        "service",
        "channel",
        "territory",
        "source",
        "from",
        "to",
        "limit",
        "cursor",
        "group_by",
        "lang",
        "order",
        "opened",
        "purpose",
        "x",
    ]
)


@pytest.fixture(scope="module")
def filled_client(store: Store):
    """A client over a little data, shared by the tests of this module."""
    for table in ("events", "points"):
        store.writer().command(f"TRUNCATE TABLE {table}")
    days = [event(str(day), "contact.made", f"2026-03-{day:02}T10:00:00.000000Z", "p1-a", "housing", channel="phone")
            for day in range(1, 8)]  # fmt: skip
    seed.fill(store.writer(), days)
    with served(store) as client:
        yield client


@given(st.sampled_from(ADDRESSES), st.dictionaries(NAMES, ODD, max_size=4))
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_any_filter_value_gives_an_answer_or_a_4xx(filled_client: httpx.Client, path: str, parameters: dict[str, str]):
    """No value of any parameter, alone or with others, makes the server fail."""
    query = urlencode(parameters, errors="surrogatepass")
    response = filled_client.get(f"{path}{query}" if "?" in path else f"{path}?{query}")
    assert response.status_code in {200, 400, 422}, response.text
    if response.status_code != 200 and path.startswith("/api/"):
        problem = response.json()
        assert response.headers["content-type"] == "application/problem+json"
        assert set(problem) == {"type", "title", "status", "detail"}
        assert "%(" not in problem["detail"]


@given(
    st.sampled_from(
        ["/points/", "/journeys/", "/rules/", "/api/v1/journeys/", "/api/v1/redetections/", "/static/", "/"]
    ),
    ODD,
)
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
def test_no_name_in_a_path_makes_the_server_fail(filled_client: httpx.Client, prefix: str, rest: str):
    """Whatever stands in a path, the answer is a page, a document or a 4xx."""
    encoded = "".join(f"%{byte:02x}" for byte in rest.encode("utf-8", "surrogatepass"))
    response = filled_client.get(prefix + encoded, follow_redirects=True)
    assert response.status_code < 500, response.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/frictions", 422),
        ("/api/v1/frictions.ndjson?purpose=curiosity", 422),
        ("/api/v1/journeys/x?purpose=other", 422),
        ("/api/v1/journeys/x?purpose=check-rule", 404),
        ("/api/v1/frictions?nonsense=1", 422),
        ("/api/v1/frictions?rule=nonsense", 422),
        ("/api/v1/frictions?from=2026-03-02&to=2026-03-02", 422),
        ("/api/v1/frictions?service=a&service=b", 422),
        ("/api/v1/frictions?purpose=check-rule&cursor=nonsense", 422),
        ("/api/v1/frictions?purpose=check-rule&limit=0", 422),
        ("/api/v1/frictions?purpose=check-rule&limit=1001", 422),
        ("/api/v1/frictions/summary?group_by=source", 422),
        ("/api/v1/events/summary?group_by=rule", 422),
        ("/api/v1/rejected/summary?channel=web", 422),
        ("/api/v1/nothing", 404),
        ("/api/v1/redetections/none", 404),
    ],
)
def test_problems_come_in_both_languages(client: httpx.Client, path: str, status: int):
    """RFC 9457, with a title and a sentence in the language asked for; nothing of the request is lost in translation."""
    answers = {}
    for language in ("fr", "en"):
        response = client.get(path, headers={"accept-language": language})
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["content-language"] == language
        answers[language] = response.json()
    assert answers["fr"]["type"] == answers["en"]["type"]
    assert answers["fr"]["type"].startswith("urn:parcours:problem:")
    assert answers["fr"]["title"] != answers["en"]["title"]
    assert answers["fr"]["detail"] != answers["en"]["detail"]


@pytest.mark.parametrize(("language", "word"), [("fr", "Introuvable"), ("en", "Not found")])
def test_a_missing_page_is_a_page(client: httpx.Client, language: str, word: str):
    """People get a page with the way back, not JSON."""
    response = client.get(f"/nothing?lang={language}")
    assert response.status_code == 404
    assert f'<html lang="{language}">' in response.text
    assert word in response.text


class FailingStore:
    """A store of which every query fails in a given way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def query(self, sql: str, parameters: Any) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (QueryLimitExceeded("too long"), 422, "shorter period"),
        (StoreBusy("too many"), 503, "at once"),
        (StoreError("no answer"), 503, "in a moment"),
        (RuntimeError("secret of the person"), 500, "our fault"),
    ],
)
def test_failures_of_the_store(client_with: ClientWith, caplog, error: Exception, status: int, word: str):
    """A question that is too large asks for a shorter period; a failing store is 503; a defect tells nothing of itself."""
    client = client_with(FailingStore(error))
    purpose = "purpose=check-rule"
    for path in (f"/api/v1/frictions?{purpose}", f"/api/v1/frictions.ndjson?{purpose}", "/"):
        response = client.get(path)
        assert response.status_code == status, path
        assert word in response.text
        assert "secret" not in response.text
        assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert (client.get(f"/api/v1/frictions?{purpose}").headers.get("retry-after") is not None) == (status == 503)


def test_readiness(client_with: ClientWith, empty_store: Store, loading: FakeLoading):
    """Ready while ClickHouse answers, the loader runs and little waits; else 503, naming what is wrong."""
    client = client_with(empty_store)
    assert client.get("/readyz").json()["ready"] is True
    loading.running = False
    response = client.get("/readyz")
    assert (response.status_code, response.json()["checks"]["clickhouse"]) == (503, "ok")
    assert "loader" in response.json()["checks"]["loader"]
    loading.running = True
    loading.behind["journey-events.ingest"] = 1_000_000
    assert client.get("/readyz").status_code == 503
    failing = client_with(FailingStore(StoreError("no answer")))
    assert failing.get("/readyz").status_code == 503
    assert failing.get("/healthz").status_code == 200


def test_readiness_asks_the_host_too(empty_store: Store):
    """What the process that hosts the pages checks is part of readiness, in its own words."""
    found = {"detector": "ok", "tables": "ok"}
    checks = {name: lambda name=name: found[name] for name in found}
    with served(empty_store, checks=checks) as client:
        assert client.get("/readyz").json()["checks"]["detector"] == "ok"
        found["detector"] = "The detector's last sign is 40 s old"
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["checks"]["detector"] == "The detector's last sign is 40 s old"


@pytest.mark.parametrize(
    "path", ["/", "/points", "/journeys", "/rules", "/accessibilite", "/healthz", "/readyz", "/api/v1/rules"]
)
def test_head_answers_like_get_without_a_body(client: httpx.Client, path: str):
    """Status and headers of GET, nothing else; what takes no GET takes no HEAD."""
    asked, got = client.head(path), client.get(path)
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["content-length"] == got.headers["content-length"]
    assert asked.headers["content-type"] == got.headers["content-type"]
    assert client.head("/api/v1/redetections").status_code == 405


def test_no_answer_repeats_the_host_of_the_request(client: httpx.Client):
    """An address with a slash too many is not found; no redirect follows a Host that anyone may have written."""
    for path in ("/rules/", "/points/", "/api/v1/rules/"):
        response = client.get(path, headers={"host": "elsewhere.test"})
        assert response.status_code == 404
        assert "location" not in response.headers
        assert "elsewhere.test" not in response.text
