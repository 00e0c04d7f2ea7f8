"""The questions behind failure demand: which uninvited contacts lie at, or soon after, which points of the same person.

A person with regard to a service is a number here (`contact_key`, `person_key`; migration 0010): a cut between two journeys is
wider than any window, so that its points are those of the journey.
"""

# ruff: noqa: S608 - what is put into these statements are names of columns and parameters; values are bound
from typing import Any, Final

from services.insights.figures.overview_ratio import sums_sql
from services.insights.filters import Filters
from services.insights.queries import Question, events_where
from shared.detection.register import DECLARATIONS
from shared.detection.settings import RuleBook

ANCHORING: Final = ("repeat_contact", "unanswered_retry", "channel_switch", "status_chasing")
"""A contact that anchors a point of one of these is failure demand by itself."""
VISIBLE: Final = tuple(rule for rule, each in DECLARATIONS.items() if each.citizen_sees)
"""A contact soon after a point of one of these is failure demand."""
MAX_TIED: Final = 1_000
"""Persons with events of one instant that are told apart by name; of more, all contacts are counted so."""

_POINT: Final = 1 << 33
"""What tells the mark of a point, (identity of its anchor, whether its rule is anchoring), from that of a contact."""
_MICROS: Final = "toUnixTimestamp64Micro(time)"
_TOTALS: Final = """sum(n) AS contacts, sum(failed) AS avoidable, sum(n_citizen) AS known_citizen,
            sum(n_administration) AS known_administration, sum(m_citizen) AS minutes_citizen,
            sum(m_administration) AS minutes_administration"""


def demand_question(filters: Filters, book: RuleBook, without: list[int] | None = None) -> Question:
    """One row: the counts of `Demand`, and `tied`: persons that numbers cannot judge, at most one more than `MAX_TIED`.

    These have a contact at the very instant of a point that anchors another event. `without` leaves persons out.
    """
    where, points, parameters = _restricted(filters, book, without, "NOT IN")
    return Question(_by_numbers(where, points, _window(filters, book)), parameters)


def demand_by_names(filters: Filters, book: RuleBook, only: list[int] | None = None) -> Question:
    """As `demand_question`, of these persons, or of all: events of one instant stand in the order of their source and id."""
    where, points, parameters = _restricted(filters, book, only, "IN")
    return Question(_by_names(where, points, _window(filters, book)), parameters)


def _restricted(
    filters: Filters, book: RuleBook, persons: list[int] | None, sign: str
) -> tuple[str, str, dict[str, Any]]:
    """The WHERE clause on events, the conditions on points, and the values of both."""
    windows = _windows(book)
    chosen = [] if persons is None else [f"contact_key {sign} {{persons:Array(UInt64)}}"]
    where, parameters = events_where(filters, "contact_key != 0", *chosen)
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
    if persons is not None:
        parameters["persons"] = persons
        points.append(f"person_key {sign} {{persons:Array(UInt64)}}")
    return where, " AND ".join(points), parameters


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


def _by_numbers(where: str, points: str, window: str) -> str:
    """Contacts and points of a person in arrays, from one pass over both.

    A contact's `found`: 3 it anchors a point that makes it failure demand, 1 it follows a point within the window, 2 it cannot
    be told, 0 neither. Minutes that are not known are -1 in the arrays.
    """
    own = "moment = at AND mark = identity + 1"
    minutes = "arrayMax(arrayMap((moment, mark, lost) -> if({own}, lost, -1.), moments, marks, {of}))"
    each = f"arrayFilter(lost -> lost >= 0, arrayMap((at, identity, it) -> if(it = 3, {minutes}, -1.), ats, identities, found))"
    citizen, administration = (each.format(own=own, of=of) for of in ("citizens", "administrations"))
    return f"""
        SELECT {_TOTALS}, {sums_sql("failed", "n")} AS sums,
            groupUniqArrayIf({MAX_TIED + 1})(key, has(found, 2)) AS tied
        FROM (
            SELECT key, length(ats) AS n,
                arrayMap((at, identity) -> multiIf(
                    arrayExists((moment, mark) -> {own}, moments, marks), 3,
                    arrayExists(moment -> moment < at AND at - moment <= window, moments), 1,
                    arrayExists((moment, mark) -> moment = at AND bitShiftRight(mark, 1) != bitShiftRight(identity, 1), moments, marks), 2,
                    0), ats, identities) AS found,
                arrayCount(it -> it IN (1, 3), found) AS failed,
                {citizen} AS of_citizen, {administration} AS of_administration,
                length(of_citizen) AS n_citizen, length(of_administration) AS n_administration,
                arraySum(of_citizen) AS m_citizen, arraySum(of_administration) AS m_administration
            FROM (
                SELECT key, max(window_us) AS window,
                    groupArrayIf(at, mark < {_POINT}) AS ats, groupArrayIf(mark, mark < {_POINT}) AS identities,
                    groupArrayIf(at, mark >= {_POINT}) AS moments, groupArrayIf(mark - {_POINT}, mark >= {_POINT}) AS marks,
                    groupArrayIf(citizen, mark >= {_POINT}) AS citizens,
                    groupArrayIf(administration, mark >= {_POINT}) AS administrations
                FROM (
                    SELECT contact_key AS key, {_MICROS} AS at, 2 * toUInt64(contact_identity) AS mark, {window} AS window_us,
                        -1. AS citizen, -1. AS administration
                    FROM events {where}
                    UNION ALL {_points_in_force(points)})
                GROUP BY key HAVING notEmpty(ats)))"""


def _points_in_force(points: str) -> str:
    """Points as numbers: as they stand where nothing of the person was ever taken back, else added up."""
    mark = f"{_POINT} + 2 * toUInt64(anchor_identity) + (rule IN {{anchoring:Array(String)}})"
    taken_back = f"(SELECT person_key FROM points WHERE {points} AND sign < 0)"
    return f"""
        SELECT person_key, {_MICROS}, {mark}, 0, ifNull(minutes_citizen, -1.), ifNull(minutes_administration, -1.)
        FROM points WHERE {points} AND person_key NOT IN {taken_back}
        UNION ALL
        SELECT person_key, {_MICROS}, {mark}, 0, ifNull(sum(sign * minutes_citizen), -1.),
            ifNull(sum(sign * minutes_administration), -1.)
        FROM points WHERE {points} AND person_key IN {taken_back}
        GROUP BY person_key, time, anchor_identity, rule HAVING sum(sign) > 0"""


def _by_names(where: str, points: str, window: str) -> str:
    """Contacts with the points of their person beside them.

    In `found`, a point is (its time, source, anchor, whether its rule makes the anchor failure demand, minutes).
    """
    before = "(p.1 < at OR (p.1 = at AND (p.2, p.3) < (source, id))) AND at - p.1 <= window"
    own = "p.4 AND p.2 = source AND p.3 = id"
    return f"""
        SELECT {_TOTALS}, {sums_sql("failed", "n")} AS sums, [] AS tied
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
