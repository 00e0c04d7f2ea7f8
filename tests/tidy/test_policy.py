"""How the tests themselves are run and counted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.suite import CORE, LOADING, MAX_AGAIN, PAGES, Part, add_up, parts_in, run_again

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


def part_of(folder: Path, content: str) -> Part:
    """A part whose tests are these, run once: so that some failed."""
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "test_some.py").write_text(content, encoding="utf-8")
    part = Part(folder, "some", ["."], root=folder)
    return part.run()


def test_a_test_that_passes_alone_is_named_and_fails_nothing(tmp_path: Path) -> None:
    """It failed beside others; run again alone, it does not, and its part is well. Tests that passed are not run again."""
    part = part_of(
        tmp_path,
        """
from pathlib import Path

def test_late():
    seen = Path("seen")
    first = not seen.exists()
    seen.write_text("")
    assert not first

def test_well():
    with Path("runs").open("a") as file:
        file.write("x")
""",
    )
    assert (part.status, part.failed()) == (1, ["test_some.py::test_late"])
    assert run_again([part]) == ["test_some.py::test_late"]
    assert (part.status, part.failed()) == (0, [])
    assert (tmp_path / "runs").read_text(encoding="utf-8") == "x"


def test_a_test_that_fails_alone_has_failed(tmp_path: Path) -> None:
    """Its part stays failed."""
    part = part_of(tmp_path, "def test_wrong():\n    assert False\n")
    assert run_again([part]) == []
    assert (part.status, part.failed()) == (1, ["test_some.py::test_wrong"])


def test_many_failures_are_not_tried_again(tmp_path: Path) -> None:
    """That is no matter of the machine."""
    numbers = range(MAX_AGAIN + 1)
    tests = "".join(f"def test_{number}():\n    open('runs', 'a').write('x')\n    assert False\n" for number in numbers)
    part = part_of(tmp_path, tests)
    assert run_again([part]) == []
    assert (tmp_path / "runs").read_text(encoding="utf-8") == "x" * (MAX_AGAIN + 1)
    assert part.status == 1


def test_no_test_is_left_out_or_run_twice() -> None:
    """What a part names exists and is no other's; the part `rest` has all that no other names."""
    named = [*CORE, *PAGES, *LOADING]
    assert len(set(named)) == len(named)
    assert [path for path in named if not list((ROOT / path).glob("test_*.py"))] == []
    rest = parts_in(Path())["rest"].tests
    assert rest[0] == "tests"
    assert {each.removeprefix("--ignore=") for each in rest if each.startswith("--ignore=")} == set(named)
