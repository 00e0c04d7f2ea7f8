"""Every test, as `make test` runs them: the pure core under branch coverage, those that wait for servers, and all the others.

Run as `python -m tests.suite`. Coverage slows the hypothesis tests of the core, and only the core must be covered whole. Tests
on a cluster's servers or under kills wait most of the time, and tests of pages wait for a browser: so each of the two runs beside
the others, in a process of its own, and what they say is shown when they have ended. The last line adds all up.
"""

import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = ("tests/detection", "tests/detection_rules", "tests/journey")
PAGES = tuple(sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").glob("insights*")))
"""Pages, figures and the API: most of their time goes to a browser."""
WAITING = "kafka or postgresql or torture"
"""The markers of tests that mostly wait: on a cluster's servers (their fixtures set these), and under kills."""
_COUNTS = ("tests", "failures", "errors", "skipped")


def main() -> int:
    """Run all parts and the coverage report, all of them whatever fails; exit status 1 when anything did."""
    with tempfile.TemporaryDirectory() as folder:
        reports = {name: Path(folder, f"{name}.xml") for name in ("core", "rest", "pages", "cluster")}
        core = ["-m", "coverage", "run", "-m", "pytest", *CORE, f"--junitxml={reports['core']}"]
        others = ["-m", "pytest", "tests", *(f"--ignore={path}" for path in CORE)]
        apart = [f"--ignore={path}" for path in PAGES]
        rest = [*others, *apart, "-m", f"not ({WAITING})", f"--junitxml={reports['rest']}"]
        pages = ["-m", "pytest", *PAGES, "-m", f"not ({WAITING})", f"--junitxml={reports['pages']}"]
        cluster = [*others, "-m", WAITING, f"--junitxml={reports['cluster']}"]
        said = [Path(folder, f"{name}.out") for name in ("cluster", "pages")]
        with ThreadPoolExecutor(2) as beside:
            waiting = [
                beside.submit(timed, "tests that wait", cluster, said[0]),
                beside.submit(timed, "tests of pages", pages, said[1]),
            ]
            statuses = [
                timed("the core, under coverage", core),
                timed("branch coverage", ["-m", "coverage", "report", "--skip-covered"]),
                timed("all other tests", rest),
                *(each.result() for each in waiting),
            ]
        for path in said:
            print(path.read_text(encoding="utf-8", errors="replace"), flush=True)
        counts = add_up(list(reports.values()))
    failed = counts["failures"] + counts["errors"]
    passed = counts["tests"] - failed - counts["skipped"]
    print(f"{passed} passed, {failed} failed, {counts['skipped']} skipped", flush=True)
    return int(any(statuses) or failed > 0)


def timed(name: str, arguments: list[str], output: Path | None = None) -> int:
    """Run Python with the arguments and print how long it took; its exit status. What it says may go to a file."""
    start_s = time.monotonic()
    if output is None:
        status = subprocess.run([sys.executable, *arguments], check=False).returncode
    else:
        with output.open("wb") as file:
            status = subprocess.run(
                [sys.executable, *arguments], check=False, stdout=file, stderr=subprocess.STDOUT
            ).returncode
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
