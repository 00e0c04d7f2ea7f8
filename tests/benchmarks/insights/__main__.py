"""`make bench-insights`: how long pages and figures take over synthetic journeys, and how that grows.

Run as `python -m tests.benchmarks.insights [--quick] [--events N ...] [--rounds N] [--json FILE] [--folder FOLDER]`.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from services.insights.figures.catalogue import FIGURES
from services.insights.pages.menu import MENU
from tests.benchmarks.insights.asking import Answered, ask_all, site
from tests.benchmarks.report import describe_machine

SIZES: Final = (1_000_000, 5_000_000, 20_000_000)
ROUNDS: Final = 5
AIM_MS: Final = 300


def main(arguments: Sequence[str] | None = None) -> None:
    """Generate, ask, tell."""
    options = _parser().parse_args(arguments)
    sizes = options.events or (SIZES[:1] if options.quick else SIZES)
    options.folder.mkdir(parents=True, exist_ok=True)
    machine = describe_machine(options.folder)
    for name, value in machine.items():
        print(f"{name:<22} {value}", flush=True)
    targets = [entry.path for entry in MENU] + [f"/api/v1/figures/{name}" for name in FIGURES]
    if options.only:
        targets = [target for target in targets if any(text in target for text in options.only)]
    results: dict[int, list[Answered]] = {}
    generated: dict[int, Any] = {}
    for events in sizes:
        folder = options.folder / f"insights-{events}"
        generated[events] = _generated(folder, events)
        print(f"\n{events:,} synthetic events: {generated[events]}", flush=True)
        results[events] = []
        with site(folder) as (address, pid):
            for each in ask_all(address, pid, targets, options.rounds):
                results[events].append(each)
                print(_line(each), flush=True)
        if not options.keep:
            shutil.rmtree(folder)
    if len(sizes) > 1:
        _print_growth(results)
    if options.json is not None:
        answers = {str(events): each for events, each in results.items()}
        content = {"machine": machine, "generated": {str(k): v for k, v in generated.items()}, "answers": answers}
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")


def _generated(folder: Path, events: int) -> Any:
    """What the generator told; a folder that is kept is used again."""
    told = folder / "generated.json"
    if not told.exists():
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-m", "tests.benchmarks.insights.generator", str(folder), str(events)]
        told.write_bytes(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return msgspec.json.decode(told.read_bytes())


def _line(each: Answered) -> str:
    mark = "  above the aim" if each.p95_ms > AIM_MS else ""
    refused = f"  refused: {each.refused}" if each.refused else ""
    times = f"p50 {each.p50_ms:7,.0f} ms  p95 {each.p95_ms:7,.0f} ms  processor {each.processor_ms:7,.0f} ms"
    return f"{each.target:<48} {times if each.answers else 'no answer'}  dearest: {each.slowest}{mark}{refused}"


def _print_growth(results: dict[int, list[Answered]]) -> None:
    sizes = sorted(results)
    print("\np95 in ms as data grows\n" + f"{'':<48}" + "".join(f"{events:>14,}" for events in sizes), flush=True)
    by_target = {events: {each.target: each for each in results[events]} for events in sizes}
    for target in by_target[sizes[0]]:
        print(f"{target:<48}" + "".join(f"{by_target[events][target].p95_ms:14,.0f}" for events in sizes), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.insights", description="Measure pages and figures."
    )
    parser.add_argument("--quick", action="store_true", help="a million events only")
    parser.add_argument("--events", type=int, action="append", metavar="N", help="so many events; may be repeated")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each question is asked")
    parser.add_argument("--only", action="append", metavar="TEXT", help="addresses that hold this; may be repeated")
    parser.add_argument("--keep", action="store_true", help="keep the data for the next run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep machine and figures here as JSON")
    parser.add_argument("--folder", type=Path, default=Path("var/benchmarks"), help="on the disk to be measured")
    return parser


if __name__ == "__main__":
    main()
