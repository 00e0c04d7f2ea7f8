"""The statements that judge contacts: which are failure demand (docs/definitions/frictions.md), and what that changes."""

from string import Template
from typing import Final, NamedTuple

from shared.journey.node_numbers import CHANNEL_BITS, STEP_BIT, node_number

POINTS: Final = "staging_journey_points"

IN_PART: Final = "batch <= {batch:UInt64} AND cityHash64(subject, service) % {of:UInt64} = {number:UInt64}"
"""The keys at hand: of the batches up to one, those of a remainder, so that too many can be divided."""

LOADED: Final = f"{IN_PART} AND NOT points_only"
"""Those of them of which events were loaded."""
_PERSONS: Final = f"person_key IN (SELECT cityHash64(subject, service) FROM touched_journeys WHERE {IN_PART})"  # noqa: S608
_NODE: Final = (
    f"if(step = '', bitAnd(cityHash64(channel), {CHANNEL_BITS}), bitOr({node_number('step', 'channel')}, {STEP_BIT}))"
)
"""What the node of a point's event has in common with it: step and channel, or that it has no step, and the channel."""
_STAGE: Final = Template(
    """
INSERT INTO $points (subject, service, time, source, anchor, rule, sign, minutes_citizen, minutes_administration,
    point_key, journey_key, channel, territory, waited_us, node, case_number)
SELECT subject, service, time, source, anchor, rule, sign, minutes_citizen, minutes_administration,
    cityHash64(id), journey_key, channel, territory, waited_us, $node, if(case = '', toUInt32(0), toUInt32(cityHash64(case)))
FROM points
WHERE subject IN (SELECT subject FROM touched_journeys WHERE $in_part)
    AND (subject, service) IN (SELECT subject, service FROM touched_journeys WHERE $in_part)
LIMIT {limit:UInt64}
"""
)
_STAGED: Final = Template("SELECT (SELECT count() FROM $points) + (SELECT count() FROM judged_contacts WHERE $persons)")

_IDENTITY: Final = "subject, service, time, source, id"
_JUDGE: Final = Template(
    """
INSERT INTO judged_contacts
    ($identity, channel, territory, failure, minutes_citizen, minutes_administration, sign)
SELECT $identity, channel, territory, verdict.1, verdict.2, verdict.3, toInt8(sum(change)) AS sign
FROM
(
    SELECT $identity, channel, territory, arrayJoin(
        if(contact, arrayPushBack(undone, ((failure, citizen, administration), toInt8(1))), undone)) AS each,
        each.1 AS verdict, each.2 AS change
    FROM
    (
        SELECT *, toUInt8(anchoring OR ifNull(toUnixTimestamp64Micro(time) - before_us <= window_us, 0)) AS failure
        FROM
        (
            SELECT *, max(point_us) OVER (
                    PARTITION BY subject, service ORDER BY time, source, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS before_us,
                transform(service, {services:Array(String)}, {windows_us:Array(Int64)}, {window_us:Int64}) AS window_us
            FROM
            (
                SELECT $identity, max(of_channel) AS channel, max(of_territory) AS territory,
                    sum(holds) > 0 AS contact,
                    groupArrayIf((stood, toInt8(-stands)), stands != 0) AS undone,
                    max(of_point_us) AS point_us, max(anchors) AS anchoring,
                    max(lost_c) AS citizen, max(lost_a) AS administration
                FROM ($contacts UNION ALL $standing UNION ALL $in_force)
                GROUP BY $identity
            )
        )
        WHERE contact OR notEmpty(undone)
    )
)
GROUP BY $identity, channel, territory, verdict HAVING sum(change) != 0
"""
)
"""Of the points, contacts and verdicts of a person, one row each place in the order of events: what is before a contact is the
latest point of the rows before its own. Of verdicts that stand and the one that holds, what does not cancel out is written."""

_NOT_STOOD: Final = (
    "toInt8(0) AS stands, CAST((0, NULL, NULL), 'Tuple(UInt8, Nullable(Float64), Nullable(Float64))') AS stood"
)
_NO_POINT: Final = """CAST(NULL, 'Nullable(Int64)') AS of_point_us, toUInt8(0) AS anchors, CAST(NULL, 'Nullable(Float64)') AS lost_c,
    CAST(NULL, 'Nullable(Float64)') AS lost_a"""
_CONTACTS: Final = Template(
    """
SELECT subject, service::String AS service, time, source::String AS source, id, channel::String AS of_channel,
    territory::String AS of_territory, toInt8(1) AS holds, $not_stood, $no_point
FROM $events WHERE contact_key != 0 AND cityHash64(subject, service) % {of:UInt64} = {number:UInt64}
"""
)
_STANDING: Final = Template(
    """
SELECT subject, service::String, time, source::String, id, channel::String, territory::String,
    if({whole:UInt8} AND (subject, service) IN (SELECT subject, service FROM touched_journeys WHERE $loaded), toInt8(0), sign),
    sign, (failure, minutes_citizen, minutes_administration), $no_point
FROM judged_contacts WHERE $persons
"""
)
"""A contact that was judged before, and whose person's events are all staged (`whole`), is a contact only if it is among them."""
_IN_FORCE: Final = Template(
    """
SELECT subject, service::String, time, source::String, anchor, '', '', toInt8(0), $not_stood,
    toNullable(toUnixTimestamp64Micro(time)), rule IN {anchoring:Array(String)} AS anchors,
    if(anchors, sum(sign * minutes_citizen), NULL), if(anchors, sum(sign * minutes_administration), NULL)
FROM $points WHERE rule IN {visible:Array(String)}
GROUP BY subject, service, time, source, anchor, rule HAVING sum(sign) > 0
"""
)


class Statements(NamedTuple):
    """The staging table of points, and the statements over it and the staged events."""

    points: str
    stage: str
    staged: str
    judge: str


def statements(fence: int, events: str) -> Statements:
    """Those of the holder of a lease, or of the only one there is, for 0; `events` is its staging table of events."""
    points = f"{POINTS}_{fence}" if fence else POINTS
    names = {
        "points": points,
        "events": events,
        "in_part": IN_PART,
        "persons": _PERSONS,
        "identity": _IDENTITY,
        "loaded": LOADED,
        "node": _NODE,
        "not_stood": _NOT_STOOD,
        "no_point": _NO_POINT,
    }
    rows = {"contacts": _CONTACTS, "standing": _STANDING, "in_force": _IN_FORCE}
    names |= {name: template.substitute(names) for name, template in rows.items()}
    return Statements(points, *(template.substitute(names) for template in (_STAGE, _STAGED, _JUDGE)))
