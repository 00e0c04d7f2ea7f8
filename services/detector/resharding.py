"""Moving journeys when the partitions become more: each goes where its shard now belongs, in one transaction over all of them.

Run while no worker is a member of the group and everything in the log is folded. A run that is cut short has moved nothing;
one that is repeated moves what is left to move.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.detector.kafka_checkpoint import BATCH_BYTES, MAX_REQUEST_BYTES, Topics, read_partition, send_entries
from services.detector.stored_state import (
    CHUNK,
    STATE_KEY,
    Entry,
    JourneyRecords,
    StateEncoder,
    StoredState,
    key_of_chunk,
)
from shared.detection.partition import SEPARATOR
from shared.detection.partition_state import PartitionState
from shared.errors import LogUnavailable, ReshardRefused
from shared.journey.event import partition_of

TRANSACTION_TIMEOUT_MS: Final = 900_000
"""The longest that a broker allows by default. A run that is repeated ends the transaction of the one before it at once."""

ShardOf = Callable[[str], int | None]
"""The shard of a subject; `None` where nothing is stored of it any more."""


class Moved(NamedTuple):
    """What a run did. Journeys of which no event is stored stay where they are: their shard is not known."""

    journeys: int
    of_unknown_shard: int


class PartitionContent:
    """The raw entries of a partition's state."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._chunks: dict[bytes, list[bytes]] = {}

    def add(self, key: bytes, value: bytes | None) -> None:
        """Take the next record of the topic: the latest of a key counts."""
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value

    def loaded(self) -> None:
        """All is read: find out which chunks belong to which key."""
        for key in self._values:
            if key.startswith(CHUNK):
                self._chunks.setdefault(key_of_chunk(key), []).append(key)

    def journeys(self) -> list[bytes]:
        """The keys of the journeys."""
        return [key for key in self._values if key != STATE_KEY and not key.startswith(CHUNK)]

    def entries(self, key: bytes) -> list[Entry]:
        """What is stored under a key, with its chunks."""
        return [(each, self._values[each]) for each in (key, *self._chunks.get(key, ()))]

    def state(self) -> StoredState | None:
        """The partition's own state. Raises `LogMismatch` for another version's."""
        records = JourneyRecords()
        for key, value in self.entries(STATE_KEY) if STATE_KEY in self._values else ():
            records.add(key, value)
        return records.take_state()

    def encoder(self) -> StateEncoder:
        """Encodes a state that takes this one's place, and leaves no chunk of it."""
        encoder = StateEncoder()
        encoder.held_in_chunks({STATE_KEY: len(self._chunks.get(STATE_KEY, ()))})
        return encoder


class Resharding:
    """One run: `detector-state` has the new number of partitions already, `ends` are those of the log as it is."""

    def __init__(
        self, brokers: str, topics: Topics, partitions: int, ends: Mapping[int, int], shard_of: ShardOf
    ) -> None:
        self._brokers, self._topics = brokers, topics
        self._partitions, self._ends, self._shard_of = partitions, ends, shard_of
        self._states: dict[int, StoredState] = {}
        self._encoders: dict[int, StateEncoder] = {}
        self._waiting: dict[int, dict[str, int]] = {}
        self._journeys = self._unknown = 0

    async def run(self) -> Moved:
        """Move. Raises `ReshardRefused` while something is not folded, and `LogUnavailable`; nothing is moved then."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._brokers,
            transactional_id=f"{self._topics.group}-reshard",
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            max_batch_size=BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
        )
        try:
            await producer.start()
            async with producer.transaction():
                for number in range(self._partitions):
                    await self._move_from(producer, number)
                await self._write_states(producer)
        except (KafkaError, OSError, AssertionError) as error:  # aiokafka asserts the states of a transaction
            raise LogUnavailable(f"the journeys could not be moved ({type(error).__name__}); run it again") from error
        finally:
            with suppress(Exception):
                await producer.stop()
        return Moved(self._journeys, self._unknown)

    async def _move_from(self, producer: Any, number: int) -> None:
        content = PartitionContent()
        await read_partition(self._brokers, self._topics.state, number, content.add)
        content.loaded()
        state = content.state()
        self._check(number, state)
        self._encoders[number] = content.encoder()
        if state is None:
            return
        self._states[number] = state
        by_target: dict[int, list[Entry]] = {}
        for key in content.journeys():
            target = self._target(key)
            if target is None or target == number:
                continue
            entries = content.entries(key)
            by_target.setdefault(target, []).extend(entries)
            by_target.setdefault(number, []).extend((each, None) for each, _ in entries)
            self._take_waiting(state.state, target, key.decode())
            self._journeys += 1
        for target, entries in by_target.items():
            await send_entries(producer, self._topics.state, target, entries)

    def _check(self, number: int, state: StoredState | None) -> None:
        folded, end = (0 if state is None else state.next_offset), self._ends.get(number, 0)
        if folded < end:
            raise ReshardRefused(
                f"partition {number}: the detector has folded {folded} of {end}; start it, wait, stop it, then try again"
            )
        if state is not None and state.state.redetection:
            raise ReshardRefused("the past is being detected again; wait for its end, then try again")

    def _target(self, key: bytes) -> int | None:
        shard = self._shard_of(key.decode().partition(SEPARATOR)[0])
        if shard is None:
            self._unknown += 1
            return None
        return partition_of(shard, self._partitions)

    def _take_waiting(self, state: PartitionState, target: int, key: str) -> None:
        ticks = state.waiting.pop(key, None)
        if ticks is not None:
            self._waiting.setdefault(target, {})[key] = ticks

    async def _write_states(self, producer: Any) -> None:
        """New partitions know the rules and the clocks of the others; all know the journeys that came to wait with them."""
        if not self._states:
            return
        first = next(iter(self._states.values()))
        for number in range(self._partitions):
            state = self._states.get(number) or StoredState(first.log_id, 0, _beginning(first.state))
            state.state.waiting |= self._waiting.get(number, {})
            await send_entries(producer, self._topics.state, number, self._encoders[number].encode(state, ()))


def _beginning(state: PartitionState) -> PartitionState:
    return PartitionState(dict(state.now_us), state.version, dict(state.documents))
