"""Every test, as `make test` runs them: in parts, each a process of its own, a few side by side.

Run as `python -m tests.suite`. Much of what tests do is waiting: for servers, browsers, processes that were killed. The pure core runs
under branch coverage, which slows it, and which it alone must pass whole. What a part says is shown when it has ended; the last lines
add all up.

Several processes with their servers on two processors can make a browser or a broker late. So a few tests that failed beside others are run
once more, alone: those that pass then are named, and fail nothing.
"""

import json
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[1]
SIDE_BY_SIDE: Final = 3
CORE = ("tests/detection", "tests/detection_rules", "tests/journey")
PAGES = tuple(sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").glob("insights*")))
"""Pages, figures and the API: most of their time goes to a browser."""
LOADING = tuple(
    f"tests/{name}" for name in ("clickhouse_http", "commands", "importer", "loader", "store", "store_views")
)
"""Files, events and ClickHouse."""
WAITING = "kafka or postgresql or torture"
"""The markers of tests that mostly wait: on a cluster's servers (their fixtures set these), and under kills."""
MAX_AGAIN: Final = 5
"""So many tests are run again; where more fail, it is not the machine."""
_COUNTS = ("tests", "failures", "errors", "skipped")


def main() -> int:
    """Run all parts and the coverage report, all of them whatever fails; exit status 1 when anything did."""
    with tempfile.TemporaryDirectory() as folder:
        parts = parts_in(Path(folder))
        with ThreadPoolExecutor(SIDE_BY_SIDE) as beside:
            for done in as_completed([beside.submit(part.run) for part in parts.values()]):
                print(done.result().output.read_text(encoding="utf-8", errors="replace"), flush=True)
        coverage = timed("branch coverage", ["-m", "coverage", "report", "--skip-covered"])
        again = run_again([part for name, part in parts.items() if name != "core"])
        counts = add_up([part.report for part in parts.values()])
        failed = sum(max(1, len(part.failed())) for part in parts.values() if part.status)
    for name in again:
        print(f"PASSED ALONE ONLY: {name}", flush=True)
    passed = counts["tests"] - failed - counts["skipped"]
    print(f"{passed} passed, {failed} failed, {counts['skipped']} skipped", flush=True)
    return int(coverage != 0 or failed > 0)


def parts_in(folder: Path) -> dict[str, "Part"]:
    """All tests, each in one part; the longest parts first."""
    quick = ("-m", f"not ({WAITING})")
    apart = _without((*CORE, *PAGES, *LOADING))
    parts = [
        Part(folder, "cluster", ["tests", *_without(CORE), "-m", WAITING]),
        Part(folder, "pages", [*PAGES, *quick]),
        Part(folder, "rest", ["tests", *apart, *quick]),
        Part(folder, "loading", [*LOADING, *quick]),
        Part(folder, "core", [*CORE], ("-m", "coverage", "run", "-m", "pytest")),
    ]
    return {part.name: part for part in parts}


def _without(paths: Iterable[str]) -> list[str]:
    return [f"--ignore={path}" for path in paths]


class Part:
    """Some of the tests, run by one process; `tests`: pytest's arguments, `status`: its exit status, `report`: its XML."""

    def __init__(
        self, folder: Path, name: str, tests: list[str], runner: tuple[str, ...] = ("-m", "pytest"), root: Path = ROOT
    ) -> None:
        self.name, self.root, self.status = name, root, 1
        self.report, self.output = folder / f"{name}.xml", folder / f"{name}.out"
        self._cache, self._runner, self.tests = folder / f"{name}.cache", runner, tests

    def run(self, *, only_failed: bool = False) -> "Part":
        """Run them, or only those that failed, which is shown at once; else what they say goes to `output`."""
        options = ["-o", f"cache_dir={self._cache}"]
        if only_failed:
            options += ["--last-failed", "--last-failed-no-failures=none"]
        else:
            options += [f"--junitxml={self.report}", "--durations=15"]
        arguments = [*self._runner, *self.tests, *options]
        self.status = timed(self.name, arguments, None if only_failed else self.output, self.root)
        return self

    def failed(self) -> list[str]:
        """The tests that failed in the last run, by their identifiers; none where it did not come so far."""
        try:
            found = json.loads((self._cache / "v" / "cache" / "lastfailed").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        return sorted(found)


def run_again(parts: list[Part]) -> list[str]:
    """Run the failed tests of these parts again, alone, if they are few; those that pass now."""
    failed = {part: part.failed() for part in parts if part.status == 1 and part.report.is_file()}
    if sum(map(len, failed.values())) > MAX_AGAIN:
        return []
    passed: list[str] = []
    for part, names in failed.items():
        if names:
            part.run(only_failed=True)
            passed += sorted(set(names) - set(part.failed()))
    return passed


def timed(name: str, arguments: list[str], output: Path | None = None, root: Path = ROOT) -> int:
    """Run Python with the arguments and print how long it took; its exit status. What it says may go to a file."""
    start_s = time.monotonic()
    command = [sys.executable, *arguments]
    if output is None:
        status = subprocess.run(command, check=False, cwd=root).returncode
    else:
        with output.open("wb") as file:
            status = subprocess.run(command, check=False, cwd=root, stdout=file, stderr=subprocess.STDOUT).returncode
    print(f"--- {name}: exit status {status}, {time.monotonic() - start_s:.0f} s", flush=True)
    return status


def add_up(reports: list[Path]) -> dict[str, int]:
    """The counts of all suites in pytest's XML reports; a report that is missing counts as one error."""
    counts = dict.fromkeys(_COUNTS, 0)
    for report in reports:
        if not report.is_file():
            counts["errors"] += 1
            counts["tests"] += 1
            continue
        for suite in ET.parse(report).getroot().iter("testsuite"):
            for name in _COUNTS:
                counts[name] += int(suite.get(name, 0))
    return counts


if __name__ == "__main__":
    sys.exit(main())
