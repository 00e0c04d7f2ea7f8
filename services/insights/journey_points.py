"""The points of one journey, those that were taken back included, and why they were."""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from services.insights import queries
from services.insights.figures.summaries import answer
from services.insights.journey_events import TimelineEvent, out_of_order
from services.insights.points import PointInForce, read_point
from services.insights.ports import Store

MAX_ROWS: Final = 5_000
"""Rows of points that are read of one journey."""

Why = Literal["replaced", "other_rules", "out_of_order", "not_known"]
"""A later version of the point holds; other settings judged it again; events arrived out of order; or none of these shows."""


class PointRow(Struct, frozen=True):
    """One version of a point, and whether its point is in force."""

    point: PointInForce
    in_force: bool


class TakenBack(Struct, frozen=True):
    """A point, or an earlier version of one, that no longer holds; `by` are the (source, id) of events that may have
    taken it back.
    """

    point: PointInForce
    why: Why
    by: list[tuple[str, str]]


def journey_points(store: Store, journey: str) -> list[PointRow]:
    """Every version of every point of a journey, in order of time, the versions of one point in their order."""
    sql = f"""
        SELECT {queries.POINT_COLUMNS}, sum_signs > 0 AS in_force
        FROM (SELECT *, sum(sign) OVER (PARTITION BY points.id) AS sum_signs
              FROM points WHERE journey = {{journey:String}}) AS points
        WHERE sign = 1 ORDER BY points.time, id, revision LIMIT {MAX_ROWS}"""  # noqa: S608  # names and a number only
    rows = answer(store, queries.Question(sql, {"journey": journey}))
    return [
        PointRow(read_point({name: row[name] for name in row if name != "in_force"}), bool(row["in_force"]))
        for row in rows
    ]


def in_force(rows: Sequence[PointRow]) -> list[PointInForce]:
    """The points in force: of each its latest version."""
    return list({row.point.id: row.point for row in rows if row.in_force}.values())


def taken_back(rows: Sequence[PointRow], events: Sequence[TimelineEvent], version: int) -> list[TakenBack]:
    """What no longer holds, in order of time: earlier versions of points in force, and of the others the latest.

    `events` are those of the journey in order, `version` that of the rules in force.
    """
    latest = {row.point.id: row for row in rows}
    late_comers = out_of_order(events)
    arrived_us = {(event.source, event.id): event.recorded_us for event in events}
    found = []
    for row in rows:
        last = latest[row.point.id]
        if last.in_force and row is not last:
            found.append(TakenBack(row.point, "replaced", []))
        elif not last.in_force and row is last:
            found.append(_explained(row.point, late_comers, arrived_us, version))
    return found


def _explained(
    point: PointInForce, late_comers: Sequence[TimelineEvent], arrived_us: dict[tuple[str, str], int], version: int
) -> TakenBack:
    judged_us = max((arrived_us.get(identity, 0) for identity in point.identities()), default=0)
    by = [(event.source, event.id) for event in late_comers if event.recorded_us > judged_us]
    if by:
        return TakenBack(point, "out_of_order", by)
    return TakenBack(point, "other_rules" if point.version != version else "not_known", [])
