"""The composition root piece by piece: pruning, rules in force, doctor, housekeeping, what may be asked of whom."""

import asyncio
import gc
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from services.wiring import doctor
from services.wiring.detector import run_detector
from services.wiring.folder import DataFolder, read_json, write_json
from services.wiring.listener import reachable_host
from services.wiring.pruning import Pruning
from services.wiring.redetection import PlatformOnly
from services.wiring.rules import RulesInForce, site_rules
from services.wiring.streams import EVENTS, POINTS
from services.wiring.targets import CLUSTER, ONE_MACHINE, Target, is_ready, runner
from shared.clock import now_ms, now_us
from shared.detection.settings import DEFAULTS
from shared.errors import ConfigurationError
from shared.ingest.published_rules import PublishedRulesFile
from shared.journey.codec import encode
from shared.journey.control import ClockTicked, RulesPublished
from shared.journey.instants import DAY_US, to_text
from shared.log.local import LocalLogReader, LocalLogWriter
from shared.log.port import Kind, Record
from shared.log.positions import read_positions, write_position
from shared.registry.registry import Registry
from shared.settings import Settings
from shared.store.client import Store

DAY_MS = DAY_US // 1_000


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A data folder."""
    made = DataFolder(tmp_path / "data")
    made.create()
    return made


@pytest.fixture
def log(folder: DataFolder) -> Iterator[LocalLogWriter]:
    """An empty log of events."""
    writer = LocalLogWriter(folder.stream(EVENTS), EVENTS)
    yield writer
    writer.close()


def control(*controls: ClockTicked | RulesPublished) -> list[Record]:
    """Records of one control event each."""
    return [Record(0, Kind.CONTROL, encode([each]), 1) for each in controls]


def offsets(folder: DataFolder) -> list[int]:
    """What the log of events still holds."""
    reader = LocalLogReader(folder.stream(EVENTS), EVENTS)
    try:
        return [record.offset for record in reader.read({}, 10_000_000)]
    finally:
        reader.close()


def test_only_what_is_old_and_passed_by_all_is_pruned(folder: DataFolder, log: LocalLogWriter) -> None:
    """Records leave the log when they are older than the retention and every consumer has passed them."""
    log.append(control(*(ClockTicked(to_text(second)) for second in range(10))))
    later_ms = now_ms() + 8 * DAY_MS
    times_ms = [now_ms(), later_ms, later_ms, later_ms]
    pruning = Pruning(folder.positions, lambda: times_ms[0], threading.Event())
    pruning.add(log, 7, ("detector", "loader"))

    write_position(folder.positions, "detector", EVENTS, log.log_id(), {0: 8})
    write_position(folder.positions, "loader", EVENTS, log.log_id(), {0: 5})
    assert pruning.prune_once() == 0
    times_ms.pop(0)
    assert pruning.prune_once() == 4
    assert offsets(folder) == [5, 6, 7, 8, 9, 10]
    write_position(folder.positions, "loader", EVENTS, "another log", {0: 11})
    assert pruning.prune_once() == 0


def test_pruning_goes_on_in_steps_until_done(folder: DataFolder, log: LocalLogWriter) -> None:
    """More records than one step takes leave in several."""
    log.append(control(*(ClockTicked(to_text(second)) for second in range(1_200))))
    write_position(folder.positions, "loader", EVENTS, log.log_id(), {0: 1_201})
    pruning = Pruning(folder.positions, lambda: now_ms() + 8 * DAY_MS, threading.Event())
    pruning.add(log, 7, ("loader",))
    assert pruning.prune_once() == 1_200


def test_rules_in_force_are_those_the_log_published(folder: DataFolder, log: LocalLogWriter) -> None:
    """Before the log says anything the site's rules hold; then the published ones, with their version."""
    reader = LocalLogReader(folder.stream(EVENTS), EVENTS)
    rules = RulesInForce(PublishedRulesFile(folder.published_rules, reader), reader, DEFAULTS)
    assert rules().version == 1
    changed = site_rules(None) | {"ping_pong": {"enabled": True}}
    log.append(control(RulesPublished(1, DEFAULTS), RulesPublished(2, changed)))
    assert rules().version == 2
    assert rules().document["ping_pong"] == {"enabled": True}
    assert rules() is rules()
    reader.close()


