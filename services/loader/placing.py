"""Points placed: where each in force stands in its journey, into `placed_points`, for the keys that the assembler has at hand.

As with contacts, what is written is the difference between what holds now and what stands there.
"""

from typing import Any, Final

from clickhouse_connect.driver.client import Client

from services.loader import placing_sql
from shared.detection.fold import MAX_JOURNEY_EVENTS

_BLOCK_EVENTS: Final = 1_000_000
"""Events of journeys that lie beside points at once: each point has those of its whole journey."""
_BLOCK_ROWS: Final = 65_536
_FEW_POINTS: Final = 1_000
"""The journeys of no more are held at once however long they are."""
_NOTHING, _ALL = 0, 100
"""Whether only what is taken back is written: a point may leave a journey of one slice for one of another."""
_ONE_PART: Final = {"max_insert_threads": 1, "min_insert_block_size_rows": 10_000_000}
"""What takes a place back and what says the new one become visible together."""

_AS_READ: Final = {"min_joined_block_size_rows": 0, "min_joined_block_size_bytes": 0}
"""Blocks stay as small as they are read where points are joined with their journeys."""


class Placer:
    """Places the points that are staged in the table `points`, of journeys that are written.

    `max_rows`: points, places and events that are looked at together, about; more are taken in slices of whole journeys.
    """

    def __init__(self, points: str, max_rows: int) -> None:
        self._sql = placing_sql.statements(points)
        self._max_rows = max_rows

    def place(self, writer: Client, part: dict[str, int]) -> None:
        """Write what has changed of the places of the points of these keys, all of which are staged."""
        slices, longest = self._sizes(writer)
        block = min(max(_BLOCK_EVENTS // max(longest, 1), 1), _BLOCK_ROWS)
        settings: dict[str, Any] = _ONE_PART | _AS_READ | {"max_block_size": block}
        about = part | {"citizen_types": placing_sql.CITIZEN, "slices": slices}
        for below in (_NOTHING, _ALL)[slices == 1 :]:
            for number in range(slices):
                each = {"slice": number, "below": below}
                writer.command(self._sql.place, parameters=about | each, settings=settings)

    def _sizes(self, writer: Client) -> tuple[int, int]:
        """Into how many slices the points are divided, and how many events the longest of their journeys has, at most."""
        points = int(writer.query(self._sql.points).result_rows[0][0])
        if points <= min(_FEW_POINTS, self._max_rows):
            return 1, MAX_JOURNEY_EVENTS
        events, longest = writer.query(self._sql.events).result_rows[0]
        return max(points, events) // self._max_rows + 1, longest
