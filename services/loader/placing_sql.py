"""The statements that place points in their journeys: at which event each stands, what was before and what comes next.

A point belongs to the latest event of its journey, of the rule's types, with its step and channel, that is not after the moment it
judges: its own time, less the window of the rules that wait; a missed deadline to the first event of its case with its step and
channel.
"""

# ruff: noqa: S608 - what is put into these statements are names and numbers of this module; values are bound
from collections.abc import Mapping
from itertools import chain
from string import Template
from typing import Final, NamedTuple

from services.loader.judging_sql import IN_PART
from shared.journey.node_numbers import ALL_BITS, CHANNEL_BITS, NODE_BITS, STEP_BIT
from shared.journey.vocabulary import CITIZEN_TYPES, CONTACT_TYPES, FORM_TYPES

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

_CLASSES: Final = {types: 1 << place for place, types in enumerate(dict.fromkeys(map(tuple, ANCHOR_TYPES.values())), 1)}
"""Rules by the types of their events, a bit for each; the lowest bit stands for any type."""
CLASSES_OF_TYPES: Final = {
    name: 1 + sum(bit for types, bit in _CLASSES.items() if name in types) for name in sorted({*chain(*_CLASSES)})
}
"""What column `rule_classes` of `journeys` holds for an event of each type (migration 0015), 1 for any other."""


def _chosen(of: str, numbers: Mapping[str, int]) -> str:
    """SQL: the number of a name, 1 for any other."""
    names, values = (f"'{name}'" for name in numbers), (f"toUInt16({number})" for number in numbers.values())
    return f"transform({of}, [{', '.join(names)}], [{', '.join(values)}], toUInt16(1))"


_RULE_CLASS: Final = _chosen("rule", {rule: _CLASSES[tuple(types)] for rule, types in ANCHOR_TYPES.items()})
_AT_NODE: Final = "bitAnd(bitXor(n, node), node_bits) = 0"
_FITS: Final = f"bitAnd(k, class) != 0 AND {_AT_NODE}"
_INDEX: Final = f"""multiIf(
    (indexOf(times, point_us) AS same) > 0 AND times[same + 1] != point_us AND bitAnd(classes[same], class) != 0
        AND bitAnd(bitXor(nodes[same], node), node_bits) = 0 AND rule != 'deadline_missed', same,
    rule = 'deadline_missed',
    arrayFirstIndex((u, n, c) -> u <= point_us AND c = case_number AND {_AT_NODE}, times, nodes, cases),
    arrayLastIndex((u, n, k) -> u <= point_us AND {_FITS}, times, nodes, classes))"""
"""Nearly all points stand at the time of their event and no other event does: the first look finds these, and only of the others
are the arrays copied for another."""
_NEXT: Final = """if(index > 0 AND times[index] = time_us AND times[index + 1] > time_us, index + 1,
    arrayFirstIndex(u -> u > time_us, times))"""
"""An item beyond the last is 0."""

_POINT: Final = "service, subject, time, point_key, journey_key, rule, source, channel, territory"
_OF_JOURNEY: Final = "in_journey, started, journey_territory, journey_channels"
_PLACE: Final = "target, origin, on_maps, origin_citizen, origin_steps, next_type, next_channel, next_us"
_COLUMNS: Final = f"{_POINT}, first_of_rule_from, first_of_any_from, {_OF_JOURNEY}, {_PLACE}"

_IN_SLICE: Final = "journey_key % {slices:UInt64} = {slice:UInt64}"
_PERSONS: Final = f"person_key IN (SELECT cityHash64(subject, service) FROM touched_journeys WHERE {IN_PART})"
_JOURNEYS: Final = Template(
    f"""journeys
PREWHERE removed OR journey_key IN (SELECT journey_key FROM $points)
WHERE subject IN (SELECT subject FROM touched_journeys WHERE {IN_PART})
    AND (subject, service) IN (SELECT subject, service FROM touched_journeys WHERE {IN_PART})"""
)
"""Rows of the journeys that points at hand name; of one journey all rows have its number, but those that remove it."""

_POINTS: Final = Template("SELECT count() FROM $points")
_EVENTS: Final = Template(
    "SELECT sum(length(at)), max(length(at)) FROM journeys WHERE journey_key IN (SELECT journey_key FROM $points)"
)