def test_a_site_without_a_rule_file_has_the_defaults(tmp_path: Path) -> None:
    """The file's own tables are laid over the defaults; a missing file is an error that names it."""
    assert site_rules(None) == DEFAULTS
    path = tmp_path / "rules.toml"
    path.write_text("[ping_pong]\nenabled = true\n", encoding="utf-8")
    assert site_rules(path)["ping_pong"]["enabled"] is True
    with pytest.raises(ConfigurationError, match="missing"):
        site_rules(tmp_path / "missing.toml")


@pytest.mark.parametrize("table", [ONE_MACHINE, CLUSTER], ids=["one machine", "cluster"])
def test_the_table_of_targets_is_whole(table: Mapping[str, Target]) -> None:
    """Every target can be run, and needs only targets that come before it."""
    known: set[str] = set()
    for name, target in table.items():
        assert callable(runner(target))
        assert known.issuperset(target.needs)
        known.add(name)


def test_importing_opens_nothing(tmp_path: Path) -> None:
    """Importing every module of the product makes no file, no socket, no thread, and says nothing."""
    script = """
import pkgutil, socket, threading, services, shared
socket.socket.bind = socket.socket.connect = None
for package in (services, shared):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            __import__(module.name)
assert threading.active_count() == 1, threading.enumerate()
"""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("host.test", "host.test"),
    ],
)
def test_every_address_has_one_where_it_is_reached(host: str, reached: str) -> None:
    """What is bound to every address is reached on this machine's own; IPv6 stands in brackets."""
    assert reachable_host(host) == reached


