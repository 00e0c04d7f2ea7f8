"""Control events: rule settings, ticks, imports, redetections, and how they follow each other over restarts."""

import time
from pathlib import Path
from typing import Any

import pytest

from shared.journey.codec import decode_controls
from shared.journey.control import (
    ClockTicked,
    ImportFinished,
    ImportStarted,
    JourneyReplayed,
    RedetectionFinished,
    RedetectionStarted,
    RulesPublished,
)
from shared.journey.instants import to_text
from shared.log.port import Kind
from tests.ingest.examples import batch, event
from tests.ingest.parts import RULES, Served, serve

OTHER_RULES = {"repeat_contact": {"min_gap_s": 1, "window_s": 2}}


def published(folder: Path, rules: dict[str, Any] = RULES) -> list[int]:
    """Start and stop a gateway with these settings; the versions its log then holds."""
    with serve(folder, rules=rules) as served:
        return sorted({control.version for control in served.controls() if isinstance(control, RulesPublished)})


def of_type(served: Served, kind: type[Any]) -> list[Any]:
    """The control events of one type."""
    return [control for control in served.controls() if isinstance(control, kind)]


def test_a_new_log_begins_with_the_rules_in_every_partition(tmp_path: Path) -> None:
    """`rules.published` version 1 is the first record of each partition, before any tick or event."""
    with serve(tmp_path, partitions=3) as served:
        served.post(batch(event()))
        firsts = {}
        for record in served.records():
            firsts.setdefault(record.partition, record)
        assert sorted(firsts) == [0, 1, 2]
        assert all(b'"rules.published"' in record.value for record in firsts.values())
        assert of_type(served, RulesPublished) == [RulesPublished(1, RULES)] * 3


def test_rules_are_published_again_only_when_they_differ(tmp_path: Path) -> None:
    """The version grows by one with each change and stays without."""
    assert published(tmp_path) == [1]
    assert published(tmp_path) == [1]
    assert published(tmp_path, OTHER_RULES) == [1, 2]
    assert published(tmp_path, OTHER_RULES) == [1, 2]
    assert published(tmp_path) == [1, 2, 3]


@pytest.mark.parametrize("damage", [None, b"", b"{}", b"\xff", b'{"log_id":"another","version":7,"rules":{}}'])
def test_the_log_itself_is_asked_when_the_memory_of_it_is_gone(tmp_path: Path, damage: bytes | None) -> None:
    """A missing, broken or foreign file beside the log costs a read, not a version."""
    published(tmp_path, OTHER_RULES)
    published(tmp_path)
    remembered = tmp_path / "log" / "published-rules.json"
    if damage is None:
        remembered.unlink()
    else:
        remembered.write_bytes(damage)
    assert published(tmp_path) == [1, 2]
    assert published(tmp_path, OTHER_RULES) == [1, 2, 3]


