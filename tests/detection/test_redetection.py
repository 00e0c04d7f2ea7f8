"""Detecting the past again: the points in force become those of the rules now in force, whatever happens meanwhile."""

from random import Random
from typing import Any

import msgspec
import pytest

from services.redetection.replay import PART_BYTES, replay_parts
from shared.detection import partition
from shared.detection.settings import DEFAULTS
from shared.errors import DetectionError
from shared.journey.codec import decode_events, encode
from shared.journey.control import (
    ClockTicked,
    DetectionProgressed,
    JourneyReplayed,
    RedetectionFinished,
    RedetectionStarted,
    RulesPublished,
)
from shared.journey.event import Event, EventData
from shared.journey.instants import from_text, to_text
from shared.journey.point import Point
from tests.detection.comparison import assert_as_defined
from tests.detection.driver import Driver, points_in_force, stored
from tests.reference.case import LONG_AFTER_US
from tests.reference.case import event as case_event
from tests.strategies.documents import random_document
from tests.strategies.events import random_stream


def published(version: int, document: dict[str, Any]) -> RulesPublished:
    """The record that puts a document in force."""
    return RulesPublished(version, {"service": {}, "source": {}, "minutes": {}, **document})


def replay(driver: Driver, run: str, loaded: list[dict[str, Any]], twice: bool) -> None:
    """What the job does: the journeys of the loaded events, with their points as they stand in the store."""
    in_force = points_in_force(driver.rows)
    events = decode_events(msgspec.json.encode([stored(event) for event in loaded if "subject" in event]))
    owners = sorted({(event.subject or "", event.data.service) for event in events})
    for subject, service in owners * (2 if twice else 1):
        own = [event for event in events if (event.subject, event.data.service) == (subject, service)]
        points = [point for point in in_force.values() if (point.subject, point.service) == (subject, service)]
        for part in replay_parts(run, subject, service, own, points):
            driver.control(part)


@pytest.mark.parametrize("long_tail", [3, 512])
@pytest.mark.parametrize("start", range(0, 200, 100))
def test_the_past_under_new_rules(start: int, long_tail: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Late events count, the new rules apply to all, and what arrives between the steps is neither lost nor doubled.

    So too in long journeys, where events out of order may wait for the next tick.
    """
    monkeypatch.setattr(partition, "LONG_TAIL", long_tail)
    for seed in range(start, start + 100):
        choose = Random(seed)
        old, new = random_document(seed, lateness=False), random_document(seed + 9_000, lateness=False)
        events = random_stream(seed, 40, new)
        choose.shuffle(events)
        first, during = events[:25], sorted(events[25:], key=lambda event: from_text(event["time"]))
        driver = Driver()
        driver.control(published(1, old))
        for event in first:
            driver.events([event])
        driver.control(ClockTicked(to_text(LONG_AFTER_US)))
        driver.control(published(2, new))
        driver.control(RedetectionStarted("run-1"))
        driver.checkpoint()
        arrived = len(driver.late_events)
        driver.events(during[:8])
        driver.checkpoint()
        replay(driver, "run-1", first + during[: choose.choice((0, 8))], twice=choose.random() < 0.3)
        if choose.random() < 0.3:
            driver.crash()
        driver.events(during[8:])
        driver.control(RedetectionFinished("run-1"))
        driver.control(ClockTicked(to_text(LONG_AFTER_US)))
        driver.checkpoint()
        late = {(event.source, event.id) for event in driver.late_events[arrived:]}
        if late:
            continue
        replayed_under = dict.fromkeys(((event["source"], event["id"]) for event in events), 2)
        assert_as_defined(
            points_in_force(driver.rows),
            events,
            LONG_AFTER_US,
            new,
            version_of=replayed_under.__getitem__,
            documents={2: new},
        )


def test_a_replay_of_another_run_changes_nothing() -> None:
    """Without `redetection.started`, or under another name, a replayed journey is ignored."""
    driver = Driver()
    driver.control(published(1, random_document(1)))
    driver.events(random_stream(1, 30))
    driver.checkpoint()
    rows = list(driver.rows)
    replay(driver, "unknown", random_stream(1, 10), twice=False)
    driver.checkpoint()
    assert driver.rows == rows


def test_detection_progress_does_not_belong_into_the_events() -> None:
    """The detector's own record in the log of events is a defect that stops it."""
    with pytest.raises(DetectionError, match="own progress"):
        Driver().control(DetectionProgressed(0, "log", 1, 0))


def test_a_long_past_is_cut_into_parts_that_fit() -> None:
    """Every part is small enough for a record, none is lost, and a past of nothing is one empty part."""
    events = [
        Event(
            str(number), "/x", "page.viewed", "2024-01-01T00:00:00.000000Z", "", EventData("s" * 200, matter="m" * 250)
        )
        for number in range(5_000)
    ]
    parts = replay_parts("run", "p1-a", "aid", events, [])
    assert len(parts) > 1
    assert [part.part for part in parts] == list(range(1, len(parts) + 1))
    assert [event for part in parts for event in part.events] == events
    assert all(len(encode(part.events)) <= PART_BYTES + 70_000 for part in parts)
    (empty,) = replay_parts("run", "p1-a", "aid", [], [])
    assert (empty.part, empty.parts, empty.events, empty.points) == (1, 1, [], [])


def test_a_past_in_parts_waits_for_the_last() -> None:
    """Nothing changes before all parts are there, in whatever order and however often they come."""
    driver = Driver()
    driver.control(RulesPublished(1, DEFAULTS))
    driver.control(RedetectionStarted("run-1"))
    value = msgspec.json.encode(
        [stored(case_event("a", "call.rejected", 0)), stored(case_event("b", "call.rejected", 9))]
    )
    first, second = decode_events(value)
    parts = [
        JourneyReplayed("run-1", "p1-ann", "aid", number, 2, [event], []) for number, event in ((2, second), (1, first))
    ]
    driver.control(parts[0])
    driver.control(parts[0])
    driver.checkpoint()
    driver.crash()
    assert driver.rows == []
    driver.control(parts[1])
    driver.checkpoint()
    assert {point.anchor for point in points_in_force(driver.rows).values() if point.rule == "turned_away"} == {
        "a",
        "b",
    }


def test_points_from_the_store_compare_equal_to_points_found() -> None:
    """Figures that come back as texts do not make a point look changed."""
    driver = Driver()
    document = random_document(5)
    driver.control(published(1, document))
    events = random_stream(5, 60)
    driver.events(sorted(events, key=lambda event: from_text(event["time"])))
    driver.control(ClockTicked(to_text(LONG_AFTER_US)))
    driver.control(RedetectionStarted("run-1"))
    driver.checkpoint()
    rows = list(driver.rows)
    assert rows
    if not driver.late_events:
        texts = [_as_texts(row) for row in driver.rows]
        driver.rows[:] = texts
        replay(driver, "run-1", events, twice=False)
        driver.checkpoint()
        assert driver.rows == texts


def _as_texts(row: Point) -> Point:
    return msgspec.structs.replace(row, figures={name: str(value) for name, value in row.figures.items()})
