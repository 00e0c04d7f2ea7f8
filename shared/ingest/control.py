"""How time, rule settings, imports and redetections enter the log: control events, to the partitions they are for."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from shared.ingest.batcher import Batcher
from shared.ingest.published_rules import PublishedRules, PublishedRulesMemory
from shared.ingest.records import Part
from shared.journey.codec import encode
from shared.journey.control import ClockTicked, Control, JourneyReplayed, RulesPublished
from shared.journey.event import partition_of
from shared.journey.instants import SECOND_US, to_text
from shared.log.port import Kind, LogWriter

REPUBLISH_EVERY_US: Final = 3_600 * SECOND_US
"""Rules are published again so often, under the same version, so that pruning never leaves a log without them.

So they are with the first tick of a process that found them published: it may have stood still for longer.
"""


class OwnLog(LogWriter, Protocol):
    """A writer that knows its log: `LocalLogWriter`, `KafkaLogWriter`."""

    @property
    def partitions(self) -> int:
        """The number of partitions."""

    def log_id(self) -> str:
        """The identity of the log."""


class Reached(Struct):
    """How far the log reaches after an append: partition (as text) -> the offset after it."""

    log_id: str
    ends: dict[str, int]


class Controls:
    """Writes control events through the gateway's own batcher, so that they stand in order with the events."""

    def __init__(
        self,
        batcher: Batcher,
        log: OwnLog,
        published: PublishedRulesMemory,
        rules: dict[str, Any],
        now_us: Callable[[], int],
    ) -> None:
        self._batcher = batcher
        self._log_id = log.log_id()
        self._partitions = range(log.partitions)
        self._published = published
        self._rules = msgspec.to_builtins(rules)
        self._now_us = now_us
        self._last_tick_us = 0
        self._version = 0
        self._published_us = 0
        self._just_published = False

    async def publish_rules(self) -> int:
        """Publish the rule settings if they differ from the last published ones; gives the version in force.

        Raises `ParcoursError`, and `OSError` when the data folder cannot be written; nothing is published then.
        """
        latest = await asyncio.to_thread(self._published.latest, self._log_id)
        if latest is not None and latest.rules == self._rules:
            await asyncio.to_thread(self._published.remember, latest)
            self._version = latest.version
            return latest.version
        version = 1 if latest is None else latest.version + 1
        await asyncio.to_thread(self._published.forget)
        await self.append([RulesPublished(version, self._rules)])
        await asyncio.to_thread(self._published.remember, PublishedRules(self._log_id, version, self._rules))
        self._version = version
        self._just_published = True
        return version

    async def tick(self) -> None:
        """Let the log's time go on to the gateway's clock; time never goes back. Raises `LogError`."""
        now_us = self._now_us()
        if now_us > self._last_tick_us:
            self._last_tick_us = now_us
            await self.append([*self._rules_again(now_us), ClockTicked(to_text(now_us))], urgent=True)

    def _rules_again(self, now_us: int) -> list[Control]:
        if self._published_us and now_us - self._published_us < REPUBLISH_EVERY_US:
            return []
        self._published_us = now_us
        in_place, self._just_published = self._just_published, False
        return [] if in_place else [RulesPublished(self._version, self._rules)]

    def _partition(self, control: Control) -> int | None:
        """A replayed journey goes to its own partition; everything else to all of them (`None`)."""
        if isinstance(control, JourneyReplayed):
            return partition_of(control.shard, len(self._partitions))
        return None

    async def append(self, controls: Sequence[Control], *, urgent: bool = False) -> Reached:
        """Append control events, in order, each to the partitions it is for. Raises `LogError`."""
        items = [(self._partition(control), encode([control])[1:-1]) for control in controls]
        parts = [
            Part(partition, Kind.CONTROL, [item for own, item in items if own in {None, partition}])
            for partition in self._partitions
        ]
        parts = [part for part in parts if part.items]
        ends = await self._batcher.submit(parts, urgent=urgent)
        return Reached(self._log_id, {str(partition): end for partition, end in ends.items()})
