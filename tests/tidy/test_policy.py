"""How the tests themselves are run and counted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.suite import add_up

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import pytest

@pytest.mark.browser
def test_in_the_browser():
    pytest.skip("no Chromium")

def test_elsewhere():
    pytest.skip("not today")

def test_passes():
    pass
"""


def run_tests(folder: Path, ci: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the three tests above under this project's policy."""
    (folder / "test_three.py").write_text(TESTS, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = browser: Chromium\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider", *options, "."],
        cwd=folder,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_what_a_machine_lacks_is_said_loudly_and_fails_in_ci(tmp_path: Path, ci: str, status: int) -> None:
    """A browser test that skips is named in one line; in CI it fails. Another skip stays a skip."""
    done = run_tests(tmp_path, ci, f"--junitxml={tmp_path / 'report.xml'}")
    assert done.returncode == status, done.stdout + done.stderr
    assert "NOT TRIED: 1 tests need Chromium, which this machine lacks" in done.stdout
    counts = add_up([tmp_path / "report.xml"])
    assert counts["failures"] + counts["errors"] == status
    assert counts["skipped"] == 2 - status
    assert counts["tests"] == 3


def test_counts_of_several_reports_add_up(tmp_path: Path) -> None:
    """A report that was never written, since its run crashed, counts as an error."""
    run_tests(tmp_path, "", f"--junitxml={tmp_path / 'one.xml'}")
    counts = add_up([tmp_path / "one.xml", tmp_path / "one.xml", tmp_path / "missing.xml"])
    assert counts == {"tests": 7, "failures": 0, "errors": 1, "skipped": 4}
