"""`parcours run` for real: three processes, real ports, real kills."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.run.platform import STOP_LIMIT_S, Platform, alive, environment, running, wait_until

SERVICES = ("ingest", "detector", "analytics")


def contact(number: int, channel: str = "phone", person: int | None = None) -> dict[str, Any]:
    """A contact by a person about one service, just now."""
    return {
        "specversion": "1.0",
        "id": f"contact-{number}",
        "source": "/test/run",
        "type": "contact.made",
        "time": datetime.now(UTC).isoformat(),
        "subject": f"account:{number if person is None else person}",
        "data": {"service": "housing", "channel": channel},
    }


def test_it_starts_and_says_where(platform: Platform) -> None:
    """Both addresses are printed and answer; nothing is said on the terminal besides."""
    said = "".join(platform.stdout)
    assert f"{platform.people}/" in said
    assert f"{platform.systems}/" in said
    assert platform.stderr == []
    for address in (platform.people, platform.systems):
        assert httpx.get(f"{address}/healthz").status_code == 200
        assert wait_until(lambda address=address: httpx.get(f"{address}/readyz").status_code == 200)
    assert httpx.get(f"{platform.people}/").status_code == 200


def test_a_posted_event_becomes_queryable(platform: Platform) -> None:
    """Two contacts of one person are counted, and their point is found, within seconds."""
    before = platform.counted().get("contact.made", 0)
    first, second = contact(1), contact(2, person=1)
    first["time"] = datetime.fromtimestamp(time.time() - 3_600, UTC).isoformat()
    assert platform.post(first, second).status_code == 202
    wait_until(lambda: platform.counted().get("contact.made", 0) == before + 2)

    def points() -> list[str]:
        lines = httpx.get(f"{platform.people}/api/v1/frictions.ndjson?purpose=check-rule").text.splitlines()
        return [line for line in lines if '"repeat_contact"' in line and "contact-2" in line]

    assert len(wait_until(points)) == 1


def test_metrics_tell_of_every_part(platform: Platform) -> None:
    """Each port exposes its process; analytics also tells of the detector, which has no port."""
    ingest = httpx.get(f"{platform.systems}/metrics")
    assert "parcours_ingest" in ingest.text
    assert ingest.headers["content-type"].startswith("text/plain")

    def detector() -> bool:
        text = httpx.get(f"{platform.people}/metrics").text
        names = ("parcours_detector_lag", "parcours_detector_events_total", "parcours_detector_heartbeat_age_seconds")
        return all(name in text for name in names)

    assert wait_until(detector)


def test_the_folder_is_its_owners_only(platform: Platform) -> None:
    """No file or folder below the data folder can be read by others."""
    open_to_others, looked = [], 0
    for path in platform.folder.rglob("*"):
        with suppress(FileNotFoundError):  # ClickHouse's files of an insert under way come and go
            mode = path.lstat().st_mode
            looked += 1
            if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) & 0o077:
                open_to_others.append(path)
    assert open_to_others == []
    assert looked > 50


def test_a_second_start_on_the_same_folder_is_refused(platform: Platform) -> None:
    """One line names the folder and the process, exit status 1, no traceback; the first goes on."""
    second = Platform(platform.folder)
    second.start()
    second.ended()
    assert second.status() == 1
    (line,) = second.stderr
    assert line.startswith("parcours: ")
    assert str(platform.folder) in line
    assert str(platform.pid) in line
    assert httpx.get(f"{platform.people}/healthz").status_code == 200


@pytest.mark.parametrize("name", ["port", "ingest_port"])
def test_a_port_in_use_is_refused(tmp_path: Path, name: str) -> None:
    """One line names the port and its variable; nothing was started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = Platform(tmp_path / "data", **{name: port})
        refused.start()
        refused.ended()
    assert refused.status() == 1
    (line,) = refused.stderr
    assert port in line
    assert f"PARCOURS_{name.upper()}" in line


