"""`make bench-cluster`: the detector beside other stream processors, on one real Kafka broker.

Run as `python -m tests.benchmarks.cluster [--only NAME] [--engine TEXT] [--quick] [--json FILE] [--folder FOLDER]`.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.benchmarks.cluster import comparison
from tests.benchmarks.cluster.comparison import ENGINES
from tests.benchmarks.cluster.events import Workload
from tests.benchmarks.cluster.measured import leave_the_engines_core, two_cores
from tests.benchmarks.cluster.sizes import FULL, QUICK, Sizes
from tests.benchmarks.cluster.topics import Topics
from tests.benchmarks.report import Figure, describe_machine, line
from tests.kafka_broker.broker import Broker

PARTS: Final = ("engines",)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for."""
    options = _parser().parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    machine = describe_machine(options.folder) | {"engine_has_a_core": two_cores()}
    for name, value in machine.items():
        print(f"{name:<22} {value}", flush=True)
    leave_the_engines_core()
    sizes = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory(dir=options.folder) as place, Broker(Path(place, "kafka").resolve()) as broker:
        figures = measure(broker.brokers, sizes, Path(place), options.only or PARTS, options.engine)
    machine["load_1min_after"] = round(os.getloadavg()[0], 1)
    for name, each in figures.items():
        print(f"\n{name}")
        for one in each:
            print(line(one))
    if options.json is not None:
        content = {"machine": machine, "quick": options.quick, "figures": figures}
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")


def measure(brokers: str, sizes: Sizes, folder: Path, parts: Sequence[str], only: str = "") -> dict[str, list[Figure]]:
    """The parts asked for, on a broker that runs."""
    results: dict[str, list[Figure]] = {}
    topics = Topics(brokers)
    try:
        for part in parts:
            print(f"\n{part}, run by run", flush=True)
            results[part] = _MEASURES[part](topics, sizes, folder, only)
    finally:
        topics.close()
    return results


def _engines(topics: Topics, sizes: Sizes, folder: Path, only: str) -> list[Figure]:
    workload = Workload(sizes.events, sizes.subjects)
    chosen = [engine for engine in ENGINES if only in engine.label]
    return comparison.measure(topics, workload, sizes, folder, chosen, _say)


def _say(text: str) -> None:
    print(text, flush=True)


_MEASURES: Final[dict[str, Any]] = {"engines": _engines}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cluster", description="Measure on Kafka.")
    parser.add_argument("--only", action="append", choices=PARTS, help="one part; may be repeated")
    parser.add_argument("--engine", default="", help="only engines whose name contains this")
    parser.add_argument("--quick", action="store_true", help="about six minutes and rough figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep machine and figures here as JSON")
    parser.add_argument("--folder", type=Path, default=Path("var/benchmarks"), help="where broker and engines write")
    return parser


if __name__ == "__main__":
    main()
