"""What a person sees of what the services say: what is alarming, once, and bounded."""

import json
from pathlib import Path

import pytest

from services.supervisor.child import ServiceLog


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the logs lie."""
    return tmp_path


@pytest.fixture
def shown() -> list[str]:
    """The lines shown to the person."""
    return []


def test_only_what_is_alarming_is_shown(folder: Path, shown: list[str]) -> None:
    """Everything is kept in the file; warnings, errors and what is no JSON are shown, the error remembered."""
    log = ServiceLog("ingest", folder / "ingest.log", shown.append)
    lines = [
        json.dumps({"level": "info", "message": "started"}),
        json.dumps({"level": "warning", "message": "slow"}),
        json.dumps({"level": "error", "message": "failed", "error": {"type": "KeyError"}}),
        "Fatal Python error: Segmentation fault",
        json.dumps({"level": "warning", "message": "later"}),
    ]
    for line in lines:
        log.write(line)
    log.close()
    assert shown == [
        "ingest: slow",
        "ingest: failed: KeyError",
        "ingest: Fatal Python error: Segmentation fault",
        "ingest: later",
    ]
    assert log.last_error == "Fatal Python error: Segmentation fault"
    assert (folder / "ingest.log").read_text().splitlines() == lines


def test_a_repeated_line_is_shown_once(folder: Path, shown: list[str]) -> None:
    """A failure that is tried again and again is said once in ten minutes, with its reason; all lines are kept."""
    log = ServiceLog("analytics", folder / "analytics.log", shown.append)
    for text in ("table events is damaged", "table events is damaged", "no space"):
        log.write(json.dumps({"level": "warning", "message": "Loading failed", "error": {"text": text}}))
    log.close()
    assert shown == ["analytics: Loading failed: table events is damaged", "analytics: Loading failed: no space"]
    assert len(log.path.read_text().splitlines()) == 3


def test_lines_of_a_crash_are_bounded_over_time(
    folder: Path, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that are no JSON stop being shown after ten, however slowly they come; what has a form is still shown."""
    now_s = [1_000.0]
    monkeypatch.setattr("services.supervisor.child.time.monotonic", lambda: now_s[0])
    log = ServiceLog("analytics", folder / "analytics.log", shown.append)
    for number in range(40):
        now_s[0] += 11.0
        log.write(f"<Fatal> line {number}")
    log.write(json.dumps({"level": "error", "message": "failed"}))
    log.close()
    assert [line for line in shown if "Fatal" in line] == [f"analytics: <Fatal> line {n}" for n in range(10)]
    assert shown[-1] == "analytics: failed"


def test_a_noisy_child_does_not_flood_the_terminal(folder: Path, shown: list[str]) -> None:
    """Ten lines in ten seconds are shown, the tenth saying where the rest is; all are kept."""
    log = ServiceLog("ingest", folder / "ingest.log", shown.append)
    for number in range(100):
        log.write(f"line {number}")
    log.close()
    assert len(shown) == 10
    assert shown[-1] == f"ingest: line 9 (more in {log.path})"
    assert len(log.path.read_text().splitlines()) == 100


def test_the_log_of_a_child_is_bounded(folder: Path, shown: list[str]) -> None:
    """The file is rotated: three files of five megabytes at most."""
    log = ServiceLog("ingest", folder / "ingest.log", lambda _line: None)
    line = json.dumps({"level": "info", "message": "y" * 60_000})
    for _ in range(400):
        log.write(line)
    log.close()
    sizes = [path.stat().st_size for path in folder.glob("ingest.log*")]
    assert len(sizes) == 3
    assert max(sizes) <= 5_000_000


def test_a_full_disk_does_not_stop_the_reading_of_a_child(folder: Path, shown: list[str]) -> None:
    """A log that cannot be written loses lines, never the child or the person's warning."""
    log = ServiceLog("ingest", folder / "missing" / "ingest.log", shown.append)
    log.write("something is wrong")
    assert shown == ["ingest: something is wrong"]
