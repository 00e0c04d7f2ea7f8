"""The benchmarks on Kafka run and give figures, and the rivals' rules are those of the definitions; figures are not tested."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.benchmarks.cluster import gateway, growth
from tests.benchmarks.cluster.comparison import ENGINES, Comparison, Engine, available
from tests.benchmarks.cluster.engines.two_rules import journey_of, judge, matters, new_state
from tests.benchmarks.cluster.events import Workload, in_force
from tests.benchmarks.cluster.sizes import TINY
from tests.benchmarks.cluster.streams_jars import FOLDER
from tests.benchmarks.cluster.topics import Topics
from tests.benchmarks.report import line
from tests.kafka_broker.broker import Broker


def _one_of_each() -> list[Engine]:
    """One engine of each program that can run; Kafka Streams is not fetched for a test."""
    fetched = any(FOLDER.glob("libs/kafka-streams-*.jar"))
    there = [each for each in ENGINES if not available(each) and (each.program != "streams" or fetched)]
    return list({each.program: each for each in there if each.record_events != 1}.values())


@pytest.fixture(scope="module")
def workload() -> Workload:
    """A small stream."""
    return Workload.made(TINY.events, TINY.subjects)


@pytest.fixture
def topics(broker: Broker) -> Iterator[Topics]:
    """Topics of a real broker."""
    topics = Topics(broker.brokers)
    yield topics
    topics.close()


@pytest.mark.parametrize("needed", [False, True])
def test_the_rules_written_the_usual_way_give_the_points_of_the_core(workload: Workload, needed: bool) -> None:
    """On a stream in order both rules give the same points, also when the events they do not need are left out."""
    stream = workload.needed() if needed else workload
    states: dict[str, dict[str, object]] = {}
    rows = []
    for value in stream.values:
        event = msgspec.json.decode(value)
        if matters(event):
            rows += judge(states.setdefault(journey_of(event), new_state()), event)
    found = in_force(rows)
    assert found == stream.expected(TINY.events) == workload.expected(TINY.events)
    assert {rule for rule, _ in found} == {"repeat_contact", "error_loop"}


@pytest.mark.parametrize("engine", _one_of_each(), ids=lambda engine: engine.label)
def test_each_engine_gives_the_expected_points(
    engine: Engine, workload: Workload, topics: Topics, tmp_path: Path
) -> None:
    """An engine reads the stream to its end and finds the points that the core finds; then there are figures."""
    comparison = Comparison(topics, {False: workload}, TINY, tmp_path, None)
    comparison.run(engine, lambda _: None)
    assert all(each.value > 0 and each.name in line(each) for each in comparison.figures())


def test_an_engine_with_other_points_makes_the_comparison_void(
    workload: Workload, topics: Topics, tmp_path: Path
) -> None:
    """A point that should be there and is not stops the benchmark."""
    engine = next(each for each in ENGINES if each.program == "faust_table" and each.record_events == 500)
    comparison = Comparison(topics, {False: workload}, TINY, tmp_path, None)
    other = Workload.made(TINY.events, TINY.subjects, seed=4)
    with pytest.raises(AssertionError, match="void"):
        comparison._check(engine, TINY.few_events, other.expected(TINY.few_events))


def test_growth_is_measured(topics: Topics, tmp_path: Path) -> None:
    """For each number of journeys there is a cost, a size and a restart that ends with a point."""
    found = growth.measure(topics, TINY, tmp_path, lambda _: None)
    assert len(found) == 5 * len(TINY.growth)
    assert [each for each in found if each.value <= 0 and each.unit != "bytes"] == []


def test_the_gateway_is_measured(workload: Workload, topics: Topics, tmp_path: Path) -> None:
    """A gateway on Kafka is posted to, its records are counted, and the detector runs at their sizes."""
    comparison = Comparison(topics, {False: workload}, TINY, tmp_path, None)
    found = gateway.measure(topics, TINY, tmp_path, comparison, lambda _: None)
    assert [each for each in found if each.value <= 0] == []
    assert any(each.name.startswith("detector at the size of records") for each in found)