def test_a_misspelt_setting_is_refused(tmp_path: Path) -> None:
    """One line names the variable, exit status 2; no folder was made."""
    refused = Platform(tmp_path / "data", prot="80")
    refused.start()
    refused.ended()
    assert refused.status() == 2
    assert refused.stderr == ["parcours: PARCOURS_PROT is not a setting of Parcours; docs/settings.md lists them\n"]
    assert not (tmp_path / "data").exists()


def command(platform: Platform, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of `parcours` beside the running platform."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "services", *arguments],
        env=environment(platform.folder, **platform.settings),
        capture_output=True,
        text=True,
        check=False,
    )


def points_in_force(platform: Platform) -> list[str]:
    """Rule and anchor of each point, sorted."""
    lines = httpx.get(f"{platform.people}/api/v1/frictions.ndjson?purpose=check-rule").text.splitlines()
    return sorted(f"{point['rule']} {point['anchor']}" for point in map(json.loads, lines))


def test_the_past_is_detected_again(platform: Platform) -> None:
    """`parcours redetect` comes to its end and leaves the same points in force; only the platform itself may ask ingest."""
    before = points_in_force(platform)
    assert before
    done = command(platform, "redetect")
    assert done.returncode == 0, done.stderr
    assert "Detected again" in done.stdout
    assert points_in_force(platform) == before
    refused = httpx.post(f"{platform.systems}/v1/redetections", json={"run": "x"}, headers={"accept-language": "fr"})
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert "plateforme" in refused.json()["detail"]


