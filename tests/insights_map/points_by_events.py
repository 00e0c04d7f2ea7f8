"""Where points stand in their journeys and what follows them, from the rows of points and journeys joined for the question."""

from typing import Final

from services.insights.conditions import days_within, where_of
from services.insights.figures.frictions_after import MAX_POINTS, WINDOW_DAYS
from services.insights.figures.journey_filters import journeys_where, part_of_points
from services.insights.figures.map_queries import ALL, CITIZEN, STEPS
from services.insights.filters import Filters
from services.insights.queries import Question, points_in_force
from services.loader.placing_sql import ANCHOR_TYPES
from shared.journey.instants import DAY_US
from shared.journey.node_numbers import ALL_BITS, CHANNEL_BITS, NODE_BITS, STEP_BIT, node_number
from shared.journey.vocabulary import CITIZEN_TYPES

_KEPT_BY: Final = {CITIZEN: "type", STEPS: "nodes"}
_KEEP: Final = {CITIZEN: "k IN {citizen_types:Array(String)}", STEPS: f"bitAnd(k, {STEP_BIT}) != 0"}
"""Of which array of a journey an item tells whether an event stays, and how."""
_CLASSES: Final = {types: 1 << place for place, types in enumerate(dict.fromkeys(map(tuple, ANCHOR_TYPES.values())), 1)}
_RULE_CLASS: Final = f"transform(rule, {list(ANCHOR_TYPES)}, {[_CLASSES[tuple(types)] for types in ANCHOR_TYPES.values()]}::Array(UInt32), toUInt32(1))"
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


def points_by_events(filters: Filters, events: str) -> Question:
    """Points in force of the journeys under the filters, by passage and rule. `target` is the node of the event that a point
    belongs to, 0 where that event is not on the map; `origin` the node of the event before it.

    A point belongs to the latest event of its journey, of the rule's types, with its step and channel, that is not after the
    moment it judges: its own time, less the window of the rules that wait; a missed deadline to the first event of its case
    with its step and channel. A point that was taken back adds up to nothing, wherever it stood.
    """
    where, parameters = journeys_where(filters)
    if events == CITIZEN:
        parameters["citizen_types"] = sorted(CITIZEN_TYPES)
    restricted, days = days_within(filters.on(filters.from_us, None))
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


def after_by_events(filters: Filters, points: int) -> Question:
    """Per next event (type and channel) of the journeys that hold one of so many points in force: how often, and after how long."""
    part = part_of_points(points, MAX_POINTS)
    chosen, parameters = points_in_force(("journey_key", "time"), filters, *part)
    sql = f"""
        WITH chosen AS ({chosen})
        SELECT next.1 AS type, next.2 AS channel, count() AS points, uniqExact(journey_key) AS journeys,
            quantileExact(0.5)(next.3) AS wait_s
        FROM (
            SELECT j.journey_key AS journey_key,
                arrayFirstIndex(moment -> moment > p.time, j.at) AS place,
                if(place > 0 AND dateDiff('microsecond', p.time, j.at[place]) <= {{window_us:Int64}},
                    (toString(j.type[place]), toString(j.channel[place]),
                        dateDiff('microsecond', p.time, j.at[place]) / 1000000.0),
                    ('', '', 0.0)) AS next
            FROM (
                SELECT journey_key, at, type, channel FROM journeys FINAL
                PREWHERE removed OR {part[0] if part else "journey_key IN (SELECT journey_key FROM chosen)"}
                {_where_of_journeys(filters)}) AS j
            INNER JOIN chosen AS p ON j.journey_key = p.journey_key)
        GROUP BY type, channel ORDER BY points DESC, type, channel LIMIT 100"""
    return Question(sql, {**parameters, "window_us": WINDOW_DAYS * DAY_US})


def _where_of_journeys(filters: Filters) -> str:
    """Journeys of the chosen points lie in their service and reach into their period.

    Which of them they can be is looked at before the rows of a journey are put together (`PREWHERE`): of one journey all
    rows have its number, but those that remove it.
    """
    conditions = []
    if filters.service is not None:
        conditions.append("service = {service:String}")
    if filters.to_us is not None:
        conditions.append("started < fromUnixTimestamp64Micro({to_us:Int64}, 'UTC')")
    return where_of(conditions)
