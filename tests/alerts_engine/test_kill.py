"""Killed at any place, the engine goes on: every transition is told, and none twice but under its own id."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared.journey.instants import DAY_US, to_text
from shared.log.port import Kind
from shared.registry.registry import Registry
from shared.store.client import Store
from tests.alerts_engine.site import T0
from tests.clickhouse_http.process import ClickHouseOverHttp
from tests.fixtures_store import TABLES
from tests.loader.samples import Logs, event
from tests.run.platform import ROOT

EXPECTED = ["fired", "resolved", "reopened"]
CRASHES = [
    (1, 0),
    (1, 4),
    (1, "commit"),
    (1, "committed"),
    (1, "claimed"),
    (1, "sent"),
    (4, 2),
    (4, "commit"),
    (6, "committed"),
]
"""In which round, and where in it: before its n-th writing statement, before its `commit`, after it, or in a delivery."""


@pytest.fixture
def folder(tmp_path: Path, http_store: Store) -> Path:
    """A site whose service has been known for ten weeks."""
    for table in TABLES:
        http_store.writer().command(f"TRUNCATE TABLE {table}")
    logs = Logs(tmp_path / "log")
    known = event(1, service="housing", channel="web", territory="")
    logs.append(
        Kind.EVENTS,
        [
            known.__class__(
                **{name: getattr(known, name) for name in known.__struct_fields__} | {"time": to_text(T0 - 70 * DAY_US)}
            )
        ],
    )
    logs.loader(http_store).run_once()
    logs.close()
    with Registry(f"sqlite:///{tmp_path / 'registry.sqlite'}") as registry:
        registry.upgrade()
    return tmp_path


def run(folder: Path, dsn: str, attempt: int, *crash: object) -> int:
    """One process of the story; its exit status."""
    arguments = [sys.executable, "-m", "tests.alerts_engine.story", str(folder), dsn, str(attempt), *map(str, crash)]
    return subprocess.run(arguments, cwd=ROOT, check=False, timeout=120).returncode


def received(folder: Path) -> tuple[list[str], list[str]]:
    """The steps that one of the receivers was told, by their ids once each, and the ids as often as they came."""
    lines = [line.split() for line in (folder / "received").read_text(encoding="utf-8").splitlines()]
    hook = [line for line in lines if line[0].endswith("-hook")]
    steps = {line[0]: line[1] for line in hook}
    return list(steps.values()), [line[0] for line in hook]


def test_the_story_as_it_is(folder: Path, clickhouse_over_http: ClickHouseOverHttp) -> None:
    """Nobody is killed: it fires, is corrected, and comes back."""
    assert run(folder, clickhouse_over_http.dsn, 0) == 0
    steps, ids = received(folder)
    assert steps == EXPECTED
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("number", "at"), CRASHES)
def test_killed_it_forgets_nothing_and_tells_nothing_twice(
    folder: Path, clickhouse_over_http: ClickHouseOverHttp, number: int, at: int | str
) -> None:
    """The same steps under the same ids; only what was sent and not noted comes again, under its id."""
    assert run(folder, clickhouse_over_http.dsn, 0, number, at) == -signal.SIGKILL
    assert run(folder, clickhouse_over_http.dsn, 1) == 0
    steps, ids = received(folder)
    assert steps == EXPECTED
    assert len(ids) - len(set(ids)) == (1 if at == "sent" else 0)
