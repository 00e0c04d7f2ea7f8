"""The application over a real store, with small stand-ins for the ports that the composition root gives."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from services.insights.app import build_app
from services.insights.ports import AlertDesk, ReadinessChecks
from services.wiring.http import serve
from services.wiring.simulation import build_simulations
from shared.detection.settings import DEFAULTS, RuleBook, merged
from shared.errors import RedetectionRefused
from shared.registry.records import Records
from shared.registry.registry import Registry
from shared.settings import Settings
from shared.store.client import Store
from tests.insights import seed

PURPOSE = {"purpose": "check-rule"}
"""What single points and journeys are opened for."""
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


ClientWith = Callable[..., httpx.Client]


@contextmanager
def new_registry() -> Iterator[Registry]:
    """An empty registry, a SQLite file that goes with it."""
    with TemporaryDirectory(prefix="parcours-") as folder:
        path = Path(folder) / "registry.sqlite"
        path.write_bytes(_empty_registry())
        with Registry(f"sqlite:///{path}") as registry:
            yield registry


@cache
def _empty_registry() -> bytes:
    """The file of a registry whose tables are there: making them takes longer than most tests."""
    with TemporaryDirectory(prefix="parcours-") as folder:
        path = Path(folder) / "registry.sqlite"
        with Registry(f"sqlite:///{path}") as registry:
            registry.upgrade()
        return path.read_bytes()


@contextmanager
def new_records() -> Iterator[Records]:
    """The records of an empty registry."""
    with new_registry() as registry:
        yield registry.records


@contextmanager
def served(
    store: Any,
    loading: FakeLoading | None = None,
    rules: Mapping[str, Any] | None = None,
    checks: ReadinessChecks | None = None,
    records: Records | None = None,
    alerts: AlertDesk | None = None,
    **settings: Any,
) -> Iterator[httpx.Client]:
    """A client of an application over a store, served over HTTP; `rules` is laid over the default settings.

    `records` are those of a registry of its own unless given; without `alerts` the site has none.
    """
    if records is None:
        with new_records() as made, served(store, loading, rules, checks, made, alerts, **settings) as client:
            yield client
        return
    book = RuleBook(merged(DEFAULTS, rules or {}), 1)
    simulations = build_simulations(store, lambda: NOW_US)
    app = build_app(
        store=store,
        rules=lambda: book,
        loading=loading or FakeLoading(),
        doctor=lambda: {"ok": True, "parts": []},
        migrations=lambda: [{"name": "0001_events.sql", "status": "applied"}],
        redetections=FakeRedetections(),
        settings=Settings(**settings),
        clock=lambda: NOW_US,
        version="0.1.0",
        checks=checks,
        records=records,
        opening_key=b"a key of the tests",
        simulations=simulations,
        alerts=alerts,
    )
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(app, listener, stop))
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=60) as client:
            yield client
    finally:
        simulations.close()
        stop.set()
        thread.join(20)
        listener.close()


def opened(client: httpx.Client, address: str) -> str:
    """The address at which a page shows that is opened for a purpose, for the next quarter of an hour."""
    response = client.post(address, data=PURPOSE)
    assert response.status_code == 303, response.text
    return response.headers["location"]


@pytest.fixture
def client_with(loading: FakeLoading) -> Iterator[ClientWith]:
    """Makes clients of an application over a store."""
    with ExitStack() as stack:

        def make(store: Any, rules: Mapping[str, Any] | None = None, **settings: Any) -> httpx.Client:
            return stack.enter_context(served(store, loading, rules, **settings))

        yield make


@pytest.fixture
def client(empty_store: Store, client_with: ClientWith) -> httpx.Client:
    """A client over an empty store."""
    return client_with(empty_store)
