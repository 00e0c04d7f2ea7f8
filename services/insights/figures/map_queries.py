"""The questions of the journey map: what passes from step to step, and at which passages friction points stand.

A *node* is (step, channel) of an event, its type where it has no step. In these statements a node is a number, the hash of
both; 0 stands before the first and after the last. `node_names` says which is which.
"""

# ruff: noqa: S608 - what is put into these statements are names of this module and numbers; values are bound
from typing import Any, Final

from services.insights.figures.journey_filters import journeys_where
from services.insights.filters import Filters
from services.insights.queries import Question
from shared.journey.vocabulary import CITIZEN_TYPES, CONTACT_TYPES, FORM_TYPES

ALL: Final = "all"
CITIZEN: Final = "citizen"
STEPS: Final = "steps"
EVENTS: Final = (ALL, CITIZEN, STEPS)
"""Which events a map is made of: all, those of citizens (definitions, "Event"), or those that carry a step."""

Node = tuple[str, str]
"""A step, or an event's type where it has none, and a channel ('' where there is none)."""
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

_KEEP: Final = {
    ALL: "arrayMap(t -> 1, type)",
    CITIZEN: "arrayMap(t -> t IN {citizen_types:Array(String)}, type)",
    STEPS: "arrayMap(s -> s != '', step)",
}
_LABEL: Final = "if(s = '', t, s)"
_HASHES: Final = f"arrayMap((s, t, c) -> cityHash64({_LABEL}, c), step, type, channel)"
_MICROS: Final = "arrayMap(a -> toUnixTimestamp64Micro(a), at)"
_WINDOW_US: Final = """if(rule IN ('form_abandoned', 'unanswered_message'), toInt64(1e6 * (
    parameters['window_s'] + parameters['saved_window_s'] + parameters['callback_window_s'])), 0)"""
_CASES: Final = ", ".join(f"rule = '{rule}', {types}" for rule, types in ANCHOR_TYPES.items())
_TYPES: Final = f"multiIf({_CASES}, [])"
_HERE: Final = "u <= point_us AND s = point_step AND c = point_channel"
_INDEX: Final = f"""if(rule = 'deadline_missed',
    arrayFirstIndex((u, s, c, k) -> {_HERE} AND k = point_case, times, step, channel, case),
    arrayLastIndex((u, s, c, t) -> {_HERE} AND (empty(types) OR has(types, t)), times, step, channel, type))"""


def _scope(filters: Filters, events: str, *more: str) -> tuple[str, dict[str, Any]]:
    where, parameters = journeys_where(filters, *more)
    if events == CITIZEN:
        parameters["citizen_types"] = sorted(CITIZEN_TYPES)
    return where, parameters


def _kept(name: str, events: str) -> str:
    """An array of a journey, restricted to the events of the map."""
    return name if events == ALL else f"arrayFilter((x, k) -> k, {name}, {_KEEP[events]})"


def passages(filters: Filters, events: str) -> Question:
    """Two kinds of rows, of journeys that hold an event of the map.

    With `total` 0, a passage `origin` -> `target` of successive events: `passages`, the journeys that make it
    (`first_passages`), and the seconds between (`spread`: median and 90th percentile, not a number where none are known).
    With `total` 1, the node `target`: `passages` are its events, `first_events` the journeys that pass it, `again` those that
    pass it more than once, `spread` the seconds since the event before, of `timed` events.
    """
    where, parameters = _scope(filters, events)
    return Question(
        f"""
        SELECT grouping(origin) AS total, origin, target, count() AS passages, countIf(nth = 1) AS first_passages,
            countIf(nth_at_target = 1) AS first_events, countIf(nth_at_target = 2) AS again, countIf(gap_us >= 0) AS timed,
            quantilesExactInclusiveIf(0.5, 0.9)(gap_us / 1e6, gap_us >= 0) AS spread
        FROM (
            SELECT arrayPushFront(nodes, 0) AS origins, arrayPushBack(nodes, 0) AS targets,
                arrayEnumerateUniq(origins, targets) AS nths, arrayEnumerateUniq(targets) AS nths_at_target,
                arrayPushBack(arrayPushFront(arrayPopFront(arrayDifference(times)), -1), -1) AS gaps
            FROM (SELECT {_kept(_HASHES, events)} AS nodes, {_kept(_MICROS, events)} AS times FROM journeys FINAL {where})
            WHERE notEmpty(nodes))
        ARRAY JOIN origins AS origin, targets AS target, nths AS nth, nths_at_target AS nth_at_target, gaps AS gap_us
        GROUP BY GROUPING SETS ((origin, target), (target))""",
        parameters,
    )


