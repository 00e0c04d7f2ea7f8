"""The questions of the journey map: what passes from step to step, and at which passages friction points stand.

In these statements a node is its number (`journey_nodes`); 0 stands before the first and after the last.
"""

# ruff: noqa: S608 - what is put into these statements are names of this module and numbers; values are bound
from typing import Any, Final

from services.insights.conditions import where_of
from services.insights.figures.journey_filters import journeys_where
from services.insights.figures.journey_nodes import NODES, Node, ways
from services.insights.figures.placed import of_journeys
from services.insights.filters import Filters
from services.insights.queries import Question
from shared.journey.node_numbers import STEP_BIT, node_number
from shared.journey.vocabulary import CITIZEN_TYPES

ALL: Final = "all"
CITIZEN: Final = "citizen"
STEPS: Final = "steps"
EVENTS: Final = (ALL, CITIZEN, STEPS)
"""Which events a map is made of: all, those of citizens (definitions, "Event"), or those that carry a step."""

START: Final[Node] = ("journey.started", "")
END: Final[Node] = ("journey.ended", "")
"""What stands before the first and after the last event of a journey on the map."""

MAX_PATH: Final = 40
"""Steps of the longest path that is looked at."""

_KEPT_BY: Final = {CITIZEN: "type", STEPS: "nodes"}
_KEEP: Final = {CITIZEN: "k IN {citizen_types:Array(String)}", STEPS: f"bitAnd(k, {STEP_BIT}) != 0"}
"""Of which array of a journey an item tells whether an event stays, and how."""
_MICROS: Final = "arrayMap(a -> toUnixTimestamp64Micro(a), at)"
_PLACED: Final = {
    ALL: ("target", "origin"),
    CITIZEN: ("if(bitAnd(on_maps, 1) = 0, 0, target)", "origin_citizen"),
    STEPS: ("if(bitAnd(on_maps, 2) = 0, 0, target)", "origin_steps"),
}
"""What columns of `placed_points` say of the event of a point on each map, and of the event before it there."""


def _scope(filters: Filters, events: str, *more: str) -> tuple[str, dict[str, Any]]:
    where, parameters = journeys_where(filters, *more)
    if events == CITIZEN:
        parameters["citizen_types"] = sorted(CITIZEN_TYPES)
    return where, parameters


def _kept(name: str, events: str) -> str:
    """An array of a journey, restricted to the events of the map."""
    return name if events == ALL else f"arrayFilter((x, k) -> {_KEEP[events]}, {name}, {_KEPT_BY[events]})"


def _ways(filters: Filters, events: str) -> tuple[str, dict[str, Any]]:
    """Rows of `found` journeys that hold an event of the map and went one `way`; of some events only, one row a journey."""
    if events == ALL:
        passed, parameters = ways(filters)
    else:
        where, parameters = _scope(filters, events)
        passed = f"SELECT 1 AS found, {_kept(NODES, events)} AS way FROM journeys FINAL {where}"
    return f"SELECT found, way FROM ({passed}) WHERE notEmpty(way)", parameters


def passages(filters: Filters, events: str) -> Question:
    """Two kinds of rows, of journeys that hold an event of the map.

    With `total` 0, a passage `origin` -> `target` of successive events: `passages`, and the journeys that make it
    (`first_passages`). With `total` 1, the node `target`: `passages` are its events, `first_events` the journeys that pass it,
    `again` those that pass it more than once, `timed` the events that another came before.
    """
    passed, parameters = _ways(filters, events)
    return Question(
        f"""
        SELECT grouping(origin) AS total, origin, target, sum(found) AS passages, sumIf(found, nth = 1) AS first_passages,
            sumIf(found, nth_at_target = 1) AS first_events, sumIf(found, nth_at_target = 2) AS again,
            sumIf(found, origin != 0 AND target != 0) AS timed
        FROM (
            SELECT found, arrayPushFront(way, 0) AS origins, arrayPushBack(way, 0) AS targets,
                arrayEnumerateUniq(origins, targets) AS nths, arrayEnumerateUniq(targets) AS nths_at_target
            FROM ({passed}))
        ARRAY JOIN origins AS origin, targets AS target, nths AS nth, nths_at_target AS nth_at_target
        GROUP BY GROUPING SETS ((origin, target), (target))""",
        parameters,
    )


