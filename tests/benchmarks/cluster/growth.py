"""The detector as journeys grow in number: cost of an event, memory of a journey, and a restart after `kill -9`."""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.journey.control import ClockTicked, RulesPublished
from shared.journey.event import Event, EventData
from shared.journey.instants import HOUR_US, to_text
from shared.log.port import Kind
from tests.benchmarks.cluster.comparison import Say
from tests.benchmarks.cluster.events import Row
from tests.benchmarks.cluster.measured import EngineProcess, await_end
from tests.benchmarks.cluster.sizes import Sizes
from tests.benchmarks.cluster.topics import Topics
from tests.benchmarks.report import Figure, figure
from tests.benchmarks.workload import ALL_RULES, RANDOM_TYPES, SERVICE, START_US, EventMaker, pseudonyms
from tests.kafka_broker.jars import ROOT

EVENTS_EACH: Final = 3
RECORD_EVENTS: Final = 500
BLOCK_JOURNEYS: Final = 25_000
SPAN_US: Final = 20 * HOUR_US
_PROGRAM: Final = "tests.benchmarks.cluster.engines.detector"
_LIMIT_S: Final = 600.0


def measure(topics: Topics, sizes: Sizes, folder: Path, say: Say) -> list[Figure]:
    """For each number of journeys: what filling costs, what an event costs then, memory, restart."""
    found: list[Figure] = []
    for journeys in sizes.growth:
        found += Growth(topics, folder, journeys, sizes.growth_events).measure()
        say(f"  {journeys:,} journeys: {', '.join(f'{each.value:g} {each.unit}' for each in found[-5:])}")
    return found


class Growth:
    """One worker and its topics, for a number of journeys."""

    def __init__(self, topics: Topics, folder: Path, journeys: int, events: int) -> None:
        self._topics, self._folder, self._journeys, self._events = topics, folder, journeys, events
        self._subjects = pseudonyms(journeys)
        self._source, self._output = topics.make("grown"), topics.make("output")
        self._state, self._group = topics.make("state", compacted=True), topics.name("group")
        self._records = 0

    def measure(self) -> list[Figure]:
        """Fill; an event's cost; memory; kill and start again."""
        name = f"{self._journeys:,} journeys"
        self._records = self._topics.fill(self._source, [_rules(), _tick(START_US)])
        with self._worker() as worker:
            empty_bytes = await_end(worker, self._committed, self._records).resident_bytes
            before_s = worker.used_s()
            self._records += self._topics.fill(self._source, self._filling())
            filled = await_end(worker, self._committed, self._records)
            filling_us = (worker.used_s() - before_s) / (self._journeys * EVENTS_EACH) * 1e6
            growth_bytes = filled.resident_bytes - empty_bytes
            used_s = worker.used_s()
            self._records += self._topics.fill(self._source, self._more())
            await_end(worker, self._committed, self._records)
            used_s = worker.used_s() - used_s
            worker.process.kill()
            worker.process.wait()
        restart_s, restart_used_s = self._restart()
        self._topics.delete([self._source, self._output, self._state])
        return [
            figure(f"{name}: processor time of an event while they begin", [filling_us], "µs/event"),
            figure(f"{name}: processor time of an event of any of them", [used_s / self._events * 1e6], "µs/event"),
            figure(f"{name}: memory a journey of {EVENTS_EACH} events", [growth_bytes / self._journeys], "bytes"),
            figure(
                f"{name}: kill -9, start, first point", [restart_s], "s", aim="15" if self._journeys >= 10**6 else ""
            ),
            figure(f"{name}: processor time of that", [restart_used_s], "s"),
        ]

    def _worker(self) -> EngineProcess:
        config = {
            "brokers": self._topics.brokers,
            "input": self._source,
            "output": self._output,
            "state": self._state,
            "group": self._group,
            "records": self._records,
            "profile": "",
        }
        return EngineProcess([sys.executable, "-m", _PROGRAM], config, self._folder, {"PYTHONPATH": str(ROOT)})

    def _committed(self) -> int:
        return self._topics.committed(self._group, self._source)

    def _filling(self) -> Iterator[Row]:
        """Three events of each journey, mixed within blocks, over 20 hours."""
        for first in range(0, self._journeys, BLOCK_JOURNEYS):
            maker = EventMaker(first, RANDOM_TYPES)
            order = self._subjects[first : first + BLOCK_JOURNEYS] * EVENTS_EACH
            maker.random.shuffle(order)
            start_us = START_US + SPAN_US * first // self._journeys
            yield from _rows(maker, order, start_us, SPAN_US * len(order) // EVENTS_EACH // self._journeys)

    def _more(self) -> Iterator[Row]:
        """Events of journeys drawn at random, over an hour."""
        maker = EventMaker(1, RANDOM_TYPES)
        order = maker.random.choices(self._subjects, k=self._events)
        return _rows(maker, order, START_US + SPAN_US, HOUR_US)

    def _restart(self) -> tuple[float, float]:
        """From starting the program to a point of an event that came while it was down: seconds, and processor seconds."""
        anchor, time_us = EventMaker(2).uuid(), START_US + SPAN_US + 2 * HOUR_US
        at, data = to_text(time_us), EventData(SERVICE, channel="phone")
        event = Event(anchor, "/phone/pbx", "call.rejected", at, at, data, self._subjects[0])
        rows = [Row(None, msgspec.json.encode([event]), Kind.EVENTS, 1)]
        self._topics.fill(self._source, rows)
        with self._worker() as worker:
            asyncio.run(_await_point(self._topics.brokers, self._output, anchor, worker))
            return time.monotonic() - worker.started_s, worker.used_s()


def _rows(maker: EventMaker, order: Sequence[str], start_us: int, span_us: int) -> Iterator[Row]:
    events: list[Event] = []
    for number, subject in enumerate(order, 1):
        time_us = start_us + number * span_us // len(order)
        events.append(maker.event(subject, time_us))
        if len(events) == RECORD_EVENTS or number == len(order):
            yield Row(None, msgspec.json.encode(events), Kind.EVENTS, len(events))
            yield _tick(time_us)
            events = []


def _rules() -> Row:
    return Row(None, msgspec.json.encode([RulesPublished(1, dict(ALL_RULES))]), Kind.CONTROL, 1)


def _tick(time_us: int) -> Row:
    return Row(None, msgspec.json.encode([ClockTicked(to_text(time_us))]), Kind.CONTROL, 1)


async def _await_point(brokers: str, topic: str, anchor: str, worker: EngineProcess) -> None:
    """Wait until the point of an anchor can be read; read from the end of the topic as it is now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, isolation_level="read_committed", fetch_max_wait_ms=50)
    await consumer.start()
    try:
        where = TopicPartition(topic, 0)
        consumer.assign([where])
        await consumer.seek_to_end(where)
        await consumer.position(where)
        limit_s = time.monotonic() + _LIMIT_S
        while time.monotonic() < limit_s:
            for record in chain.from_iterable((await consumer.getmany(timeout_ms=50)).values()):
                if anchor.encode() in record.value:
                    return
            worker.check()
        raise AssertionError("no point came after the restart")
    finally:
        await consumer.stop()
