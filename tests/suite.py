"""Every test, as `make test` runs them: the pure core under branch coverage, then all the others.

Run as `python -m tests.suite`. Coverage slows the hypothesis tests of the core, and only the core must be covered whole:
so the two runs are separate, and the last line adds them up.
"""

import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

CORE = ("tests/detection", "tests/detection_rules", "tests/journey")
_COUNTS = ("tests", "failures", "errors", "skipped")


def main() -> int:
    """Run both parts and the coverage report, all of them whatever fails; exit status 1 when anything did."""
    core = [path for path in CORE if Path(path).is_dir()]
    with tempfile.TemporaryDirectory() as folder:
        reports = [Path(folder, "core.xml"), Path(folder, "rest.xml")]
        statuses = [
            timed(
                "the core, under coverage", ["-m", "coverage", "run", "-m", "pytest", *core, f"--junitxml={reports[0]}"]
            ),
            timed("branch coverage", ["-m", "coverage", "report", "--skip-covered"]),
            timed(
                "all other tests",
                ["-m", "pytest", "tests", *(f"--ignore={path}" for path in core), f"--junitxml={reports[1]}"],
            ),
        ]
        counts = add_up(reports)
    failed = counts["failures"] + counts["errors"]
    passed = counts["tests"] - failed - counts["skipped"]
    print(f"{passed} passed, {failed} failed, {counts['skipped']} skipped", flush=True)
    return int(any(statuses) or failed > 0)


def timed(name: str, arguments: list[str]) -> int:
    """Run Python with the arguments and print how long it took; its exit status."""
    start_s = time.monotonic()
    status = subprocess.run([sys.executable, *arguments], check=False).returncode
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
