"""The benchmarks run and give figures; what the figures are is not tested."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import BENCHMARKS
from tests.benchmarks.report import describe_machine, figure, line
from tests.benchmarks.sizes import TINY


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_benchmark_gives_figures(name: str, tmp_path: Path) -> None:
    """At the smallest size every benchmark ends, with figures above zero that can be printed."""
    figures = BENCHMARKS[name](TINY, tmp_path)
    assert figures
    assert [each for each in figures if each.value <= 0] == []
    assert all(each.name in line(each) for each in figures)


def test_the_machine_is_described(tmp_path: Path) -> None:
    """What the figures depend on is known and measured."""
    machine = describe_machine(tmp_path)
    assert machine["cores"] >= 1
    assert machine["decode_us_per_event"] > 0
    assert machine["durable_append_ms"] > 0


@pytest.mark.parametrize(("runs", "median"), [([3.0], 3.0), ([1.0, 9.0, 2.0], 2.0)])
def test_a_figure_is_the_median_of_its_runs(runs: Sequence[float], median: float) -> None:
    """One slow run does not move a figure."""
    assert figure("any", runs, "s").value == median