def times_between(filters: Filters, events: str) -> Question:
    """Median and 90th percentile (`spread`) of the seconds between successive events: rows as of `passages`, of those that are
    known.
    """
    where, parameters = _scope(filters, events)
    return Question(
        f"""
        SELECT grouping(origin) AS total, origin, target,
            arrayMap(spread_us -> spread_us / 1e6, quantilesExactInclusiveMerge(0.5, 0.9)(times_us)) AS spread
        FROM (
            SELECT origin, target, quantilesExactInclusiveState(0.5, 0.9)(gap_us) AS times_us
            FROM (
                SELECT arrayPopBack(way) AS origins, arrayPopFront(way) AS targets,
                    arrayPopFront(arrayDifference(times)) AS gaps
                FROM (SELECT {_kept(NODES, events)} AS way, {_kept(_MICROS, events)} AS times FROM journeys FINAL {where})
                WHERE length(way) > 1)
            ARRAY JOIN origins AS origin, targets AS target, gaps AS gap_us
            GROUP BY origin, target)
        GROUP BY GROUPING SETS ((origin, target), (target))""",
        parameters,
    )


def commonest_ways(filters: Filters) -> Question:
    """The two ways that most journeys went, by their numbers: `way_key`, `journeys`."""
    where, parameters = journeys_where(filters)
    return Question(
        f"""
        SELECT way_key, count() AS journeys FROM journeys FINAL {where}
        GROUP BY way_key ORDER BY journeys DESC, way_key LIMIT 2""",
        parameters,
    )


def way_of(filters: Filters, way_key: int) -> Question:
    """The nodes of the way of this number, as `path`."""
    where, parameters = journeys_where(filters, "way_key = {way_key:UInt64}")
    return Question(f"SELECT {NODES} AS path FROM journeys {where} LIMIT 1", {**parameters, "way_key": way_key})


def happy_path(filters: Filters, events: str) -> Question:
    """The path, from first to last event, that most journeys take (of equals, the one that comes first by its nodes)."""
    passed, parameters = _ways(filters, events)
    counted = f"SELECT way AS path, found AS journeys FROM ({passed})"
    if events != ALL:
        counted = f"SELECT any(way) AS path, sum(found) AS journeys FROM ({passed}) GROUP BY cityHash64(way)"
    return Question(
        f"""
        SELECT path, journeys FROM ({counted}) WHERE length(path) <= {MAX_PATH}
        ORDER BY journeys DESC, path LIMIT 1""",
        parameters,
    )


def points_at(filters: Filters, events: str) -> Question:
    """Points in force of the journeys under the filters, by passage and rule. `target` is the node of the event that a point
    belongs to, 0 where that event is not on the map; `origin` the node of the event before it.

    Which event that is has been worked out (services/loader/placing_sql.py). A place that was taken back adds up to nothing.
    """
    event, before = _PLACED[events]
    conditions, parameters = of_journeys(filters)
    return Question(
        f"""
        SELECT event AS target, before AS origin, rule, points
        FROM (SELECT {event} AS event, {before} AS before, rule, sum(sign) AS points FROM placed_points {where_of(conditions)}
              GROUP BY event, before, rule HAVING points > 0)""",
        parameters,
    )


def journeys_behind(filters: Filters, events: str, origin: Node | None, target: Node | None, limit: int) -> Question:
    """The journeys that pass from one node to another, the latest first: `journey`, `started_us`, `duration_s` from the
    first to the last event, `events`, and `gap_s`, the time at that passage (the first, if they make it more than once).

    `START` and `END` stand for the start and the end of a journey. With one node only: all that pass it.
    """
    where, parameters = _scope(filters, events)
    places = []
    for name, node in (("origin", origin), ("target", target)):
        bound = node_number(f"{{{name}_step:String}}", f"{{{name}_channel:String}}")
        places.append("0" if node in {START, END} else bound)
        if node is not None:
            parameters |= {f"{name}_step": node[0], f"{name}_channel": node[1]}
    index = "arrayFirstIndex((o, t) -> o = origin AND t = target, origins, targets)"
    if origin is None or target is None:
        index = f"indexOf({'targets, target' if origin is None else 'targets, origin'})"
    return Question(
        f"""
        WITH {places[0] if origin is not None else 0} AS origin, {places[1] if target is not None else 0} AS target
        SELECT journey, toUnixTimestamp64Micro(started) AS started_us,
            (toUnixTimestamp64Micro(ended) - started_us) / 1e6 AS duration_s, length(way) AS events,
            if(index > 1 AND index <= length(times), (times[index] - times[index - 1]) / 1e6, NULL) AS gap_s
        FROM (
            SELECT journey, started, ended, way, times, arrayPushFront(way, 0) AS origins,
                arrayPushBack(way, 0) AS targets, {index} AS index
            FROM (SELECT journey, started, ended, {_kept(NODES, events)} AS way, {_kept(_MICROS, events)} AS times
                  FROM journeys FINAL {where}))
        WHERE index > 0 AND notEmpty(way) ORDER BY started DESC, journey LIMIT {{limit:UInt32}}""",
        {**parameters, "limit": limit},
    )