def test_a_process_that_finds_rules_published_publishes_them_once_more(tmp_path: Path) -> None:
    """With its first tick, under the same version: pruning and the loss of the file beside the log cannot meet then."""
    published(tmp_path)
    with serve(tmp_path) as served:
        deadline = time.monotonic() + 10
        while len(of_type(served, RulesPublished)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert of_type(served, RulesPublished) == [RulesPublished(1, RULES)] * 2
        ticks = len(of_type(served, ClockTicked))
        while len(of_type(served, ClockTicked)) < ticks + 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(of_type(served, RulesPublished)) == 2


def test_the_same_rules_stand_in_the_log_again_after_an_hour(tmp_path: Path) -> None:
    """Under the same version and before the tick, so that a pruned log never lacks them."""
    hour_us = 3_600_000_000
    times = iter([hour_us, 2 * hour_us - 1, 2 * hour_us])
    with serve(tmp_path, now_us=lambda: next(times, 2 * hour_us)) as served:
        deadline = time.monotonic() + 20
        while len(of_type(served, RulesPublished)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert of_type(served, RulesPublished) == [RulesPublished(1, RULES)] * 2
        assert served.controls()[-1] == ClockTicked(to_text(2 * hour_us))


def test_time_enters_every_partition(tmp_path: Path) -> None:
    """A tick a second, in each partition, of the gateway's clock; it never goes back."""
    times = iter([5_000_000, 4_000_000, 6_000_000])
    with serve(tmp_path, partitions=2, now_us=lambda: next(times, 7_000_000)) as served:
        deadline = time.monotonic() + 10
        while len(of_type(served, ClockTicked)) < 6 and time.monotonic() < deadline:
            time.sleep(0.1)
        ticks = of_type(served, ClockTicked)
    assert ticks[:6:2] == ticks[1:6:2] == [ClockTicked(to_text(second * 1_000_000)) for second in (5, 6, 7)]


def test_an_import_is_marked_in_every_partition(tmp_path: Path) -> None:
    """Both calls answer with the log's identity and ends, which include their own control events."""
    with serve(tmp_path, partitions=2) as served:
        started = served.client.post("/v1/imports", json={"source": "/import/x"})
        served.post(batch(*(event(number, subject=f"s{number}") for number in range(20))))
        finished = served.client.post("/v1/imports/finish", json={"source": "/import/x"})
        assert (started.status_code, finished.status_code) == (202, 202)
        assert of_type(served, ImportStarted) == [ImportStarted("/import/x")] * 2
        assert of_type(served, ImportFinished) == [ImportFinished("/import/x")] * 2
        for answer, mark in ((started.json(), b"import.started"), (finished.json(), b"import.finished")):
            offsets = {str(r.partition): r.offset for r in served.records() if mark in r.value}
            assert answer["ends"] == {partition: offset + 1 for partition, offset in offsets.items()}
            assert len(answer["log_id"]) == 32
        begin = max(record.offset for record in served.records() if b"import.started" in record.value)
        end = min(record.offset for record in served.records() if b"import.finished" in record.value)
        assert all(begin < record.offset < end for record in served.records() if record.kind is Kind.EVENTS)


def test_a_redetection_is_marked_and_its_journeys_replayed(tmp_path: Path) -> None:
    """Start and finish reach every partition in order; a journey goes to the partition of its shard."""
    journey = {
        "type": "journey.replayed", "run": "r1", "subject": "p1-x", "service": "s", "part": 1, "parts": 1,
        "events": [{"id": "1", "source": "/t", "type": "contact.made", "time": "2026-01-01T00:00:00.000000Z",
                    "recordedtime": "2026-01-01T00:00:00.000000Z", "data": {"service": "s"}, "subject": "p1-x"}],
        "points": [],
    }  # fmt: skip
    with serve(tmp_path, partitions=2) as served:
        answers = [
            served.client.post("/v1/redetections", json={"run": "r1"}),
            served.client.post("/v1/redetections/replay", json=[journey, journey | {"service": "t", "shard": 513}]),
            served.client.post("/v1/redetections/finish", json={"run": "r1"}),
        ]
        assert [answer.status_code for answer in answers] == [202] * 3
        assert [set(answer.json()["ends"]) for answer in answers] == [{"0", "1"}] * 3
        replayed = {
            record.partition: [control.service for control in decode_controls(record.value)]
            for record in served.records()
            if b"journey.replayed" in record.value
        }
        assert replayed == {0: ["s"], 1: ["t"]}
        kinds = (RedetectionStarted, JourneyReplayed, RedetectionFinished)
        assert [len(of_type(served, kind)) for kind in kinds] == [2, 2, 2]


@pytest.mark.parametrize(
    ("path", "body", "content_type", "status", "reason"),
    [
        ("/v1/imports", b"{}", "application/json", 422, "missing_field"),
        ("/v1/imports", b'{"source":""}', "application/json", 422, "missing_field"),
        ("/v1/imports", b'{"source":7}', "application/json", 422, "wrong_type"),
        ("/v1/imports", b"[]", "application/json", 422, "wrong_type"),
        ("/v1/imports", b'{"source":"' + b"x" * 257 + b'"}', "application/json", 422, "too_long"),
        ("/v1/imports", b"nonsense", "application/json", 400, "not_json"),
        ("/v1/imports", b"", "application/json", 400, "not_json"),
        ("/v1/imports", b'{"source":"\xff"}', "application/json", 400, "not_json"),
        ("/v1/imports", b'{"x":' + b"[" * 100_000, "application/json", 400, "nested_too_deep"),
        ("/v1/imports", b"{}", "text/plain", 415, "unsupported_json_type"),
        ("/v1/imports/finish", b" " * 6_000_000, "application/json", 413, "body_too_large"),
        ("/v1/redetections", b'{"run":null}', "application/json", 422, "wrong_type"),
        ("/v1/redetections/replay", b"[]", "application/json", 422, "empty_body"),
        ("/v1/redetections/replay", b"{}", "application/json", 422, "wrong_type"),
        (
            "/v1/redetections/replay",
            b'[{"run":"r","subject":"'
            + b"x" * 900_000
            + b'","service":"s","part":1,"parts":1,"events":[],"points":[]}]',
            "application/json",
            413,
            "body_too_large",
        ),
    ],
)
def test_bad_requests_for_control_events(
    server: Served, path: str, body: bytes, content_type: str, status: int, reason: str
) -> None:
    """Each gets its status and reason, and nothing enters the log."""
    before = len([control for control in server.controls() if not isinstance(control, ClockTicked)])
    answer = server.client.post(path, content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert len([control for control in server.controls() if not isinstance(control, ClockTicked)]) == before
