"""Note whose journeys a batch of events has changed, for the assembler.

Every statement is one batch. Its number is ClickHouse's own clock in microseconds, or one more than the highest there:
numbers grow, whatever the clock does, while anything waits. All events of the past are noted under the numbers from 1.
"""

from typing import Final

from clickhouse_connect.driver.client import Client

from services.loader.targets import TARGETS
from shared.log.port import Kind

PAST_KEYS: Final = 25_000
"""(subject, service) of the past under one number."""
PAST_EVENTS: Final = 1_000_000
"""Events of the past whose keys are sought in one statement, about."""

_ONE_PART: Final = {"max_insert_threads": 1, "min_insert_block_size_rows": 10_000_000}
"""The keys of a batch become visible together."""
_NOTE: Final = """
INSERT INTO touched_journeys (batch, subject, service)
SELECT
    greatest(
        toUInt64(toUnixTimestamp64Micro(now64(6))), (SELECT max(batch) + 1 FROM touched_journeys)
    ),
    subject, data.service
FROM {staging:Identifier} WHERE subject != '' GROUP BY subject, data.service
"""
_NOTE_PAST: Final = """
INSERT INTO touched_journeys (batch, subject, service)
SELECT {first:UInt64} + intDiv(rowNumberInAllBlocks(), {keys:UInt64}), subject, service
FROM (SELECT subject, service FROM events
      WHERE subject != '' AND cityHash64(subject) % {of:UInt64} = {number:UInt64} GROUP BY subject, service)
"""
_NUMBERS_OF_A_PIECE: Final = 1_000_000
_EVENTS: Final = "SELECT count() FROM events"
_NOTED_WITH: Final = "SELECT argMax(cuts, at) FROM assembled_journeys WHERE name = 'past'"
_NOTED: Final = """
INSERT INTO assembled_journeys
SELECT 'past', {cutting:String}, greatest(now64(6), (SELECT max(at) + toIntervalMicrosecond(1) FROM assembled_journeys))
"""


def note_touched(writer: Client, staging: str = TARGETS[Kind.EVENTS].staging) -> None:
    """Note the keys of the events in a staging table. Raises the driver's errors."""
    writer.command(_NOTE, parameters={"staging": staging}, settings=_ONE_PART)


def note_past(writer: Client, cutting: str) -> None:
    """Note every key there is, in pieces, unless that was done with the same `cutting`. Raises the driver's errors.

    A crash in between leaves keys noted: they are noted again.
    """
    if writer.query(_NOTED_WITH).result_rows[0][0] == cutting:
        return
    pieces = int(writer.query(_EVENTS).result_rows[0][0]) // PAST_EVENTS + 1
    for number in range(pieces):
        about = {"first": 1 + number * _NUMBERS_OF_A_PIECE, "keys": PAST_KEYS, "of": pieces, "number": number}
        writer.command(_NOTE_PAST, parameters=about, settings=_ONE_PART)
    writer.command(_NOTED, parameters={"cutting": cutting})
