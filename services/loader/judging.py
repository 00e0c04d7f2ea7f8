"""Contacts judged: which are failure demand, into `judged_contacts`, for the keys that the assembler has at hand; points placed.

What is written is the difference between what holds now and what stands there: a crash leaves nothing to undo, and the next
run writes what is missing.
"""

from typing import Final

from clickhouse_connect.driver.client import Client

from services.loader import judging_sql
from services.loader.journey_sql import KEYS
from services.loader.placing import Placer
from shared.detection.failure_demand import ANCHORING, VISIBLE, windows
from shared.detection.settings import RuleBook

_ALL: Final = 1 << 62
_ONE_PART: Final = {"max_insert_threads": 1, "min_insert_block_size_rows": 10_000_000}
"""What takes a verdict back and what says the new one become visible together."""


class Judge:
    """Judges the contacts of parts of the keys and places their points; their events are staged in the table `events`.

    `max_rows`: points and verdicts that are judged at once, unless one person has more.
    """

    def __init__(self, fence: int, events: str, max_rows: int) -> None:
        self._sql = judging_sql.statements(fence, events)
        self._place = Placer(self._sql.points, max_rows)
        self._max_rows = max_rows

    def judge(self, writer: Client, book: RuleBook, part: dict[str, int], *, whole: bool = True) -> None:
        """Write what has changed of the verdicts of these keys.

        `whole`: all events of the keys that events were loaded of are staged, and their journeys are written: their points are
        placed, too. Other contacts are known from their verdicts.
        """
        self._stage(writer, part, self._max_rows + 1)
        if int(writer.query(self._sql.staged, parameters=part).result_rows[0][0]) > self._max_rows:
            if len(writer.query(KEYS, parameters=part).result_rows) > 1:
                of, number = part["of"], part["number"]
                for each in (number, number + of):
                    self.judge(writer, book, part | {"of": of * 2, "number": each}, whole=whole)
                return
            self._stage(writer, part, _ALL)
        about = {"anchoring": list(ANCHORING), "visible": list(VISIBLE), "whole": int(whole)} | windows(book)
        writer.command(self._sql.judge, parameters=part | about, settings=_ONE_PART)
        if whole:
            self._place.place(writer, part)

    def place_again(self, writer: Client, part: dict[str, int]) -> None:
        """Place the points of one key, which were staged when its last events were judged."""
        self._place.place(writer, part)

    def _stage(self, writer: Client, part: dict[str, int], limit: int) -> None:
        writer.command(f"TRUNCATE TABLE {self._sql.points}")
        writer.command(self._sql.stage, parameters=part | {"limit": limit})
