"""The core against the definitions, on random streams in every order of arrival."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.detection import partition
from shared.journey.control import ClockTicked
from shared.journey.instants import to_text
from tests.detection.comparison import assert_as_defined
from tests.detection.driver import Driver, points_in_force
from tests.strategies.arrivals import Delivery, arrivals, random_delivery
from tests.strategies.documents import random_document
from tests.strategies.events import random_stream, streams

SEEDS_PER_TEST = 200


def check(
    delivery: Delivery, events: list[dict[str, Any]], document: dict[str, Any], checkpoint_every: int, ticks: int = 0
) -> int:
    """Deliver to a fresh detector, with so many more ticks at the end, and compare; the number of points."""
    driver = Driver()
    driver.deliver(delivery, checkpoint_every)
    for _ in range(ticks):
        driver.control(ClockTicked(to_text(delivery.now_us)))
    driver.checkpoint()
    assert not ticks or not driver.partition.state.waiting
    versions = {"version_of": delivery.version_of, "documents": delivery.documents}
    return assert_as_defined(points_in_force(driver.rows), events, delivery.now_us, document, **versions)


@given(st.data())
@settings(max_examples=300)
def test_points_do_not_depend_on_order_repetition_or_crashes(data: st.DataObject) -> None:
    """Whatever order, repetition, cut into records, ticks and crashes: the points in force are those of the definitions."""
    document, events = data.draw(streams(lateness=False))
    documents = [document, *data.draw(st.lists(st.just(document), max_size=1))]
    delivery = data.draw(arrivals(events, documents=documents))
    check(delivery, events, document, data.draw(st.integers(1, 5)))


@pytest.mark.parametrize("start", range(0, 12 * SEEDS_PER_TEST, SEEDS_PER_TEST))
def test_thousands_of_seeded_streams(start: int) -> None:
    """The same for thousands of seeded streams, of up to 60 events, under one or two versions of random settings."""
    points = 0
    for seed in range(start, start + SEEDS_PER_TEST):
        choose = Random(seed)
        document = random_document(seed, lateness=False)
        documents = [document, random_document(seed + 1_000_000, lateness=False)][: choose.choice((1, 2))]
        events = random_stream(seed, choose.choice((3, 6, 12, 30, 60)), document)
        delivery = random_delivery(seed, events, documents=documents, record_max=choose.choice((1, 8, 50)))
        try:
            points += check(delivery, events, document, choose.choice((1, 3, 7)))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    assert points > SEEDS_PER_TEST


def test_sources_with_a_lateness_limit_of_their_own() -> None:
    """An event of a source with a longer limit may come days late and still counts as the definitions say."""
    points = 0
    for seed in range(300):
        document = random_document(seed, lateness=True)
        limits = {source: table["lateness_s"] for source, table in document.get("source", {}).items()}
        events = random_stream(seed, 30, document)
        delivery = random_delivery(
            seed, events, lateness_s=lambda source, limits=limits: limits.get(source, 86_400), documents=[document]
        )
        points += check(delivery, events, document, 4)
    assert points > 300


@pytest.mark.parametrize("max_waiting", [2, 5, 1_000])
def test_long_journeys_that_let_events_wait(max_waiting: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where events out of order wait for ticks or for company, the points are the same in the end."""
    monkeypatch.setattr(partition, "LONG_TAIL", 3)
    monkeypatch.setattr(partition, "EVENTS_A_TICK", 4)
    monkeypatch.setattr(partition, "MAX_WAITING", max_waiting)
    points = 0
    for seed in range(300):
        choose = Random(seed)
        document = random_document(seed, lateness=False)
        documents = [document, random_document(seed + 1_000_000, lateness=False)][: choose.choice((1, 2))]
        events = random_stream(seed, choose.choice((12, 30, 60)), document)
        delivery = random_delivery(seed, events, documents=documents, record_max=choose.choice((1, 8)))
        try:
            points += check(delivery, events, document, choose.choice((1, 3, 7)), ticks=20)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    assert points > 300
