"""A site over some months of phone calls with known waits."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shared.store.client import Store
from tests.insights import seed
from tests.insights.conftest import served
from tests.insights.seed import event

PERIOD = "from=2026-01-01&to=2026-05-01"


def calls() -> list[dict[str, Any]]:
    """120 waits of 400 s in two territories, 60 of 200 s, 12 of 700 s at one office; a person each."""
    waits = [(400.0, "FR/75", 80), (400.0, "FR/13", 40), (200.0, "FR/75", 60), (700.0, "FR/13/office", 12)]
    found = []
    for wait_s, territory, count in waits:
        for number in range(count):
            month, day = 1 + number % 4, 1 + number % 28
            found.append(
                event(
                    f"{territory}-{wait_s}-{number}",
                    "call.answered",
                    f"2026-{month:02}-{day:02}T10:00:00Z",
                    f"p1-{len(found):05}",
                    "tax" if number % 2 else "passport",
                    channel="phone",
                    wait_s=wait_s,
                    territory=territory,
                )
            )
    return found


@pytest.fixture(scope="module")
def filled(store: Store) -> Store:
    """The store with these calls alone."""
    for table in ("events", "points", "late_events", "journeys", "touched_journeys"):
        store.writer().command(f"TRUNCATE TABLE {table}")
    seed.fill(store.writer(), calls())
    return store


@pytest.fixture(scope="module")
def exact(filled: Store) -> Iterator[httpx.Client]:
    """The site with nothing withheld."""
    with served(filled, small_cell_min=1) as client:
        yield client


@pytest.fixture(scope="module")
def site(filled: Store) -> Iterator[httpx.Client]:
    """The site with its usual limit of small cells."""
    with served(filled) as client:
        yield client


def simulate(client: httpx.Client, query: str) -> None:
    """Begin a simulation by the API and wait for its end."""
    begun = client.post(f"/api/v1/simulations?{query}")
    assert begun.status_code == 202, begun.text
    name = begun.json()["name"]
    end = time.monotonic() + 60
    while (state := client.get(f"/api/v1/simulations/{name}").json())["state"] == "running":
        assert time.monotonic() < end
        time.sleep(0.05)
    assert state["state"] == "finished", state