_IN_FORCE: Final = Template(
    f"""
SELECT *, toDate(earlier_of_rule) AS first_of_rule_from, toDate(earlier_of_any) AS first_of_any_from
FROM (
    SELECT *, toUnixTimestamp64Micro(time) AS time_us, time_us - waited_us AS point_us, {_RULE_CLASS} AS class,
        if(bitAnd(node, {STEP_BIT}) = 0, {CHANNEL_BITS | STEP_BIT}, {ALL_BITS}) AS node_bits,
        lagInFrame(toUInt16(toDate(time)) + 1, 1, 0) OVER (
            PARTITION BY subject, service, journey_key, rule ORDER BY time, point_key ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS earlier_of_rule,
        lagInFrame(toUInt16(toDate(time)) + 1, 1, 0) OVER (
            PARTITION BY subject, service, journey_key ORDER BY time, point_key ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS earlier_of_any
    FROM (
        SELECT {_POINT}, waited_us, node, case_number FROM $points WHERE {_IN_SLICE}
        GROUP BY {_POINT}, waited_us, node, case_number HAVING sum(sign) > 0))
"""
)
_WHOLE: Final = Template(
    """
SELECT journey_key, toUInt8(1) AS in_journey, started, journey_territory, journey_channels, nodes, classes, cases, times, types,
    channels, arrayMap(t -> t IN {citizen_types:Array(String)}, types) AS by_citizen
FROM (
    SELECT journey_key, removed, started, territory AS journey_territory, distinct_channels AS journey_channels, nodes,
        rule_classes AS classes, case_numbers AS cases, arrayMap(a -> toUnixTimestamp64Micro(a), at) AS times, type AS types,
        channel AS channels
    FROM $journeys AND (removed OR $in_slice)
    ORDER BY version DESC LIMIT 1 BY service, toDate(started), subject, cut)
WHERE NOT removed
"""
)
_HOLD: Final = Template(
    f"""
SELECT {_POINT}, first_of_rule_from, first_of_any_from, {_OF_JOURNEY},
    if(index > 0, bitAnd(nodes[index], {NODE_BITS}), 0) AS target, if(index > 1, bitAnd(nodes[index - 1], {NODE_BITS}), 0) AS origin,
    toUInt8(if(index > 0, by_citizen[index] + 2 * bitAnd(nodes[index], {STEP_BIT}), 0)) AS on_maps,
    multiIf(index < 2 OR bitAnd(on_maps, 1) = 0, 0, by_citizen[index - 1], origin,
        bitAnd(arrayFilter((n, k) -> k, arraySlice(nodes, 1, index - 1), arraySlice(by_citizen, 1, index - 1))[-1], {NODE_BITS})
    ) AS origin_citizen,
    multiIf(index < 2 OR bitAnd(on_maps, 2) = 0, 0, bitAnd(nodes[index - 1], {STEP_BIT}) = 1, origin,
        bitAnd(arrayFilter(n -> bitAnd(n, {STEP_BIT}) = 1, arraySlice(nodes, 1, index - 1))[-1], {NODE_BITS})) AS origin_steps,
    if(next > 0, toString(types[next]), '') AS next_type, if(next > 0, toString(channels[next]), '') AS next_channel,
    if(times[next] > time_us, times[next] - time_us, 0) AS next_us
FROM (
    SELECT *, {_NEXT} AS next
    FROM (SELECT *, {_INDEX} AS index FROM ($in_force) AS held LEFT ANY JOIN ($whole) AS whole USING journey_key))
"""
)
_PLACE_THEM: Final = Template(
    f"""
INSERT INTO placed_points ({_COLUMNS}, sign)
SELECT {_COLUMNS}, toInt8(sum(change))
FROM (
    SELECT {_COLUMNS}, toInt8(1) AS change FROM ($hold)
    UNION ALL
    SELECT {_COLUMNS}, -sign FROM placed_points WHERE {_PERSONS} AND {_IN_SLICE})
GROUP BY {_COLUMNS} HAVING sum(change) < {{below:Int8}} AND sum(change) != 0
ORDER BY sum(change)
"""
)
"""Of places that stand and those that hold, what does not cancel out is written: what is taken back first, since merges keep the last
that is said of a point."""


class Statements(NamedTuple):
    """How many points are at hand; how many events their journeys have, and the longest; what writes the places that have changed."""

    points: str
    events: str
    place: str


def statements(points: str) -> Statements:
    """Over the staging table of points."""
    names = {"points": points, "in_slice": _IN_SLICE}
    names["journeys"] = _JOURNEYS.substitute(names)
    names |= {"in_force": _IN_FORCE.substitute(names), "whole": _WHOLE.substitute(names)}
    names["hold"] = _HOLD.substitute(names)
    return Statements(*(template.substitute(names) for template in (_POINTS, _EVENTS, _PLACE_THEM)))


CITIZEN: Final = sorted(CITIZEN_TYPES)
"""Types of the events that are on a map of what citizens do."""
