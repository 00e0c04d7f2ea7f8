"""The questions of the journey map: what passes from step to step, and at which passages friction points stand.

In these statements a node is its number (`journey_nodes`); 0 stands before the first and after the last.
"""

# ruff: noqa: S608 - what is put into these statements are names of this module and numbers; values are bound
from collections.abc import Mapping
from itertools import chain
from typing import Any, Final

from services.insights.conditions import rows_of_points_within, where_of
from services.insights.figures.journey_filters import journeys_where
from services.insights.figures.journey_nodes import (
    ALL_BITS,
    CHANNEL_BITS,
    NODE_BITS,
    NODES,
    STEP_BIT,
    Node,
    node_number,
    ways,
)
from services.insights.filters import Filters
from services.insights.queries import Question
from shared.journey.vocabulary import CITIZEN_TYPES, CONTACT_TYPES, FORM_TYPES

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

ANCHOR_TYPES: Final = {
    **dict.fromkeys(("repeat_contact", "unanswered_retry", "channel_switch"), sorted(CONTACT_TYPES)),
    "form_abandoned": sorted(FORM_TYPES - {"form.submitted"}),
    "error_loop": ["form.error"],
    "repeated_click": ["click.repeated"],
    "long_wait": ["call.answered", "ticket.called"],
    "queue_abandoned": ["call.abandoned", "ticket.noshow"],
    "turned_away": ["call.rejected"],
    "unanswered_message": ["callback.requested", "message.received"],
    "transfer_loop": ["call.transferred", "ticket.transferred"],
    "repeated_request": ["information.requested"],
    "rework": ["case.progressed"],
    "case_reopened": ["case.reopened"],
    "low_rating": ["feedback.given"],
}
"""Of which types the event of a point can be; any type for the other rules. Source: docs/definitions/frictions.md, "Rules"."""

_KEPT_BY: Final = {CITIZEN: "type", STEPS: "nodes"}
_KEEP: Final = {CITIZEN: "k IN {citizen_types:Array(String)}", STEPS: f"bitAnd(k, {STEP_BIT}) != 0"}
"""Of which array of a journey an item tells whether an event stays, and how."""
_CLASSES: Final = {types: 1 << place for place, types in enumerate(dict.fromkeys(map(tuple, ANCHOR_TYPES.values())), 1)}
"""Rules by the types of their events, a bit for each; the lowest bit stands for any type."""


def _chosen(of: str, numbers: Mapping[str, int]) -> str:
    """SQL: the number of a name, 1 for any other."""
    names, values = (f"'{name}'" for name in numbers), (f"toUInt32({number})" for number in numbers.values())
    return f"transform({of}, [{', '.join(names)}], [{', '.join(values)}], toUInt32(1))"


CLASSES_OF_TYPES: Final = {
    name: 1 + sum(bit for types, bit in _CLASSES.items() if name in types) for name in sorted({*chain(*_CLASSES)})
}
"""What column `rule_classes` of `journeys` holds for an event of each type (migration 0015), 1 for any other."""
_RULE_CLASS: Final = _chosen("rule", {rule: _CLASSES[tuple(types)] for rule, types in ANCHOR_TYPES.items()})
_MICROS: Final = "arrayMap(a -> toUnixTimestamp64Micro(a), at)"
_PLACE: Final = (
    f"if(step = '', bitAnd(cityHash64(channel), {CHANNEL_BITS}), bitOr({node_number('step', 'channel')}, {STEP_BIT}))"
)
_PLACE_BITS: Final = f"if(step = '', {CHANNEL_BITS | STEP_BIT}, {ALL_BITS})"
_CASE: Final = "if(case = '', toUInt32(0), toUInt32(cityHash64(case)))"
"""As in column `case_numbers` of `journeys`."""
_AT_PLACE: Final = "bitAnd(bitXor(n, place), place_bits) = 0"
_FITS: Final = f"bitAnd(k, class) != 0 AND {_AT_PLACE}"
_SAME: Final = """(indexOf(times, point_us) AS same) > 0 AND times[same + 1] != point_us
    AND bitAnd(classes[same], class) != 0 AND bitAnd(bitXor(nodes[same], place), place_bits) = 0"""
_INDEX: Final = f"""multiIf(
    {_SAME} AND rule != 'deadline_missed', same,
    rule = 'deadline_missed',
    arrayFirstIndex((u, n, c) -> u <= point_us AND c = point_case AND {_AT_PLACE}, times, nodes, cases),
    arrayLastIndex((u, n, k) -> u <= point_us AND {_FITS}, times, nodes, classes))"""
"""Nearly all points stand at the time of their event and no other event does: the first look finds these, and only of the others
are the arrays copied for another."""


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
        SELECT grouping(origin) AS total, origin, target, quantilesExactInclusiveMerge(0.5, 0.9)(seconds) AS spread
        FROM (
            SELECT origin, target, quantilesExactInclusiveState(0.5, 0.9)(gap_us / 1e6) AS seconds
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

    A point belongs to the latest event of its journey, of the rule's types, with its step and channel, that is not after the
    moment it judges: its own time, less the window of the rules that wait; a missed deadline to the first event of its case
    with its step and channel. A point that was taken back adds up to nothing, wherever it stood.
    """
    where, parameters = _scope(filters, events)
    restricted, days = rows_of_points_within(filters.on(filters.from_us, None))
    restricted += [f"{name} = {{{name}:String}}" for name in ("service", "rule") if getattr(filters, name) is not None]
    target, before, keep = f"bitAnd(nodes[index], {NODE_BITS})", f"bitAnd(nodes[index - 1], {NODE_BITS})", ""
    if events != ALL:
        keep = f", arrayMap(k -> {_KEEP[events]}, {_KEPT_BY[events]}) AS keep"
        target = f"if(keep[index], {target}, 0)"
        kept = "arrayFilter((n, k) -> k, arraySlice(nodes, 1, index - 1), arraySlice(keep, 1, index - 1))"
        before = f"bitAnd({kept}[-1], {NODE_BITS})"
    return Question(
        f"""
        SELECT if(index > 0, {target}, 0) AS target, if(target != 0 AND index > 1, {before}, 0) AS origin, rule,
            sum(sign) AS points
        FROM (
            SELECT nodes{", keep" if keep else ""}, rule, sign, {_INDEX} AS index
            FROM (SELECT journey_key, nodes, rule_classes AS classes, {_MICROS} AS times, case_numbers AS cases{keep}
                  FROM journeys FINAL {where}) AS whole
            INNER JOIN (
                SELECT journey_key, rule, sign, toUnixTimestamp64Micro(time) - waited_us AS point_us, {_RULE_CLASS} AS class,
                    {_PLACE} AS place, {_PLACE_BITS} AS place_bits, {_CASE} AS point_case
                FROM points {where_of(restricted)}) AS held
            USING journey_key)
        GROUP BY target, origin, rule HAVING points > 0""",
        {**parameters, **days},
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
