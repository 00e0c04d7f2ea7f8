"""Every test, as `make test` runs them: the pure core under branch coverage, those that wait for servers, and all the others.

Run as `python -m tests.suite`. Coverage slows the hypothesis tests of the core, and only the core must be covered whole. Tests
on a cluster's servers or under kills wait most of the time, and tests of pages wait for a browser: so each of the two runs beside
the others, in a process of its own, and what they say is shown when they have ended. The last lines add all up.

Three processes with their servers on two processors can make a browser or a broker late. So a few tests that failed beside others are run
once more, alone: those that pass then are named, and fail nothing.
"""

import json
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[1]
CORE = ("tests/detection", "tests/detection_rules", "tests/journey")
PAGES = tuple(sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").glob("insights*")))
"""Pages, figures and the API: most of their time goes to a browser."""
WAITING = "kafka or postgresql or torture"
"""The markers of tests that mostly wait: on a cluster's servers (their fixtures set these), and under kills."""
MAX_AGAIN: Final = 5
"""So many tests are run again; where more fail, it is not the machine."""
_COUNTS = ("tests", "failures", "errors", "skipped")


def main() -> int:
    """Run all parts and the coverage report, all of them whatever fails; exit status 1 when anything did."""
    others = ["tests", *(f"--ignore={path}" for path in CORE)]
    apart = [f"--ignore={path}" for path in PAGES]
    with tempfile.TemporaryDirectory() as folder:
        core = Part(Path(folder), "the core, under coverage", [*CORE], ("-m", "coverage", "run", "-m", "pytest"))
        rest = Part(Path(folder), "all other tests", [*others, *apart, "-m", f"not ({WAITING})"])
        pages = Part(Path(folder), "tests of pages", [*PAGES, "-m", f"not ({WAITING})"])
        cluster = Part(Path(folder), "tests that wait", [*others, "-m", WAITING])
        with ThreadPoolExecutor(2) as beside:
            waiting = [beside.submit(part.run, shown=False) for part in (cluster, pages)]
            core.run()
            coverage = timed("branch coverage", ["-m", "coverage", "report", "--skip-covered"])
            rest.run()
            for each in waiting:
                each.result()
        for part in (pages, cluster):
            print(part.output.read_text(encoding="utf-8", errors="replace"), flush=True)
        again = run_again([rest, pages, cluster])
        parts = [core, rest, pages, cluster]
        counts = add_up([part.report for part in parts])
        failed = sum(max(1, len(part.failed())) for part in parts if part.status)
    for name in again:
        print(f"PASSED ALONE ONLY: {name}", flush=True)
    passed = counts["tests"] - failed - counts["skipped"]
    print(f"{passed} passed, {failed} failed, {counts['skipped']} skipped", flush=True)
    return int(coverage != 0 or failed > 0)


class Part:
    """Some of the tests, run by one process; `status` is its exit status, `report` pytest's XML."""

    def __init__(
        self, folder: Path, name: str, tests: list[str], runner: tuple[str, ...] = ("-m", "pytest"), root: Path = ROOT
    ) -> None:
        self.name, self.root, self.status = name, root, 1
        self.report, self.output = folder / f"{name}.xml", folder / f"{name}.out"
        self._cache, self._runner, self._tests = folder / f"{name}.cache", runner, tests

    def run(self, *, shown: bool = True, only_failed: bool = False) -> None:
        """Run them, or only those that failed; what they say goes to `output` unless it is shown."""
        options = ["-o", f"cache_dir={self._cache}"]
        if only_failed:
            options += ["--last-failed", "--last-failed-no-failures=none"]
        else:
            options += [f"--junitxml={self.report}", "--durations=15"]
        arguments = [*self._runner, *self._tests, *options]
        self.status = timed(self.name, arguments, None if shown else self.output, self.root)

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
