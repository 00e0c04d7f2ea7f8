"""Failure demand from the rows of events and points alone, as the definitions say it: what stored verdicts are held to.

Source: docs/definitions/frictions.md, "Failure demand". Slow: every question follows persons from point to contact.
"""

from typing import Any, Final

from services.insights.figures.overview_ratio import sums_sql
from services.insights.filters import Filters
from services.insights.queries import Question, events_where
from shared.detection.failure_demand import ANCHORING, VISIBLE
from shared.detection.settings import RuleBook

_MICROS: Final = "toUnixTimestamp64Micro(time)"
_TOTALS: Final = """sum(n) AS contacts, sum(failed) AS avoidable, sum(n_citizen) AS known_citizen,
            sum(n_administration) AS known_administration, sum(m_citizen) AS minutes_citizen,
            sum(m_administration) AS minutes_administration"""


def demand_by_names(filters: Filters, book: RuleBook) -> Question:
    """One row: the counts of `Demand` and its `Sums`; events of one instant stand in the order of their source and id."""
    windows = _windows(book)
    where, parameters = events_where(filters, "contact_key != 0")
    parameters |= {
        "anchoring": list(ANCHORING), "visible": list(VISIBLE), **windows,
        "longest_us": max([windows["window_us"], *windows["windows_us"]]),
    }  # fmt: skip
    points = ["rule IN {visible:Array(String)}"]
    if filters.service is not None:
        points.append("service = {service:String}")
    if filters.from_us is not None:
        points.append("time >= fromUnixTimestamp64Micro({from_us:Int64} - {longest_us:Int64}, 'UTC')")
    if filters.to_us is not None:
        points.append("time < fromUnixTimestamp64Micro({to_us:Int64}, 'UTC')")
    return Question(_by_names(where, " AND ".join(points), _window(filters, book)), parameters)


def _windows(book: RuleBook) -> dict[str, Any]:
    services = sorted(book.document["service"])
    return {
        "services": services,
        "windows_us": [book.failure_demand_window_us(service) for service in services],
        "window_us": book.failure_demand_window_us(""),
    }


def _window(filters: Filters, book: RuleBook) -> str:
    """How long after a point a contact of its service is failure demand: one length where no service has its own."""
    if not book.document["service"]:
        return "{window_us:Int64}"
    service = "service" if filters.service is None else "{service:String}"
    return f"transform({service}, {{services:Array(String)}}, {{windows_us:Array(Int64)}}, {{window_us:Int64}})"


def _by_names(where: str, points: str, window: str) -> str:
    """Contacts with the points of their person beside them.

    In `found`, a point is (its time, source, anchor, whether its rule makes the anchor failure demand, minutes).
    """
    before = "(p.1 < at OR (p.1 = at AND (p.2, p.3) < (source, id))) AND at - p.1 <= window"
    own = "p.4 AND p.2 = source AND p.3 = id"
    return f"""
        SELECT {_TOTALS}, {sums_sql("failed", "n")} AS sums
        FROM (
            SELECT key, count() AS n, countIf(failure) AS failed, count(citizen) AS n_citizen,
                count(administration) AS n_administration, sum(citizen) AS m_citizen,
                sum(administration) AS m_administration
            FROM (
                SELECT key, arrayExists(p -> ({own}) OR ({before}), found) AS failure,
                    arrayReduce('max', arrayMap(p -> p.5, arrayFilter(p -> {own}, found))) AS citizen,
                    arrayReduce('max', arrayMap(p -> p.6, arrayFilter(p -> {own}, found))) AS administration
                FROM (SELECT contact_key AS key, {_MICROS} AS at, source, id, {window} AS window FROM events {where}) AS c
                LEFT JOIN (
                    SELECT key, groupArray((at, source, anchor, anchoring, citizen, administration)) AS found
                    FROM (
                        SELECT person_key AS key, {_MICROS} AS at, source, anchor, rule IN {{anchoring:Array(String)}} AS anchoring,
                            sum(sign * minutes_citizen) AS citizen, sum(sign * minutes_administration) AS administration
                        FROM points WHERE {points}
                        GROUP BY key, at, source, anchor, rule HAVING sum(sign) > 0)
                    GROUP BY key) AS p USING key)
            GROUP BY key)"""
