"""Note whose journeys a batch of events has changed, and whose contacts a batch of points, for the assembler.

Every statement is one batch. Its number is ClickHouse's own clock in microseconds, or one more than the highest there:
numbers grow, whatever the clock does, while anything waits. All events of the past are noted under the numbers from 1.
"""

from string import Template
from typing import Final

from clickhouse_connect.driver.client import Client

from shared.log.port import Kind

PAST_KEYS: Final = 25_000
"""(subject, service) of the past under one number."""
PAST_EVENTS: Final = 1_000_000
"""Events of the past whose keys are sought in one statement, about."""

_ONE_PART: Final = {"max_insert_threads": 1, "min_insert_block_size_rows": 10_000_000}
"""The keys of a batch become visible together."""
_NOTE: Final = Template(
    """
INSERT INTO touched_journeys (batch, subject, service, points_only)
SELECT
    greatest(
        toUInt64(toUnixTimestamp64Micro(now64(6))), (SELECT max(batch) + 1 FROM touched_journeys)
    ),
    subject, $service, $points_only
FROM {staging:Identifier} WHERE subject != '' GROUP BY subject, $service
"""
)
_OF_EVENTS: Final = _NOTE.substitute(service="data.service", points_only=0)
_OF_POINTS: Final = _NOTE.substitute(service="service", points_only=1)
_NOTE_PAST: Final = """
INSERT INTO touched_journeys (batch, subject, service, points_only)
SELECT {first:UInt64} + intDiv(rowNumberInAllBlocks(), {keys:UInt64}), subject, service, {points_only:UInt8}
FROM (SELECT subject, service FROM {table:Identifier}
      WHERE subject != '' AND cityHash64(subject) % {of:UInt64} = {number:UInt64} GROUP BY subject, service)
"""
_NUMBERS_OF_A_PIECE: Final = 1_000_000
_ROWS: Final = "SELECT count() FROM {table:Identifier}"
_NOTED_WITH: Final = """
SELECT argMaxIf(cuts, at, name = 'past'), argMaxIf(cuts, at, name = 'judged') FROM assembled_journeys
"""
_NOTED: Final = """
INSERT INTO assembled_journeys
WITH greatest(now64(6), (SELECT max(at) + toIntervalMicrosecond(1) FROM assembled_journeys)) AS now
SELECT each.1, each.2, now FROM (SELECT arrayJoin([('past', {cutting:String}), ('judged', {judging:String})]) AS each)
"""


def note_touched(writer: Client, kind: Kind, staging: str) -> None:
    """Note the keys of the events or points in a staging table. Raises the driver's errors."""
    sql = _OF_POINTS if kind is Kind.POINTS else _OF_EVENTS
    writer.command(sql, parameters={"staging": staging}, settings=_ONE_PART)


def note_past(writer: Client, cutting: str, judging: str) -> None:
    """Note every key there is, in pieces, unless that was done with the same `cutting`; with the same but for `judging`, those
    that have points. Raises the driver's errors.

    A crash in between leaves keys noted: they are noted again.
    """
    cut_with, judged_with = writer.query(_NOTED_WITH).result_rows[0]
    if (cut_with, judged_with) == (cutting, judging):
        return
    points_only = bool(judged_with) and cut_with == cutting
    table = "points" if points_only else "events"
    pieces = int(writer.query(_ROWS, parameters={"table": table}).result_rows[0][0]) // PAST_EVENTS + 1
    for number in range(pieces):
        about = {
            "first": 1 + number * _NUMBERS_OF_A_PIECE,
            "keys": PAST_KEYS,
            "of": pieces,
            "number": number,
            "table": table,
            "points_only": int(points_only),
        }
        writer.command(_NOTE_PAST, parameters=about, settings=_ONE_PART)
    writer.command(_NOTED, parameters={"cutting": cutting, "judging": judging})
