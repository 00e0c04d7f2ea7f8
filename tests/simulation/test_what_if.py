"""Other settings tried on the past: what they find is what the definitions give, and nothing else changes."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from services.simulation.job import Past, Run, Simulations
from services.wiring.simulation import build_simulations
from shared.detection.settings import DEFAULTS
from shared.detection.what_if import Comparing, Scenario, SimulationRefused
from shared.store.client import Store
from shared.store.past_of_people import PastOfPeople
from tests.insights import seed
from tests.insights.seed import event
from tests.simulation.samples import FROM_US, NOW_US, SCENARIOS, TO_US, counts, expected, some_events


@pytest.fixture
def simulations(empty_store: Store) -> Iterator[Simulations]:
    """The runs over the store of the tests, with small slices."""
    made = Simulations(
        lambda from_us, to_us, service: PastOfPeople(empty_store, from_us, to_us, service),
        lambda: NOW_US,
        slice_events=200,
    )
    yield made
    made.close()


def finished(simulations: Simulations, scenario: Scenario, document: Mapping[str, Any] = DEFAULTS) -> Run:
    """The run once it has ended."""
    name = simulations.start(scenario, document)
    wait_for(lambda: simulations.find(name).state != "running")
    return simulations.find(name)


def wait_for(holds: Callable[[], Any], limit_s: float = 60) -> None:
    """Until it holds."""
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.rule)
def test_it_finds_what_the_definitions_give(empty_store: Store, simulations: Simulations, scenario: Scenario):
    """Points now, then, appearing and disappearing, rule by rule, are those of the reference on the same events."""
    events = some_events(300)
    seed.insert(empty_store.writer(), seed.Kind.EVENTS, events)
    run = finished(simulations, scenario)
    assert run.state == "finished"
    assert {rule: counts(cell) for rule, cell in run.result.cells["rule"].items()} == expected(events, scenario)
    total = run.result.cells["rule"][scenario.rule]
    assert total.appear or total.disappear
    for group in ("service", "channel", "territory", "day"):
        assert sum((counts(cell) for cell in run.result.cells[group].values()), Counter()) == counts(total)


def test_nothing_changes_where_nothing_differs(empty_store: Store, simulations: Simulations):
    """With the settings in force, no point appears and none disappears; nothing is written to the store."""
    events = some_events(100)
    seed.insert(empty_store.writer(), seed.Kind.EVENTS, events)
    before = empty_store.query("SELECT count() FROM points").rows
    run = finished(simulations, Scenario(rule="rework", settings={"enabled": False}, from_us=FROM_US, to_us=TO_US))
    cells = run.result.cells["rule"].values()
    assert sum(cell.now for cell in cells) > 20
    assert all(cell.appear == cell.disappear == 0 and cell.now == cell.then for cell in cells)
    assert empty_store.query("SELECT count() FROM points").rows == before


def test_minutes_and_journeys_are_counted(empty_store: Store, simulations: Simulations):
    """Two waits of one journey and one of another: minutes add up, journeys count once; what cannot be told is no 0."""
    waits = [("a1", "p1-a", 400.0), ("a2", "p1-a", 700.0), ("b1", "p1-b", 700.0)]
    events = [
        event(name, "call.answered", f"2026-01-05T10:0{number}:00Z", subject, "tax", channel="phone", wait_s=wait_s)
        for number, (name, subject, wait_s) in enumerate(waits)
    ]
    seed.insert(empty_store.writer(), seed.Kind.EVENTS, events)
    scenario = Scenario(rule="long_wait", settings={"limit_s": {"phone": 600}}, from_us=FROM_US, to_us=TO_US)
    cell = finished(simulations, scenario).result.cells["rule"]["long_wait"]
    assert (cell.now, cell.then, cell.disappear) == (3, 2, 1)
    assert (cell.journeys_now, cell.journeys_then) == (2, 2)
    assert (round(cell.citizen_now), round(cell.citizen_then)) == (30, 23)
    assert (cell.known_citizen_then, cell.known_administration_then) == (2, 0)
    assert (cell.now_squares, cell.then_squares, cell.change_squares) == (5, 2, 1)


def test_too_many_events_are_sampled_and_said(empty_store: Store):
    """Beyond the bound one person in so many is folded, always the same ones, and the estimate is near the truth."""
    events = some_events(2_000)
    seed.insert(empty_store.writer(), seed.Kind.EVENTS, events)
    scenario = SCENARIOS[0]
    results = []
    for _ in range(2):
        simulations = Simulations(
            lambda from_us, to_us, service: PastOfPeople(empty_store, from_us, to_us, service), lambda: NOW_US,
            max_events=3_000, slice_events=1_000,
        )  # fmt: skip
        run = finished(simulations, scenario)
        assert run.one_in == 3
        assert 0.2 < run.result.people / run.people < 0.47
        results.append(run.result)
    assert results[0] == results[1]
    truth = expected(events, scenario)["repeat_contact"]["now"]
    cell = results[0].cells["rule"]["repeat_contact"]
    error = (3 * 2 * cell.now_squares) ** 0.5
    assert abs(3 * cell.now - truth) < 3 * error


def test_one_at_a_time_and_ended_at_will(empty_store: Store):
    """A second run is refused while the first is under way, the same one goes on; an ended run leaves no process."""
    begun, go_on = threading.Event(), threading.Event()

    class SlowPast:
        def count(self) -> tuple[int, int]:
            return 200_000, 5

        def read(self, number: int, slices: int, of: int = 1) -> bytes:
            begun.set()
            go_on.wait(30)
            return b"[]"

    past: Past = SlowPast()
    simulations = Simulations(lambda *_: past, lambda: NOW_US)
    name = simulations.start(SCENARIOS[0], DEFAULTS)
    assert begun.wait(30)
    assert simulations.start(SCENARIOS[0], DEFAULTS) == name
    with pytest.raises(SimulationRefused):
        simulations.start(SCENARIOS[1], DEFAULTS)
    process = simulations._process
    simulations.cancel(name)
    go_on.set()
    simulations.close()
    assert simulations.find(name).state == "cancelled"
    assert process.poll() is not None
    assert simulations.running() is None


def test_a_run_that_takes_too_long_ends_and_says_so(empty_store: Store):
    """The limit of time ends the run."""
    seed.insert(empty_store.writer(), seed.Kind.EVENTS, some_events(5))
    simulations = Simulations(
        lambda from_us, to_us, service: PastOfPeople(empty_store, from_us, to_us, service),
        lambda: NOW_US,
        limit_s=0.001,
    )
    run = finished(simulations, SCENARIOS[0])
    assert (run.state, run.why) == ("failed", "too_long")
    simulations.close()


def test_what_cannot_be_read_fails_by_name(empty_store: Store, caplog: pytest.LogCaptureFixture):
    """A past that is no JSON ends the folding process; the run says that it failed."""

    class BrokenPast:
        def count(self) -> tuple[int, int]:
            return 1, 1

        def read(self, number: int, slices: int, of: int = 1) -> bytes:
            return b"nonsense"

    simulations = Simulations(lambda *_: BrokenPast(), lambda: NOW_US)
    run = finished(simulations, SCENARIOS[0])
    assert (run.state, run.why) == ("failed", "defect")
    simulations.close()


def test_built_for_a_platform(empty_store: Store):
    """What the platform builds reads its own store."""
    seed.insert(empty_store.writer(), seed.Kind.EVENTS, some_events(5))
    simulations = build_simulations(empty_store, lambda: NOW_US)
    assert finished(simulations, SCENARIOS[0]).state == "finished"
    assert Comparing(SCENARIOS[0], DEFAULTS, NOW_US).result.events == 0
