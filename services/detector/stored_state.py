"""The state of a partition as keys and values of the compacted topic `detector-state`, and back.

| key | value |
|---|---|
| a journey's key | head, then its packed record, compressed (lz4) |
| 0x00 `state` | head, then where the partition stands (`StoredState`), compressed |
| 0x00 `chunk`, number (2 bytes), the key above | a piece of a value that is too large for one record of Kafka |

Head: format (1 byte), timer (8, microseconds, 0 = none), number of chunks (2, 0 = the rest follows here), length of the
clock's name (2), the clock's name. A journey is written with all its chunks, in one transaction.
"""

from collections.abc import Iterable, Iterator
from struct import Struct as Layout
from typing import Final

import lz4.block
import msgspec

from shared.detection.partition_state import Changed, PartitionState
from shared.errors import LogMismatch

MAX_VALUE_BYTES: Final = 600_000
"""Kafka's default limit is 1 MiB for a batch: one value, and those that were in the batch before it."""
STATE_KEY: Final = b"\x00state"
CHUNK: Final = b"\x00chunk"
_FORMAT: Final = 1
_HEAD: Final = Layout("<BqHH")
_NUMBER: Final = Layout(">H")

Entry = tuple[bytes, bytes | None]
"""A key and its value; without a value the key is deleted."""


class StoredState(msgspec.Struct):
    """Where a partition stands in log `log_id`: its journeys and `state` hold all before `next_offset`.

    `output_offset`: the output of all before it is written already, though the journeys may be of an earlier time.
    """

    log_id: str
    next_offset: int
    state: PartitionState
    output_offset: int = 0


class _SameState(msgspec.Struct):
    """A `StoredState` whose state is packed already."""

    log_id: str
    next_offset: int
    state: msgspec.Raw
    output_offset: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(StoredState)


class StateEncoder:
    """Makes the entries of a checkpoint; knows which journeys are in chunks, so that none is left when they shrink."""

    def __init__(self) -> None:
        self._chunks: dict[bytes, int] = {}
        self._written: _SameState | None = None

    def encode(self, state: StoredState, changed: Iterable[Changed]) -> list[Entry]:
        """The entries of the changed journeys and of the partition."""
        entries: list[Entry] = []
        for journey in changed:
            entries += self._entries(journey.key.encode(), journey.timer_us, journey.clock, journey.record)
        packed = msgspec.Raw(_encoder.encode(state.state))
        self._written = _SameState(state.log_id, state.next_offset, packed, state.output_offset)
        return entries + self._state_entries(self._written)

    def encode_output_offset(self, output_offset: int) -> list[Entry]:
        """The entries of the partition as `encode` gave it last, but for how far the output is; none before the first."""
        if self._written is None:
            return []
        self._written.output_offset = output_offset
        return self._state_entries(self._written)

    def _state_entries(self, state: _SameState) -> list[Entry]:
        return list(self._entries(STATE_KEY, 0, "", _encoder.encode(state)))

    def held_in_chunks(self, chunks: dict[bytes, int]) -> None:
        """Take over what a load found."""
        self._chunks = dict(chunks)

    def _entries(self, key: bytes, timer_us: int, clock: str, record: bytes) -> Iterator[Entry]:
        name = clock.encode()
        body = lz4.block.compress(record)
        if len(body) <= MAX_VALUE_BYTES:
            count = 0
            yield key, _HEAD.pack(_FORMAT, timer_us, 0, len(name)) + name + body
        else:
            pieces = [body[start : start + MAX_VALUE_BYTES] for start in range(0, len(body), MAX_VALUE_BYTES)]
            count = len(pieces)
            yield key, _HEAD.pack(_FORMAT, timer_us, count, len(name)) + name
            for number, piece in enumerate(pieces):
                yield _chunk_key(key, number), piece
        before = self._chunks.get(key, 0)
        if count or before:
            self._chunks[key] = count
            yield from ((_chunk_key(key, number), None) for number in range(count, before))


class JourneyRecords:
    """The journeys as they were loaded, compressed. What is taken out stays in the partition's own memory from then on."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._chunks: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self._values)

    def add(self, key: bytes, value: bytes | None) -> None:
        """Take the next record of the topic: the latest of a key counts."""
        place = self._chunks if key.startswith(CHUNK) else self._values
        if value is None:
            place.pop(key, None)
        else:
            place[key] = value

    def load(self, key: str) -> bytes | None:
        """The packed journey, which is forgotten here, or `None`."""
        value = self._values.pop(key.encode(), None)
        return None if value is None else self._body(key.encode(), value)

    def take_state(self) -> StoredState | None:
        """The partition's state; `None` when nothing was ever written. Raises `LogMismatch` for another version's."""
        value = self._values.pop(STATE_KEY, None)
        if value is None:
            return None
        try:
            return _decoder.decode(self._body(STATE_KEY, value))
        except msgspec.MsgspecError as error:
            raise LogMismatch(f"the detector's state was written by another version ({error})") from error

    def timers(self) -> list[tuple[int, str, str]]:
        """(instant, clock, key) of every journey that waits for a time. Raises `LogMismatch` for another format."""
        found = []
        unpack, size = _HEAD.unpack_from, _HEAD.size
        for key, value in self._values.items():
            version, timer_us, _, length = unpack(value)
            if version != _FORMAT:
                raise LogMismatch(f"the detector's state is of format {version}; this program reads {_FORMAT}")
            if timer_us:
                found.append((timer_us, value[size : size + length].decode(), key.decode()))
        return found

    def chunk_counts(self) -> dict[bytes, int]:
        """How many chunks each key has that has any."""
        counts: dict[bytes, int] = {}
        start = len(CHUNK) + _NUMBER.size
        for key in self._chunks:
            counts[key[start:]] = max(counts.get(key[start:], 0), _NUMBER.unpack_from(key, len(CHUNK))[0] + 1)
        return counts

    def _body(self, key: bytes, value: bytes) -> bytes:
        version, _, count, length = _HEAD.unpack_from(value)
        if version != _FORMAT:
            raise LogMismatch(f"the detector's state is of format {version}; this program reads {_FORMAT}")
        body = memoryview(value)[_HEAD.size + length :]
        if count:
            pieces = [self._chunks.pop(_chunk_key(key, number), None) for number in range(count)]
            if None in pieces:
                raise LogMismatch(f"the detector's state lacks chunks of a record of {count}")
            return bytes(lz4.block.decompress(b"".join(piece for piece in pieces if piece is not None)))
        return bytes(lz4.block.decompress(body))


def key_of_chunk(chunk: bytes) -> bytes:
    """The key whose value a chunk is a piece of."""
    return chunk[len(CHUNK) + _NUMBER.size :]


def _chunk_key(key: bytes, number: int) -> bytes:
    return CHUNK + _NUMBER.pack(number) + key
