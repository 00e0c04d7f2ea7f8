"""How far tables `journeys`, `judged_contacts` and `placed_points` are behind what has been loaded."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

WAITING: Final = """
SELECT
    (SELECT count() FROM touched_journeys), (SELECT min(batch) FROM touched_journeys),
    (SELECT argMax(cuts, at) NOT IN ('', 'unplaced') FROM assembled_journeys WHERE name = 'judged'), toUInt64(toUnixTimestamp64Micro(now64(6)))
"""
_FIRST_INSTANT_US: Final = 1_000_000_000_000_000
"""Batches below are no instants: they are of the past, noted all together."""


class JourneysFreshness(NamedTuple):
    """`waiting` keys were loaded and are not assembled. Journeys, judged contacts and placed points hold everything loaded before `through_us`.

    By ClickHouse's clock, which also gave `now_us`; with nothing waiting `through_us` is `now_us`. 0: what was loaded
    long ago is still being assembled for the first time, or again as a whole.
    """

    waiting: int
    through_us: int
    now_us: int

    @property
    def behind_s(self) -> float:
        """Age of the oldest key that waits, 0 when nothing does; of those of the past, 0 too, since it is unknown."""
        return max(self.now_us - self.through_us, 0) / 1_000_000 if self.through_us else 0.0


class _Rows(Protocol):
    @property
    def rows(self) -> Sequence[Sequence[Any]]: ...


class _Queries(Protocol):
    def query(self, sql: str, /) -> _Rows: ...


def journeys_freshness(store: _Queries) -> JourneysFreshness:
    """As of now. Raises `StoreError`."""
    return read_freshness(store.query(WAITING).rows[0])


def read_freshness(row: Sequence[Any]) -> JourneysFreshness:
    """Of the answer to `WAITING`."""
    waiting, oldest, noted, now_us = (int(value) for value in row)
    if not noted:
        return JourneysFreshness(waiting, 0, now_us)
    through_us = oldest if waiting else now_us
    return JourneysFreshness(waiting, through_us if through_us >= _FIRST_INSTANT_US else 0, now_us)
