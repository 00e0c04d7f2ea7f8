"""`make bench-cluster`: the detector beside other stream processors, on one real Kafka broker.

Run as `python -m tests.benchmarks.cluster [--only NAME] [--engine TEXT] [--quick] [--repetitions N] [--json FILE] [--folder FOLDER]`.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec
from msgspec import structs

from tests.benchmarks.cluster import gateway, growth
from tests.benchmarks.cluster.comparison import ALL_NEEDED, ENGINES, Comparison, measure_engines
from tests.benchmarks.cluster.events import Workload
from tests.benchmarks.cluster.measured import leave_the_engines_core, two_cores
from tests.benchmarks.cluster.sizes import FULL, QUICK, Sizes
from tests.benchmarks.cluster.topics import Topics
from tests.benchmarks.report import Figure, describe_machine, line
from tests.kafka_broker.broker import Broker

PARTS: Final = ("engines", "growth", "gateway")


class Options(argparse.Namespace):
    """The command line."""

    only: list[str] | None
    engine: str
    repetitions: int | None
    quick: bool
    json: Path | None
    folder: Path
    profiles: Path | None


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for."""
    options = _parser().parse_args(arguments, Options())
    options.folder.mkdir(parents=True, exist_ok=True)
    machine = describe_machine(options.folder) | {"engine_has_a_core": two_cores()}
    for name, value in machine.items():
        print(f"{name:<22} {value}", flush=True)
    leave_the_engines_core()
    sizes = QUICK if options.quick else FULL
    sizes = structs.replace(sizes, repetitions=options.repetitions or sizes.repetitions)
    with tempfile.TemporaryDirectory(dir=options.folder) as place, Broker(Path(place, "kafka").resolve()) as broker:
        figures = measure(broker.brokers, sizes, Path(place), options)
    machine["load_1min_after"] = round(os.getloadavg()[0], 1)
    for name, each in figures.items():
        print(f"\n{name}")
        for one in each:
            print(line(one))
    if options.json is not None:
        content = {"machine": machine, "quick": options.quick, "figures": figures}
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")


def measure(brokers: str, sizes: Sizes, folder: Path, options: Options) -> dict[str, list[Figure]]:
    """The parts asked for, on a broker that runs."""
    results: dict[str, list[Figure]] = {}
    topics = Topics(brokers)
    bench = Bench(topics, sizes, folder, options)
    try:
        for part in options.only or PARTS:
            print(f"\n{part}, run by run", flush=True)
            results[part] = getattr(bench, part)()
    finally:
        topics.close()
    return results


class Bench:
    """The parts on one broker; the stream of events is made when the first part needs it."""

    def __init__(self, topics: Topics, sizes: Sizes, folder: Path, options: Options) -> None:
        self._topics, self._sizes, self._folder, self._options = topics, sizes, folder, options

    @cached_property
    def _workloads(self) -> dict[bool, Workload]:
        made = Workload.made(self._sizes.events, self._sizes.subjects)
        return {False: made, True: made.needed()}

    def engines(self) -> list[Figure]:
        """The detector beside its rivals."""
        chosen = [engine for engine in (*ENGINES, *ALL_NEEDED) if self._options.engine in engine.label]
        return measure_engines(self._comparison(), self._sizes.repetitions, chosen, _say)

    def growth(self) -> list[Figure]:
        """Many journeys."""
        return growth.measure(self._topics, self._sizes, self._folder, _say)

    def gateway(self) -> list[Figure]:
        """From a POST to Kafka."""
        return gateway.measure(self._topics, self._sizes, self._folder, self._comparison(), _say)

    def _comparison(self) -> Comparison:
        return Comparison(self._topics, self._workloads, self._sizes, self._folder, self._options.profiles)


def _say(text: str) -> None:
    print(text, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cluster", description="Measure on Kafka.")
    parser.add_argument("--only", action="append", choices=PARTS, help="one part; may be repeated")
    parser.add_argument("--engine", default="", help="only engines whose name contains this")
    parser.add_argument("--quick", action="store_true", help="about six minutes and rough figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep machine and figures here as JSON")
    parser.add_argument("--repetitions", type=int, metavar="N", help="of the comparison of engines")
    parser.add_argument("--profiles", type=Path, metavar="FOLDER", help="keep profiles of our worker here (slows it)")
    parser.add_argument("--folder", type=Path, default=Path("var/benchmarks"), help="where broker and engines write")
    return parser


if __name__ == "__main__":
    main()