@pytest.fixture
def detector(folder: DataFolder) -> Iterator[Callable[[], None]]:
    """Starts a detector in a thread; it ends with the test."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def start() -> None:
        settings = Settings(data=folder.root, checkpoint_quiet_ms=20)
        threads.append(threading.Thread(target=run_detector, args=(settings, stop)))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    gc.enable()  # a detector's process does without
    gc.unfreeze()


def until(condition: Callable[[], object], limit_s: float = 10.0) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_detector_tells_where_it_stands(folder: DataFolder, detector: Callable[[], None]) -> None:
    """It waits for the log, is ready with its first sign, and writes what it has durably passed and counted."""
    settings = Settings(data=folder.root)
    detector()
    time.sleep(0.1)
    assert not is_ready(settings, "detector", os.getpid())
    writer = LocalLogWriter(folder.stream(EVENTS), EVENTS)
    writer.append(control(RulesPublished(1, DEFAULTS), ClockTicked(to_text(now_us()))))
    until(lambda: is_ready(settings, "detector", os.getpid()))
    assert not is_ready(settings, "detector", os.getpid() + 1)
    until(lambda: "detector" in read_positions(folder.positions))
    until(lambda: read_positions(folder.positions)["detector"][EVENTS].next_offsets == {0: 3})
    assert read_positions(folder.positions)["detector"][EVENTS].log_id == writer.log_id()
    assert read_json(folder.heartbeat("detector"))["status"]["counts"]["events"] == 0
    assert LocalLogReader(folder.stream(POINTS), POINTS).log_id() is not None
    writer.close()


def by_name(parts: list[doctor.Part]) -> dict[str, doctor.Part]:
    """Parts by name."""
    return {part.name: part for part in parts}


def test_the_doctor_names_a_missing_folder(tmp_path: Path) -> None:
    """Without a data folder there is one finding, and it says what to do."""
    (part,) = doctor.examine(Settings(data=tmp_path / "none"), now_us)
    assert part.status == "error"
    assert "PARCOURS_DATA" in part.advice


def test_the_doctor_changes_nothing(folder: DataFolder) -> None:
    """Looking at a folder leaves it as it was."""
    before = sorted(folder.root.rglob("*"))
    parts = doctor.examine(Settings(data=folder.root), now_us)
    assert {part.name for part in parts if part.status != "ok"} == {"detector"}
    assert sorted(folder.root.rglob("*")) == before


def test_the_doctor_looks_at_the_registry(folder: DataFolder) -> None:
    """Its tables are of this program, of another one, or not there; looking leaves the folder as it was."""

    def part() -> doctor.Part:
        return by_name(doctor.examine(Settings(data=folder.root), now_us))["registry"]

    assert (part().status, part().message) == ("ok", "not made yet")
    with Registry(f"sqlite:///{folder.registry}") as registry:
        registry.upgrade()
    before = sorted(folder.root.rglob("*"))
    assert part().status == "ok"
    assert sorted(folder.root.rglob("*")) == before
    with closing(sqlite3.connect(folder.registry)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert (part().status, "0001" in part().message) == ("error", True)
    folder.registry.unlink()
    folder.registry.mkdir()
    assert part().status == "error"


def test_the_doctor_says_what_is_wrong_and_what_to_do(folder: DataFolder, log: LocalLogWriter) -> None:
    """Open keys, a full disk, a wrong rule file, a log older than a consumer: each is an error with an advice."""
    folder.keys.mkdir(mode=0o700)
    (folder.keys / "routing.key").write_bytes(b"k" * 32)
    (folder.keys / "routing.key").chmod(0o644)
    write_position(folder.positions, "loader", EVENTS, log.log_id(), {0: 99})
    rules = folder.root / "rules.toml"
    rules.write_text("[no_such_rule]\n", encoding="utf-8")
    parts = by_name(doctor.examine(Settings(data=folder.root, min_free_mb=2**31, rules=rules), now_us))
    wrong = {name for name, part in parts.items() if part.status == "error"}
    assert wrong == {"free space", "permissions", "rule settings", f"loader in {EVENTS}"}
    assert all(parts[name].advice for name in wrong)
    assert "routing.key" in parts["permissions"].message


def test_the_doctor_notices_a_detector_that_stands_still(folder: DataFolder) -> None:
    """While the platform, or a service of it, runs, an old sign of the detector is an error and no sign a warning."""
    settings = Settings(data=folder.root)

    def status() -> str:
        return by_name(doctor.examine(settings, now_us))["detector"].status

    with folder.hold("ingest"):
        assert status() == "warning"
        write_json(folder.heartbeat("detector"), {"pid": 1, "at_us": now_us() - 60_000_000})
        assert status() == "error"
    with folder.hold(""):
        assert status() == "error"
        write_json(folder.heartbeat("detector"), {"pid": 1, "at_us": now_us()})
        assert status() == "ok"
    assert not folder.is_held("")


def test_the_doctor_says_that_the_platform_does_not_run(folder: DataFolder) -> None:
    """A platform that is stopped is a warning that says how to start it, whatever the last sign of the detector."""
    write_json(folder.heartbeat("detector"), {"pid": 1, "at_us": now_us()})
    part = by_name(doctor.examine(Settings(data=folder.root), now_us))["detector"]
    assert (part.status, part.message) == ("warning", "the platform does not run")
    assert "make run" in part.advice


@pytest.mark.parametrize(
    ("behind", "status", "message"),
    [
        (0, "ok", "up to date"),
        (100, "ok", "up to date"),
        (101, "ok", "101 items behind"),
        (100_001, "warning", "100,001 items behind"),
    ],
)
def test_the_doctor_speaks_of_what_waits_above_a_threshold(
    folder: DataFolder, log: LocalLogWriter, behind: int, status: str, message: str
) -> None:
    """The heartbeats of an idle system are no backlog; a large one is a warning."""
    tick = encode([ClockTicked(to_text(0))])
    sizes = [1_000] * (behind // 1_000) + [behind % 1_000] * (behind % 1_000 > 0)
    log.append([Record(0, Kind.CONTROL, tick, items) for items in (1, *sizes)])
    write_position(folder.positions, "loader", EVENTS, log.log_id(), {0: 2})
    part = by_name(doctor.examine(Settings(data=folder.root), now_us))[f"loader in {EVENTS}"]
    assert (part.status, part.message) == (status, message)


def test_the_doctor_notices_points_of_other_settings(
    folder: DataFolder, log: LocalLogWriter, empty_store: Store
) -> None:
    """Points in force that were judged under another version than the one published last are counted; others are well."""
    settings = Settings(data=folder.root)

    def part() -> doctor.Part:
        return by_name(doctor.examine_store(empty_store, settings))["rules of the points"]

    insert_points(empty_store, [1, 2, 2])
    assert part().status == "ok"
    log.append(control(RulesPublished(1, DEFAULTS), RulesPublished(2, DEFAULTS)))
    assert part().status == "warning"
    assert part().message.startswith("1 point was judged under another version of the settings")
    assert "redetect" in part().advice
    log.append(control(RulesPublished(3, DEFAULTS)))
    assert part().message.startswith("3 points were")


def test_the_doctor_reports_one_id_with_two_times(folder: DataFolder, empty_store: Store) -> None:
    """Both copies are named, and what follows for points is not laid to the platform's charge."""
    settings = Settings(data=folder.root)
    columns = ["source", "id", "time", "recordedtime"]
    rows = [["/crm", "7", f"2024-01-0{day} 00:00:00", f"2024-01-0{day} 00:00:00"] for day in (1, 2)]
    insert_points(empty_store, [1])
    insert_points(empty_store, [1])
    before = by_name(doctor.examine_store(empty_store, settings))
    assert before["recount events_once"].status == "ok"
    assert "restore" in before["recount points_signs"].advice
    empty_store.writer().insert("events", rows, column_names=columns)
    parts = by_name(doctor.examine_store(empty_store, settings))
    assert "/crm 7" in parts["recount events_once"].message
    assert "events_once" in parts["recount points_signs"].advice