def test_the_doctor_finds_nothing_wrong(platform: Platform) -> None:
    """`parcours doctor` asks the running platform: each part is well, and the recount agrees."""
    done = command(platform, "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "recount events_aggregate" in done.stdout
    assert "ERROR" not in done.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_a_killed_service_comes_back_and_loses_nothing(platform: Platform, name: str) -> None:
    """After kill -9 of one service another process takes its place; what was acknowledged is counted once."""
    before = platform.counted().get("contact.made", 0)
    number = 1_000 * (SERVICES.index(name) + 1)
    events = [contact(number + index) for index in range(100)]
    platform.post_until_accepted(*events[:50])
    killed = platform.children()[name]
    os.kill(killed, signal.SIGKILL)
    platform.post_until_accepted(*events[25:])
    assert wait_until(lambda: platform.children().get(name, killed) != killed)
    wait_until(lambda: platform.counted().get("contact.made", 0) == before + 100)
    assert any(f"{name}: killed by SIGKILL; starting it again" in line for line in platform.stderr)


def test_ctrl_c_stops_everything_and_the_next_start_finds_the_data(tmp_path: Path) -> None:
    """Ctrl-C takes less than 5 s, exit status 0, no process left; started again, the events are there."""
    with running(tmp_path / "data") as platform:
        platform.post_until_accepted(*(contact(index) for index in range(20)))
        children = platform.children()
        assert set(children) == set(SERVICES)
        assert platform.interrupt() < STOP_LIMIT_S
        assert platform.status() == 0
        assert not any(map(alive, children.values()))
        assert platform.stderr == []
        platform.started()
        wait_until(lambda: platform.counted() == {"contact.made": 20})
        os.kill(platform.pid, signal.SIGTERM)
        assert platform.ended() < STOP_LIMIT_S
        assert platform.status() == 0


def test_children_end_with_a_killed_supervisor(tmp_path: Path) -> None:
    """After kill -9 of the supervisor no service is left, and the next start succeeds at once."""
    with running(tmp_path / "data") as platform:
        children = platform.children().values()
        os.kill(platform.pid, signal.SIGKILL)
        platform.ended()
        platform.started()
        assert not any(map(alive, children))
        assert platform.interrupt() < STOP_LIMIT_S


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """One line says so before anything starts, exit status 2."""
    keys = tmp_path / "data" / "keys"
    with running(tmp_path / "data") as platform:
        assert platform.interrupt() < STOP_LIMIT_S
        (keys / "routing.key").chmod(0o644)
        platform.start()
        platform.ended()
        assert platform.status() == 2
        (line,) = platform.stderr
        assert line.startswith(f"parcours: {keys / 'routing.key'}: others may use this secret")
        assert platform.children() == {}


def test_missing_keys_are_not_replaced(tmp_path: Path) -> None:
    """A folder that has events but lost its keys is refused: new keys would tear every journey apart."""
    with running(tmp_path / "data") as platform:
        platform.post_until_accepted(contact(1))
        assert platform.interrupt() < STOP_LIMIT_S
        for key in (platform.folder / "keys").iterdir():
            key.unlink()
        platform.start()
        platform.ended()
        assert platform.status() == 2
        (line,) = platform.stderr
        assert "the keys are missing" in line
        assert list((platform.folder / "keys").iterdir()) == []


def test_a_service_that_cannot_run_stops_the_whole_by_name(tmp_path: Path) -> None:
    """A log with another number of partitions stops ingest for good: one line says so, and no process is left."""
    with running(tmp_path / "data") as platform:
        assert platform.interrupt() < STOP_LIMIT_S
        platform.settings["partitions"] = "2"
        platform.start()
        platform.ended()
        assert platform.status() == 1
        (line,) = platform.stderr
        assert line.startswith("parcours: ingest: ")
        assert "PARCOURS_PARTITIONS" in line
        assert platform.children() == {}


def test_a_file_without_permission_is_named_before_anything_starts(tmp_path: Path) -> None:
    """One line names the file; no service is started and none restarted."""
    with running(tmp_path / "data") as platform:
        assert platform.interrupt() < STOP_LIMIT_S
        events = platform.folder / "log" / "journey-events.ingest.sqlite"
        events.chmod(0)
        platform.start_without_privileges()
        platform.ended()
        assert platform.status() == 1
        (line,) = platform.stderr
        assert line.startswith(f"parcours: {events}: this user may not read and write it")
        assert platform.stdout == []


@pytest.mark.parametrize("after_s", [0.2, 0.6, 1.2, 2.5])
def test_ctrl_c_during_the_start_is_clean(tmp_path: Path, after_s: float) -> None:
    """Whenever Ctrl-C comes, it ends within 5 s, without a traceback, and leaves no process."""
    platform = Platform(tmp_path / "data")
    platform.start()
    time.sleep(after_s)
    children = platform.children()
    assert platform.interrupt() < STOP_LIMIT_S
    assert platform.stderr in ([], ["Aborted!\n"])
    assert platform.children() == {}
    assert not any(map(alive, children.values()))


@pytest.mark.parametrize("told", [True, False])
def test_a_log_older_than_its_consumers_is_refused(tmp_path: Path, told: bool) -> None:
    """With the log put back from an older backup nothing is detected or loaded twice: one line names the consumer.

    The files of positions tell so before anything starts; without them the consumers themselves do.
    """
    backup = tmp_path / "backup"
    with running(tmp_path / "data") as platform:
        platform.post_until_accepted(contact(1))
        assert platform.interrupt() < STOP_LIMIT_S
        shutil.copytree(platform.folder / "log", backup)
        platform.started()
        platform.post_until_accepted(*(contact(number) for number in range(2, 50)))
        wait_until(lambda: platform.counted().get("contact.made") == 49)
        assert platform.interrupt() < STOP_LIMIT_S
        shutil.rmtree(platform.folder / "log")
        shutil.copytree(backup, platform.folder / "log")
        if not told:
            shutil.rmtree(platform.folder / "positions")
        platform.start()
        platform.ended()
        assert platform.status() == 1
        line = platform.stderr[-1]
        assert line.startswith("parcours: ")
        assert "journey-events.ingest" in line
        assert any(name in line for name in ("detector", "loader", "analytics"))
        assert platform.children() == {}
