"""The publishers' key: who does not show it is refused before anything is read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.wiring.gateway import check_publishers
from shared.errors import ConfigurationError
from shared.ingest.publisher_key import PublisherKey
from shared.settings import Settings
from tests.ingest.examples import event, text
from tests.ingest.parts import PATHS, SINGLE, Served, serve

KEY = "k" * 31 + "y"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway process that asks for the key."""

    def guard(app: FastAPI) -> None:
        app.add_middleware(PublisherKey, key=KEY, guarded_otherwise=("/v1/redetections",))

    with serve(tmp_path_factory.mktemp("guarded"), prepare=guard) as served:
        yield served


@pytest.mark.parametrize("shown", [None, "", KEY, f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", f"Basic {KEY}", "Bearer é"])
@pytest.mark.parametrize("path", [*PATHS, "/v1/imports", "/v1/nothing"])
def test_without_the_key_nothing_below_v1_answers(guarded: Served, path: str, shown: str | None) -> None:
    """Whatever else is shown: 401, a problem document, how to ask, and nothing is kept."""
    headers = {} if shown is None else {"Authorization": shown.encode()}
    answer = guarded.client.post(path, content=text(event()), headers={"Content-Type": SINGLE, **headers})
    assert (answer.status_code, answer.json()["reason"]) == (401, "key_required")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert KEY not in answer.text
    assert guarded.events() == []


@pytest.mark.parametrize(("lang", "word"), [("fr", "émetteurs"), ("en", "publishers")])
def test_refusal_speaks_both_languages(guarded: Served, lang: str, word: str) -> None:
    """The refusal is in the language asked for."""
    answer = guarded.client.post("/v1/events", headers={"Accept-Language": lang})
    assert (answer.headers["content-language"], word in answer.json()["detail"]) == (lang, True)


def test_with_the_key_events_are_taken(tmp_path: Path) -> None:
    """The key opens every route; health, metrics and the description never ask for it."""
    with serve(tmp_path, prepare=lambda app: app.add_middleware(PublisherKey, key=KEY)) as served:
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
            assert served.client.get(path).status_code == 200
        answer = served.post(text(event()), SINGLE, Authorization=f"Bearer {KEY}")
        assert answer.status_code == 202
        assert len(served.events()) == 1


def test_routes_with_a_guard_of_their_own_are_left_to_it(guarded: Served) -> None:
    """A route that another guard watches is not asked for the publishers' key."""
    answer: httpx.Response = guarded.client.post("/v1/redetections", json={"run": "r"})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"host": "0.0.0.0"}, "PARCOURS_INGEST_KEY"),
        ({"host": "::"}, "PARCOURS_INGEST_KEY"),
        ({"host": "10.0.0.7"}, "PARCOURS_INGEST_KEY"),
        ({"host": "gateway.example"}, "PARCOURS_INGEST_KEY"),
        ({"host": ""}, "PARCOURS_INGEST_KEY"),
        ({"ingest_key": "short"}, "32"),
        ({"ingest_key": "é" * 40}, "header"),
        ({"ingest_key": "a b" * 20}, "header"),
    ],
)
def test_open_gateways_without_a_key_do_not_start(given: dict[str, Any], problem: str) -> None:
    """Bound beyond loopback without a key, or with one that is no use: refused by name, and the key is not shown."""
    with pytest.raises(ConfigurationError, match=problem) as refusal:
        check_publishers(Settings(**given))
    assert given.get("ingest_key", "no key") not in str(refusal.value)


@pytest.mark.parametrize(
    "given", [{"host": "127.0.0.1"}, {"host": "::1"}, {"host": "localhost"}, {"host": "0.0.0.0", "ingest_key": KEY}]
)
def test_loopback_or_a_key_is_enough(given: dict[str, Any]) -> None:
    """On loopback no key is asked for; with one every address may be bound."""
    check_publishers(Settings(**given))