def insert_points(store: Store, versions: list[int]) -> None:
    """A point in force for each version of the rules."""
    rows = [[f"p{number}", 1, 1, version, "2024-01-01 00:00:00"] for number, version in enumerate(versions)]
    store.writer().insert("points", rows, column_names=["id", "revision", "sign", "version", "time"])


def test_a_damaged_log_or_position_is_a_finding(folder: DataFolder) -> None:
    """What cannot be read is reported, not raised."""
    folder.stream(EVENTS).write_bytes(b"not a database, by any means" * 100)
    (folder.positions / "loader.json").write_text("{", encoding="utf-8")
    parts = by_name(doctor.examine(Settings(data=folder.root), now_us))
    assert parts[f"log {EVENTS}"].status == "error"
    assert parts["positions"].status == "error"


async def ask(path: str, authorization: str | None) -> httpx.Response:
    """A request to an app whose redetections are the platform's own."""
    app = FastAPI()

    @app.post("/{rest:path}")
    def anything(rest: str) -> str:
        return rest

    app.add_middleware(PlatformOnly, token="right")
    headers = {} if authorization is None else {"authorization": authorization.encode()}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://platform.test") as client:
        return await client.post(path, headers=headers)


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        ("/v1/redetections", None, 401),
        ("/v1/redetections/replay", "Bearer wrong", 401),
        ("/v1/redetections/finish", "Bearer é", 401),
        ("/v1/redetections", "Bearer right", 200),
        ("/v1/imports", None, 200),
    ],
)
def test_only_the_platform_sends_the_past_again(path: str, authorization: str | None, status: int) -> None:
    """The routes of a redetection want the platform's token; all others do not."""
    assert asyncio.run(ask(path, authorization)).status_code == status
