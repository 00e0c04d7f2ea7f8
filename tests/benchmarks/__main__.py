"""`make bench`: measure this machine, print the figures, and keep them as JSON if asked.

Run as `python -m tests.benchmarks [--only NAME] [--quick] [--json FILE] [--folder FOLDER]`.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.benchmarks import (
    alert_latency,
    alert_pages,
    alert_rounds,
    alerts,
    end_to_end,
    folding,
    gateway,
    journey_memory,
)
from tests.benchmarks.report import Figure, describe_machine, line
from tests.benchmarks.sizes import FULL, QUICK, Sizes

BENCHMARKS: Final[Mapping[str, Callable[[Sizes, Path], list[Figure]]]] = {
    "gateway": gateway.measure,
    "fold": folding.measure,
    "end-to-end": end_to_end.measure,
    "memory": journey_memory.measure,
    "alerts": alerts.measure,
    "alerts-latency": alert_latency.measure,
    "alerts-round": alert_rounds.measure,
    "alerts-pages": alert_pages.measure,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for."""
    options = _parser().parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    machine = describe_machine(options.folder)
    for name, value in machine.items():
        print(f"{name:<22} {value}", flush=True)
    results: dict[str, list[Figure]] = {}
    for name in options.only or BENCHMARKS:
        print(f"\n{name}", flush=True)
        results[name] = BENCHMARKS[name](QUICK if options.quick else FULL, options.folder)
        for figure in results[name]:
            print(line(figure), flush=True)
    if options.json is not None:
        content = {"machine": machine, "quick": options.quick, "figures": results}
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure this machine.")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="one benchmark; may be repeated")
    parser.add_argument("--quick", action="store_true", help="a few minutes and rough figures instead of half an hour")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep machine and figures here as JSON")
    parser.add_argument("--folder", type=Path, default=Path("var/benchmarks"), help="on the disk to be measured")
    return parser


if __name__ == "__main__":
    main()
