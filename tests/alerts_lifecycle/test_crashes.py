"""Killed with -9 at every point: one alert, its transitions once, and one message each."""

import multiprocessing
import signal
from collections import Counter
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from shared.registry.registry import Registry
from tests.alerts_lifecycle.crash import STORY, Crash, live
from tests.registry.conftest import Open

WRITES = 6
"""Statements that write, in a round in which something happens: state, lease, count, alert, transition, deliveries."""
POINTS: list[int | str] = [*range(WRITES), "commit", "committed"]
DELIVERING = ["claimed", "sent", "noted"]
TOLD = ["fired", "spread", "resolved", "reopened", "resolved"]


@pytest.fixture(scope="module")
def forks() -> ForkServerContext:
    """Processes that begin quickly."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.alerts_lifecycle.crash"])
    return context


def run(forks: ForkServerContext, url: str, received: Path, attempt: int, crash: Crash | None) -> int | None:
    """Let a process live the story; its exit status."""
    process = forks.Process(target=live, args=(url, received, attempt, crash))
    process.start()
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode


def check(registry: Registry, received: Path, repeated: int) -> None:
    """One alert with the steps of the story; each message arrived, so many of them twice, in order for each receiver."""
    (alert,) = registry.alerts.resolved(0)
    assert registry.alerts.open() == []
    assert [each.step for each in registry.alerts.history(alert.id)] == TOLD
    lines = [line.split() for line in received.read_text(encoding="utf-8").splitlines()]
    times = Counter(line[0] for line in lines)
    expected = {f"{alert.id}-{number}-{name}" for number in range(1, 6) for name in ("hook", "mail")}
    assert set(times) == expected
    assert sum(times.values()) == len(expected) + repeated
    assert {line[1] for line in lines if line[0].endswith("-3-hook")} == {"resolved"}
    for name in ("hook", "mail"):
        numbers = [int(line[3]) for line in lines if line[0].endswith(name)]
        assert numbers == sorted(numbers)
    assert registry.outbox.counts() == {"waiting": 0, "dead": 0}


def test_nothing_is_lost_and_nothing_is_said_twice(
    open_registry: Open, url: str, tmp_path: Path, forks: ForkServerContext
) -> None:
    """One life with forty-odd deaths, at each point of each round in which something happens."""
    registry, received = open_registry(), tmp_path / "received"
    crashes = [Crash(number, at) for number in STORY for at in POINTS]
    for attempt, crash in enumerate(crashes):
        assert run(forks, url, received, attempt, crash) == -signal.SIGKILL, f"{crash} was not reached"
    assert run(forks, url, received, len(crashes), None) == 0
    check(registry, received, repeated=0)


@pytest.mark.parametrize("at", DELIVERING)
def test_a_delivery_is_repeated_only_when_nobody_knows_that_it_was_sent(
    open_registry: Open, url: str, tmp_path: Path, forks: ForkServerContext, at: str
) -> None:
    """Killed in a delivery of each step: only between sending and noting it is sent again, under the same id."""
    registry, received = open_registry(), tmp_path / "received"
    attempts = 0
    for number in STORY:
        assert run(forks, url, received, attempts, Crash(number, at)) == -signal.SIGKILL
        attempts += 1
    assert run(forks, url, received, attempts, None) == 0
    check(registry, received, repeated=len(STORY) if at == "sent" else 0)


def test_the_story_without_a_crash(open_registry: Open, url: str, tmp_path: Path, forks: ForkServerContext) -> None:
    """What the others are compared with; run again, nothing more happens."""
    registry, received = open_registry(), tmp_path / "received"
    for attempt in range(2):
        assert run(forks, url, received, attempt, None) == 0
    check(registry, received, repeated=0)