def node_names(filters: Filters, events: str) -> Question:
    """The step and the channel of each node."""
    where, parameters = _scope(filters, events)
    kept = ", ".join(f"{_kept(name, events)} AS {name}s" for name in ("step", "type", "channel"))
    return Question(
        f"""
        SELECT node, any({_LABEL}) AS step, any(c) AS channel
        FROM (SELECT {kept}, {_kept(_HASHES, events)} AS nodes FROM journeys FINAL {where})
        ARRAY JOIN steps AS s, types AS t, channels AS c, nodes AS node
        GROUP BY node""",
        parameters,
    )


def happy_path(filters: Filters, events: str) -> Question:
    """The path, from first to last event, that most journeys take (of equals, the one that comes first by its nodes)."""
    where, parameters = _scope(filters, events)
    return Question(
        f"""
        SELECT any(nodes) AS path, count() AS journeys
        FROM (SELECT {_kept(_HASHES, events)} AS nodes FROM journeys FINAL {where})
        WHERE notEmpty(nodes) AND length(nodes) <= {MAX_PATH}
        GROUP BY cityHash64(nodes) ORDER BY journeys DESC, path LIMIT 1""",
        parameters,
    )


def points_at(filters: Filters, events: str) -> Question:
    """Points in force of the journeys under the filters, by passage and rule. `target` is the node of the event that a point
    belongs to, 0 where that event is not on the map; `origin` the node of the event before it.

    A point belongs to the latest event of its journey, of the rule's types, with its step and channel, that is not after the
    moment it judges: its own time, less the window of the rules that wait; a missed deadline to the first event of its case
    with its step and channel.
    """
    where, parameters = _scope(filters, events)
    restricted = ["service = {service:String}"] if filters.service is not None else []
    if filters.rule is not None:
        restricted.append("rule = {rule:String}")
    if filters.from_us is not None:
        restricted.append("time >= fromUnixTimestamp64Micro({from_us:Int64}, 'UTC')")
    points_where = f"WHERE {' AND '.join(restricted)}" if restricted else ""
    before = "arraySlice(hashes, 1, index - 1)"
    if events != ALL:
        before = f"arrayFilter((h, k) -> k, {before}, arraySlice(keep, 1, index - 1))"
    return Question(
        f"""
        SELECT if(target = 0, 0, {before}[-1]) AS origin, if(index > 0 AND keep[index], hashes[index], 0) AS target, rule,
            sum(found) AS points
        FROM (
            SELECT hashes, keep, rule, found, {_INDEX} AS index
            FROM (SELECT journey, type, step, channel, case, {_MICROS} AS times, {_HASHES} AS hashes, {_KEEP[events]} AS keep
                  FROM journeys FINAL {where}) AS whole
            INNER JOIN (
                SELECT journey, rule, step AS point_step, channel AS point_channel, case AS point_case,
                    toUnixTimestamp64Micro(time) - {_WINDOW_US} AS point_us, {_TYPES} AS types, sum(sign) AS found
                FROM points {points_where}
                GROUP BY journey, rule, point_step, point_channel, point_case, point_us, types HAVING found > 0) AS held
            USING journey)
        GROUP BY origin, target, rule""",
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
        places.append("0" if node in {START, END} else f"cityHash64({{{name}_step:String}}, {{{name}_channel:String}})")
        if node is not None:
            parameters |= {f"{name}_step": node[0], f"{name}_channel": node[1]}
    index = "arrayFirstIndex((o, t) -> o = origin AND t = target, origins, targets)"
    if origin is None or target is None:
        index = f"indexOf({'targets, target' if origin is None else 'targets, origin'})"
    return Question(
        f"""
        WITH {places[0] if origin is not None else 0} AS origin, {places[1] if target is not None else 0} AS target
        SELECT journey, toUnixTimestamp64Micro(started) AS started_us,
            (toUnixTimestamp64Micro(ended) - started_us) / 1e6 AS duration_s, length(nodes) AS events,
            if(index > 1 AND index <= length(times), (times[index] - times[index - 1]) / 1e6, NULL) AS gap_s
        FROM (
            SELECT journey, started, ended, nodes, times, arrayPushFront(nodes, 0) AS origins,
                arrayPushBack(nodes, 0) AS targets, {index} AS index
            FROM (SELECT journey, started, ended, {_kept(_HASHES, events)} AS nodes, {_kept(_MICROS, events)} AS times
                  FROM journeys FINAL {where}))
        WHERE index > 0 AND notEmpty(nodes) ORDER BY started DESC, journey LIMIT {{limit:UInt32}}""",
        {**parameters, "limit": limit},
    )
