"""Where the records of each kind go: table, staging table, identity, and the statement that moves a batch by identity.

Rows reach a staging table as the log's JSON, unread by Python. From there ClickHouse itself takes those whose identity the
table does not hold yet, so that a batch may be repeated, whole or in part, at any time. Repeats are sought among the
batch's own identities only, which bounds the memory of the search by the batch, and in the batch's own time range only
(the tables are ordered by time); rejects alone everywhere, since a request made again is refused at another time.
"""

from string import Template
from typing import Final, NamedTuple

from shared.ingest.rejects import Reject
from shared.journey.event import EventData
from shared.journey.point import LateEvent, Point
from shared.log.port import Kind

_INSERT: Final = Template(
    """INSERT INTO $table ($columns)
SELECT $sources FROM $staging
WHERE ($identity) NOT IN (
    SELECT $identity FROM $table WHERE $where AND ($identity) IN (SELECT $identity FROM $staging)
)
ORDER BY $first LIMIT 1 BY $identity"""
)
_TIME_RANGE: Final = Template("time BETWEEN (SELECT min(time) FROM $staging) AND (SELECT max(time) FROM $staging)")


class Target(NamedTuple):
    """One kind of record in ClickHouse; `first` orders a batch so that of two rows of one identity the first stays."""

    table: str
    staging: str
    columns: tuple[str, ...]
    sources: tuple[str, ...]
    identity: tuple[str, ...]
    first: str
    in_range: bool = True

    @property
    def insert(self) -> str:
        """The INSERT by identity, from the staging table."""
        return _INSERT.substitute(
            table=self.table,
            staging=self.staging,
            columns=", ".join(f"`{column}`" for column in self.columns),
            sources=", ".join(self.sources),
            identity=", ".join(self.identity),
            where=_TIME_RANGE.substitute(staging=self.staging) if self.in_range else "true",
            first=self.first,
        )


def _target(table: str, columns: tuple[str, ...], identity: tuple[str, ...], first: str) -> Target:
    sources = tuple(f"`{column}`" for column in columns)
    return Target(table, f"staging_{table}", columns, sources, identity, first)


_ENVELOPE: Final = ("source", "id", "type", "time", "recordedtime", "subject", "shard")

TARGETS: Final = {
    Kind.EVENTS: Target(
        table="events",
        staging="staging_events",
        columns=_ENVELOPE + EventData.__struct_fields__,
        sources=_ENVELOPE + tuple(f"data.`{field}`" for field in EventData.__struct_fields__),
        identity=("source", "id"),
        first="recordedtime",
    ),
    Kind.POINTS: _target("points", Point.__struct_fields__, ("id", "revision", "sign"), "revision"),
    Kind.LATE: _target("late_events", LateEvent.__struct_fields__, ("source", "id", "recordedtime"), "recordedtime"),
    Kind.REJECTS: _target("rejects", Reject.__struct_fields__, ("id",), "time")._replace(in_range=False),
}

PROBE: Final = b'[{"time":"2000-01-01T00:00:00.000000Z"}]'
"""A row that every staging table takes: what is refused beside it is refused for what it is."""
