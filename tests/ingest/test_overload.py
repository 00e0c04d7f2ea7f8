"""When the log cannot keep up, cannot be written, or space runs out: 503, nothing acknowledged is lost, and it passes."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from shared.errors import LogUnavailable
from shared.ingest.space import FreeSpace
from shared.log.local import LocalLogWriter
from shared.log.port import Record
from tests.ingest.examples import batch, event, lines
from tests.ingest.parts import NDJSON, REJECTS_STREAM, Served, open_log, serve


class SlowLog:
    """A real log that can be held up or made to refuse."""

    def __init__(self, log: LocalLogWriter) -> None:
        self._log = log
        self.partitions = log.partitions
        self.log_id = log.log_id
        self.close = log.close
        self.go_on = threading.Event()
        self.go_on.set()
        self.refuses = False

    def append(self, records: Sequence[Record]) -> list[int]:
        self.go_on.wait(20)
        if self.refuses:
            raise LogUnavailable("the disk is full")
        return self._log.append(records)


def post(served: Served, number: int) -> httpx.Response:
    """Post one event of 10 kB."""
    return served.post(batch(event(number, data_comment="x" * 10_000)))


def test_overload_is_refused_and_passes(tmp_path: Path) -> None:
    """While the log hangs, what exceeds the bound gets 503 with Retry-After; what was taken is acknowledged in the end."""
    slow = SlowLog(open_log(tmp_path))
    with serve(tmp_path, events_log=slow, max_pending_bytes=100_000) as served, ThreadPoolExecutor(30) as pool:
        slow.go_on.clear()
        waiting = [pool.submit(post, served, number) for number in range(30)]
        refused = []
        while len(refused) < 15:
            refused += [task.result() for task in waiting if task.done() and task.result() not in refused]
        assert {answer.status_code for answer in refused} == {503}
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        assert {answer.json()["reason"] for answer in refused} == {"overloaded"}
        slow.go_on.set()
        accepted = [number for number, task in enumerate(waiting) if task.result().status_code == 202]
        assert accepted
        assert {stored.id for stored in served.events()} == {f"e{number}" for number in accepted}
        assert post(served, 99).status_code == 202


def test_a_log_that_refuses_gives_503_until_it_works_again(tmp_path: Path) -> None:
    """Nothing is acknowledged meanwhile, readiness says so, and the next request after it is accepted."""
    slow = SlowLog(open_log(tmp_path))
    with serve(tmp_path, events_log=slow) as served:
        slow.refuses = True
        answer = served.post(batch(event(1)), **{"Accept-Language": "fr"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert (answer.json()["reason"], answer.json()["title"]) == ("log_unavailable", "Momentanément indisponible")
        unready = served.client.get("/readyz")
        assert (unready.status_code, unready.json()["checks"]["log_writable"]) == (503, False)
        slow.refuses = False
        assert served.post(batch(event(2))).status_code == 202
        assert served.client.get("/readyz").status_code == 200
        assert [stored.id for stored in served.events()] == ["e2"]


def test_a_log_that_refuses_at_the_start_opens_later(tmp_path: Path) -> None:
    """The rule settings come first: until they are in the log nothing is accepted; then the gateway opens by itself."""
    slow = SlowLog(open_log(tmp_path))
    slow.refuses = True
    with serve(tmp_path, events_log=slow) as served:
        answer = served.post(batch(event(1)))
        assert (answer.status_code, answer.json()["reason"]) == (503, "not_ready")
        slow.refuses = False
        for _ in range(100):
            answer = served.post(batch(event(1)))
            if answer.status_code == 202:
                break
            threading.Event().wait(0.05)
        assert answer.status_code == 202
        assert b'"rules.published"' in served.records()[0].value


def test_rejects_that_cannot_be_kept_give_503_and_only_then(tmp_path: Path) -> None:
    """A request with something refused waits for both logs; one without does not need the rejects' log."""
    slow = SlowLog(open_log(tmp_path, REJECTS_STREAM))
    slow.refuses = True
    with serve(tmp_path, rejects_log=slow) as served:
        assert served.post(lines(event(1), b"nonsense"), NDJSON).status_code == 503
        assert served.post(lines(b"nonsense"), NDJSON).status_code == 503
        assert served.post(b"nonsense").status_code == 503
        assert served.post(lines(event(2)), NDJSON).status_code == 202
        slow.refuses = False
        assert served.post(lines(event(1), b"nonsense"), NDJSON).status_code == 202
        assert len(served.rejects()) == 1


def test_too_little_free_space_is_refused_and_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the bound every request gets 503 with Retry-After; with space again it works."""
    with serve(tmp_path, min_free_bytes=1) as served:
        assert served.post(batch(event(1))).status_code == 202
        space = served.gateway._space
        monkeypatch.setattr(space, "_min_free_bytes", 2**60)
        monkeypatch.setattr(space, "_looked_at_s", float("-inf"))
        answer = served.post(batch(event(2)))
        assert (answer.status_code, answer.headers["retry-after"], answer.json()["reason"]) == (503, "30", "low_space")
        assert served.client.get("/readyz").json()["reason"] == "low_space"
        monkeypatch.setattr(space, "_min_free_bytes", 1)
        monkeypatch.setattr(space, "_looked_at_s", float("-inf"))
        assert served.post(batch(event(3))).status_code == 202


def test_free_space_is_looked_at_once_a_second(tmp_path: Path) -> None:
    """The answer is remembered for a second; a folder that is gone has no space."""
    now_s = [100.0]
    space = FreeSpace(tmp_path / "data", 1, lambda: now_s[0])
    assert not space.enough()
    (tmp_path / "data").mkdir()
    now_s[0] += 0.9
    assert not space.enough()
    now_s[0] += 0.2
    assert space.enough()


def test_heavy_bodies_leave_others_their_turn(tmp_path: Path) -> None:
    """While a body is judged whose comments take seconds to scrub, a small request is answered."""
    heavy = batch(*(event(number, data_comment="06 12 34 56 7 " * 1_100) for number in range(120)))
    with serve(tmp_path) as served, ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(served.post, heavy), pool.submit(served.post, heavy)]
        answered = 0
        while not any(task.done() for task in waiting):
            assert post(served, 99).status_code == 202
            answered += 1
        assert answered >= 5
        assert [task.result().status_code for task in waiting] == [202, 202]
