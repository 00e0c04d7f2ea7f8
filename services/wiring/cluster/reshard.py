"""`parcours reshard`: more partitions for a cluster, without tearing a journey apart. Everything but the registry stands still."""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Final, NamedTuple

from services.detector.kafka_checkpoint import Topics
from services.detector.resharding import Moved, Resharding
from services.wiring.cluster.detector import GROUP
from services.wiring.cluster.gateways import CLOCK_LEASE
from services.wiring.cluster.parts import instance_name, open_store
from services.wiring.registry import open_registry
from shared.errors import ConfigurationError, ReshardRefused
from shared.journey.event import SHARDS
from shared.log.kafka.reader import KafkaLogReader
from shared.log.kafka.topics import DETECTOR_STATE, RAW_TOPICS, add_partitions, group_members, topic_states
from shared.log.port import FRICTIONS, JOURNEY_EVENTS
from shared.registry.keeper import LEASE_TTL_S, LeaseKeeper
from shared.settings import Settings
from shared.store.client import Store

QUIET_S: Final = 3.0
"""So long nothing may be written into the log before it counts as standing still: ticks come every second."""
_DETECTED: Final = "detected"
_SLICES: Final = 64
_MS: Final = 1_000
_SLACK_S: Final = 3.0
_POLL_S: Final = 0.5
_POSITIONS: Final = """
SELECT stream, partition, argMax(log_id, at), argMax(next_offset, at) FROM positions
WHERE stream IN ({events:String}, {detected:String}) GROUP BY stream, partition
"""
_SHARDS_OF: Final = """
SELECT subject, any(shard) FROM events WHERE subject != '' AND cityHash64(subject) % {slices:UInt8} = {slice:UInt8}
GROUP BY subject
"""

_log = logging.getLogger(__name__)


class Resharded(NamedTuple):
    """What the command tells."""

    partitions: int
    before: int
    moved: Moved


def reshard(settings: Settings, partitions: int) -> Resharded:
    """Give the log so many partitions and move the journeys that belong elsewhere then.

    Raises `ConfigurationError` for fewer partitions than there are or more than shards, `ReshardRefused` while something runs
    or is not folded or not loaded, and other `ParcoursError`. Nothing has moved then, and it may be run again.
    """
    before = _partitions(settings.brokers)
    if not before <= partitions <= SHARDS:
        raise ConfigurationError(
            f"{partitions} partitions: there are {before}, they can only become more, at most {SHARDS}"
        )
    with open_registry(settings) as registry, closing(open_store(settings)) as store:
        keeper = LeaseKeeper(registry.leases, CLOCK_LEASE, instance_name(settings))
        with keeper:
            if not keeper.wait(2 * LEASE_TTL_S):
                raise ReshardRefused("casework runs; stop all gateways, then try again")
            _await_no_detector(settings)
            log_id, ends = _standing_still(settings.brokers)
            _check_loaded(store, log_id, ends)
            shards = _shards(store)
            moved = _move(settings.brokers, partitions, ends, shards)
    return Resharded(partitions, before, moved)


def _await_no_detector(settings: Settings) -> None:
    """A worker that was stopped stays a member for its session's time: it might only be restarting."""
    deadline = time.monotonic() + settings.group_session_ms / _MS + _SLACK_S
    while group_members(settings.brokers, GROUP):
        if time.monotonic() > deadline:
            raise ReshardRefused("a detector runs; stop all detectors, then try again")
        time.sleep(_POLL_S)


def _move(brokers: str, partitions: int, ends: Mapping[int, int], shards: Mapping[str, int]) -> Moved:
    """The log's own partitions come last: until then a detector refuses to start, and a run that was cut short is repeated."""
    topics = Topics(JOURNEY_EVENTS, FRICTIONS, DETECTOR_STATE, GROUP)
    add_partitions(brokers, DETECTOR_STATE, partitions)
    moved = asyncio.run(Resharding(brokers, topics, partitions, ends, shards.get).run())
    for topic in (*RAW_TOPICS, FRICTIONS, JOURNEY_EVENTS):
        add_partitions(brokers, topic, partitions)
    return moved


def _partitions(brokers: str) -> int:
    found = topic_states(brokers, [JOURNEY_EVENTS]).get(JOURNEY_EVENTS)
    if found is None:
        raise ConfigurationError(f"{JOURNEY_EVENTS}: no such topic; run `parcours service setup`")
    return found.partitions


def _standing_still(brokers: str) -> tuple[str, Mapping[int, int]]:
    with closing(KafkaLogReader(brokers, JOURNEY_EVENTS)) as reader:
        before = reader.ends()
        time.sleep(QUIET_S)
        ends = reader.ends()
        if ends != before:
            raise ReshardRefused("events still arrive; stop all gateways, then try again")
        return reader.log_id() or "", ends


def _check_loaded(store: Store, log_id: str, ends: Mapping[int, int]) -> None:
    """Shards are known from the loaded events only, so all must be; and all points, so that nobody waits for them."""
    rows = store.query(_POSITIONS, {"events": JOURNEY_EVENTS, "detected": _DETECTED}).rows
    reached = {(stream, partition): offset for stream, partition, log, offset in rows if log == log_id}
    for stream, what in ((JOURNEY_EVENTS, "events"), (_DETECTED, "points")):
        behind = [number for number, end in ends.items() if reached.get((stream, number), 0) < end]
        if behind:
            raise ReshardRefused(
                f"{what} of partition {', '.join(map(str, behind))} are not all loaded; let detectors and loader run until "
                f"they are, stop the detectors, then try again"
            )


def _shards(store: Store) -> dict[str, int]:
    shards: dict[str, int] = {}
    for number in range(_SLICES):
        shards.update(store.query(_SHARDS_OF, {"slices": _SLICES, "slice": number}).rows)
    _log.info("shards are known", extra={"subjects": len(shards)})
    return shards
