"""The same events through every engine, each alone: events a second, and a second of its processor time.

An engine whose points differ from those of the detector's core on this stream stops the benchmark: the comparison is void.
"""

import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from shared.log.port import Kind
from tests.benchmarks.cluster.events import COMPARED, Found, Workload, in_force
from tests.benchmarks.cluster.measured import EngineProcess, Run, Span, await_end
from tests.benchmarks.cluster.sizes import Sizes
from tests.benchmarks.cluster.streams_jars import class_path
from tests.benchmarks.cluster.topics import Topics
from tests.benchmarks.report import Figure, figure
from tests.kafka_broker.jars import ROOT

BENCH_PYTHON: Final = ROOT / ".venv-bench" / "bin" / "python"
_ENGINES: Final = "tests.benchmarks.cluster.engines"
_JVM: Final = ("-Xms256m", "-Xmx1g", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error")


Say = Callable[[str], None]


class Engine(NamedTuple):
    """One line of the comparison. `rules` is empty where nothing is detected; `size` names a field of `Sizes`."""

    name: str
    program: str
    record_events: int
    rules: str
    size: str
    guarantee: str = ""
    needed: bool = False
    """Whether the stream holds only what the two rules need."""

    @property
    def label(self) -> str:
        """As it is printed."""
        records = "single events" if self.record_events == 1 else f"records of {self.record_events}"
        return f"{self.name}, {records}{', all needed' if self.needed else ''}"


def _detector(record_events: int, rules: str, size: str) -> Engine:
    return Engine(f"detector, {rules} rules", "detector", record_events, rules, size)


def _streams(record_events: int, words: str, guarantee: str, size: str) -> Engine:
    return Engine(f"Kafka Streams, {words}", "streams", record_events, "two", size, guarantee)


ENGINES: Final = (
    Engine("floor", "floor", 500, "", "events"),
    Engine("floor", "floor", 20, "", "events"),
    Engine("floor", "floor", 1, "", "events"),
    _detector(500, "two", "events"),
    _detector(20, "two", "events"),
    _detector(1, "two", "events"),
    _detector(500, "eighteen", "events"),
    _detector(20, "eighteen", "events"),
    _detector(1, "eighteen", "events"),
    Engine("Faust Table", "faust_table", 1, "two", "few_events"),
    Engine("Faust Table", "faust_table", 500, "two", "few_events"),
    Engine("Quix Streams", "quix", 1, "two", "events"),
    Engine("Quix Streams", "quix", 500, "two", "events"),
    _streams(1, "at least once", "at_least_once", "events"),
    _streams(500, "at least once", "at_least_once", "events"),
    _streams(1, "exactly once", "exactly_once_v2", "events"),
    _streams(500, "exactly once", "exactly_once_v2", "events"),
)


ALL_NEEDED: Final = tuple(
    engine._replace(needed=True)
    for engine in ENGINES
    if engine.rules == "two" and engine.record_events != 20 and engine.guarantee != "exactly_once_v2"
)
"""The same on a stream without the events that a usual program drops as soon as it has read them."""


class Comparison:
    """Runs engines on one broker and keeps what each took."""

    def __init__(
        self, topics: Topics, workloads: Mapping[bool, Workload], sizes: Sizes, folder: Path, profiles: Path | None
    ) -> None:
        self._topics, self._workloads, self._sizes, self._folder = topics, workloads, sizes, folder
        self._profiles = profiles
        self.runs: dict[Engine, list[Run]] = {}

    def run(self, engine: Engine, say: Say) -> None:
        """Run an engine once on its stream. Raises `AssertionError` when its points are not the expected ones."""
        events = self._events(engine)
        source, records = self._source(engine, events)
        output, state = self._topics.make("output"), self._topics.make("state", compacted=True)
        group = self._topics.name("group")
        with tempfile.TemporaryDirectory(dir=self._folder, ignore_cleanup_errors=True) as place:
            config = {
                "brokers": self._topics.brokers,
                "input": source,
                "output": output,
                "state": state,
                "group": group,
                "folder": place,
                "records": records,
                "record_events": engine.record_events,
                "guarantee": engine.guarantee,
                "profile": self._profile(engine),
            }
            command, environment = command_of(engine)
            with EngineProcess(command, config, self._folder, environment) as process:
                run = await_end(process, lambda: self._topics.committed(group, source), records)
        if engine.rules:
            self._check(engine, events, self._points(engine, output))
        self._topics.delete([output, state])
        self.runs.setdefault(engine, []).append(run)
        say(
            f"  {engine.label}: {events / run.whole.wall_s:,.0f} events/s, {_per_used(events, run.whole):,.0f} a CPU-second"
        )

    def figures(self) -> list[Figure]:
        """Of every engine: events a second and a CPU-second, and for a compiler that warms up those of the second half."""
        found = []
        for engine, runs in self.runs.items():
            events = self._events(engine)
            found += _figures(engine.label, events, [run.whole for run in runs])
            halves = [run.second_half for run in runs if run.second_half is not None]
            if engine.program == "streams" and halves:
                found += _figures(f"{engine.label}, warmed up", events / 2, halves)
        return found + list(self._ratios())

    def _events(self, engine: Engine) -> int:
        wanted: int = getattr(self._sizes, engine.size)
        return min(wanted, len(self._workloads[engine.needed].values))

    def _source(self, engine: Engine, events: int) -> tuple[str, int]:
        ours = engine.program in {"detector", "floor"}
        rules = engine.rules or "two"
        label = f"{'logged-' + rules if ours else 'usual'}-{engine.record_events}-{events}-{engine.needed}"
        size, workload = engine.record_events, self._workloads[engine.needed]
        rows = workload.logged(events, size, rules) if ours else workload.usual(events, size)
        return self._topics.filled(label, rows)

    def _profile(self, engine: Engine) -> str:
        name = f"{engine.program}-{engine.rules}-{engine.record_events}.prof"
        return str(self._profiles / name) if self._profiles and engine.program == "detector" else ""

    def _points(self, engine: Engine, output: str) -> Found:
        rows: list[Any] = []
        for record in self._topics.read(output):
            if engine.program != "detector":
                rows.append(msgspec.json.decode(record.value))
            elif ("kind", Kind.POINTS.encode()) in record.headers:
                rows += msgspec.json.decode(record.value)
        return in_force(rows)

    def _check(self, engine: Engine, events: int, found: Found) -> None:
        expected = self._workloads[engine.needed].expected(events)
        compared = frozenset(point for point in found if point[0] in COMPARED)
        assert compared == expected, (
            f"{engine.label}: {len(compared)} points of the two rules and not the {len(expected)} expected "
            f"({len(expected - compared)} missing): the comparison is void"
        )

    def _ratios(self) -> Iterator[Figure]:
        """How many times the rivals' best the detector does, on each stream."""
        for needed in (False, True):
            for rules in ("two", "eighteen"):
                for rival, aim_all, aim_two in _RIVALS:
                    ours, theirs = self._best(f"detector, {rules} rules", needed), self._best(rival, needed)
                    if ours and theirs:
                        name = f"detector, {rules} rules{', all needed' if needed else ''}: times {rival}, best of each"
                        yield figure(name, [ours / theirs], "per CPU-second", aim_two if rules == "two" else aim_all)

    def _best(self, name: str, needed: bool) -> float:
        """The most events a CPU-second, of the medians; a compiler is taken as warmed up. 0 if it did not run."""
        chosen = [engine for engine in self.runs if engine.name.startswith(name) and engine.needed == needed]
        return max((self._median(engine) for engine in chosen), default=0.0)

    def _median(self, engine: Engine) -> float:
        events = self._events(engine)
        return statistics.median(_best_half(engine, run, events) for run in self.runs[engine])


_RIVALS: Final = (("Kafka Streams", "1", "2"), ("Quix Streams", "", "4"), ("Faust Table", "", "40"))
"""Name, and the aims for all and for two rules."""


def command_of(engine: Engine) -> tuple[Sequence[str], Mapping[str, str]]:
    """How an engine is started, and what its environment says besides."""
    if engine.program == "streams":
        return ["java", *_JVM, "-cp", class_path(), "TwoRules"], {}
    python = str(BENCH_PYTHON) if engine.program == "quix" else sys.executable
    return [python, "-m", f"{_ENGINES}.{engine.program}"], {"PYTHONPATH": str(ROOT)}


def available(engine: Engine) -> str:
    """Why an engine cannot run here; empty when it can."""
    if engine.program == "quix" and not BENCH_PYTHON.exists():
        return "Quix Streams is not installed: requirements/install bench"
    if engine.program == "streams" and not all(map(shutil.which, ("java", "javac", "mvn"))):
        return "Kafka Streams needs java, javac and mvn"
    return ""


def measure_engines(comparison: Comparison, repetitions: int, engines: Sequence[Engine], say: Say) -> list[Figure]:
    """Every engine, in rounds, so that what else the machine does falls on all alike."""
    for reason in {available(engine) for engine in engines} - {""}:
        say(f"  LEFT OUT: {reason}")
    there = [engine for engine in engines if not available(engine)]
    for _ in range(repetitions):
        for engine in there:
            comparison.run(engine, say)
    return comparison.figures()


def _figures(label: str, events: float, spans: Sequence[Span]) -> list[Figure]:
    return [
        figure(label, [events / span.wall_s for span in spans], "events/s"),
        figure(label, [_per_used(events, span) for span in spans], "events/CPU-s"),
    ]


def _per_used(events: float, span: Span) -> float:
    return events / max(span.used_s, 0.001)


def _best_half(engine: Engine, run: Run, events: int) -> float:
    if engine.program == "streams" and run.second_half is not None:
        return _per_used(events / 2, run.second_half)
    return _per_used(events, run.whole)
