"""What an engine keeps with each round, to go on from after a restart; written in the transaction of what the round left.

Counts are not in it: ClickHouse has every row before the positions of its loader, and the log what follows.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from services.alerts.judging_rises import Alerted
from shared.alerts.finding import Finding
from shared.log.port import Position

VERSION: Final = 1
MAX_FINDINGS: Final = 2_000
MAX_ALERTED: Final = 2_000


class EngineState(Struct, frozen=True, kw_only=True):
    """positions: by stream and partition, everything before has been counted. detected_us: by partition. imports, import_ends:
    since when sources are being imported, and the ends of imports that are over. found: what the last round found. alerted: spans that are
    no measure of what is usual.
    """

    version: int = VERSION
    positions: dict[str, dict[int, tuple[str, int]]] = {}
    detected_us: dict[int, int] = {}
    imports: dict[str, int] = {}
    import_ends: dict[str, int] = {}
    found: tuple[Finding, ...] = ()
    alerted: tuple[Alerted, ...] = ()


_decoder: Final = msgspec.json.Decoder(EngineState)


def read_state(state: bytes) -> EngineState:
    """What was kept; an empty one where nothing was, or a version was that this program does not know."""
    try:
        kept = _decoder.decode(state)
    except msgspec.MsgspecError:
        return EngineState()
    return kept if kept.version == VERSION else EngineState()


def write_state(state: EngineState) -> bytes:
    """Bounded: of what there is too much of, the first findings and the latest spans."""
    bounded = msgspec.structs.replace(state, found=state.found[:MAX_FINDINGS], alerted=state.alerted[-MAX_ALERTED:])
    return msgspec.json.encode(bounded)


def begin_at(
    kept: EngineState, loaded: Mapping[str, Mapping[int, Position]], streams: Sequence[str]
) -> dict[str, dict[int, Position]]:
    """Where to read on: where the engine was, but nothing that is not loaded is passed over.

    A stream without any position is read from what the log still holds.
    """
    found: dict[str, dict[int, Position]] = {}
    for stream in streams:
        at = dict(loaded.get(stream, {}))
        for partition, (log_id, offset) in kept.positions.get(stream, {}).items():
            if partition in at and at[partition].log_id == log_id and offset < at[partition].next_offset:
                at[partition] = Position(log_id, offset)
        found[stream] = at
    return found
