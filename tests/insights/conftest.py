"""The application over a real store, with small stand-ins for the ports that the composition root gives."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.insights.app import build_app
from services.insights.ports import RedetectionRefused
from shared.detection.settings import DEFAULTS, RuleBook, merged
from shared.settings import Settings
from shared.store.client import Store
from tests.insights import seed

NOW_US = seed.instant_us("2026-11-22T09:00:00Z")


class FakeLoading:
    """A loader that runs, with a lag that tests may set."""

    def __init__(self) -> None:
        self.running = True
        self.behind: dict[str, int] = {"journey-events.ingest": 0, "frictions.detector": 0}

    def alive(self) -> bool:
        return self.running

    def lag(self) -> Mapping[str, int]:
        return self.behind


class FakeRedetections:
    """Takes one run at a time."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}

    def start(self, service: str | None) -> str:
        if any(run["state"] == "running" for run in self.runs.values()):
            raise RedetectionRefused("a run is under way")
        name = f"run-{len(self.runs) + 1}"
        self.runs[name] = {"run": name, "service": service, "state": "running"}
        return name

    def state(self, run: str) -> Mapping[str, Any] | None:
        return self.runs.get(run)


@pytest.fixture
def loading() -> FakeLoading:
    """The loader's stand-in."""
    return FakeLoading()


@pytest.fixture
def client_with(loading: FakeLoading) -> Callable[..., TestClient]:
    """Makes clients of an application over a store; `rules` is laid over the default settings."""

    def make(store: Any, rules: Mapping[str, Any] | None = None, **settings: Any) -> TestClient:
        return make_client(store, loading, rules, **settings)

    return make


def make_client(
    store: Any, loading: FakeLoading | None = None, rules: Mapping[str, Any] | None = None, **settings: Any
) -> TestClient:
    """A client of an application over a store."""
    book = RuleBook(merged(DEFAULTS, rules or {}), 1)
    app = build_app(
        store=store,
        rules=lambda: book,
        loading=loading or FakeLoading(),
        doctor=lambda: {"ok": True, "parts": []},
        migrations=lambda: [{"number": 1, "name": "0001_events", "applied": True}],
        redetections=FakeRedetections(),
        settings=Settings(**settings),
        clock=lambda: NOW_US,
        version="0.1.0",
    )
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def client(empty_store: Store, client_with: Callable[..., TestClient]) -> TestClient:
    """A client over an empty store."""
    return client_with(empty_store)
