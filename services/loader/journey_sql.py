"""The statements that rebuild journeys from events, and the tables they stage them in."""

from string import Template
from typing import Final, NamedTuple

from services.loader.judging_sql import IN_PART, LOADED, POINTS

VISIT_GAP_MINUTES: Final = 30
"""A visit goes on while its next event follows within so many minutes. Source: the comment of table `journeys`."""

PLAIN: Final = ("staging_journey_events", "staging_journey_cuts", POINTS)
"""The staging tables; a holder of the loader's lease has copies of its own."""

BATCHES: Final = (
    "SELECT batch, count(), countIf(NOT points_only) FROM touched_journeys GROUP BY batch ORDER BY batch LIMIT 10000"
)
TAKEN: Final = "ALTER TABLE touched_journeys DELETE WHERE batch <= {batch:UInt64}"
LAST_VERSION: Final = "SELECT max(version) FROM journeys"
FRAGMENTED: Final = """
SELECT partition_id FROM system.parts
WHERE active AND database = currentDatabase() AND table = 'journeys'
GROUP BY partition_id HAVING count() > 1 AND sum(bytes_on_disk) <= {most_bytes:UInt64} ORDER BY count() DESC LIMIT 1
"""
MERGE: Final = "OPTIMIZE TABLE journeys PARTITION ID {partition:String} FINAL"

_KEYS: Final = f"""subject IN (SELECT subject FROM touched_journeys WHERE {LOADED})
    AND (subject, service) IN (SELECT subject, service FROM touched_journeys WHERE {LOADED})"""  # noqa: S608
"""Looked up by the subject first: half of the time for a few keys among millions."""
KEYS: Final = f"SELECT DISTINCT subject, service FROM touched_journeys WHERE {IN_PART} LIMIT 2"  # noqa: S608
_COLUMNS: Final = (
    "subject, service, time, source, id, type, channel, step, case, contact, territory, matter, contact_key"
)
_ONE_KEY: Final = "subject = {subject:String} AND service = {service:String}"
_ORDER: Final = "(time, source::String, id)"

_STAGE: Final = Template("INSERT INTO $events ($columns) SELECT $columns FROM events WHERE $keys LIMIT {limit:UInt64}")
_STAGE_RANGE: Final = Template(
    """
INSERT INTO $events ($columns) SELECT $columns FROM events
WHERE $one_key AND time >= fromUnixTimestamp64Micro({from_us:Int64}, 'UTC')
    AND $order >= (fromUnixTimestamp64Micro({from_us:Int64}, 'UTC'), {from_source:String}, {from_id:String})
ORDER BY time, source::String, id LIMIT {limit:UInt64}
"""
)
PAGE: Final = Template(
    """
SELECT toUnixTimestamp64Micro(time), source, id, type, case FROM events
WHERE $one_key AND time >= fromUnixTimestamp64Micro({after_us:Int64}, 'UTC')
    AND $order > (fromUnixTimestamp64Micro({after_us:Int64}, 'UTC'), {after_source:String}, {after_id:String})
ORDER BY time, source::String, id LIMIT {limit:UInt64}
"""
).substitute(one_key=_ONE_KEY, order=_ORDER)

_STAGED: Final = Template(
    """
SELECT
    subject, service, count() AS events, toUnixTimestamp64Micro(min(time)),
    events > {most:UInt64} OR arrayMax(arrayDifference(arraySort(groupArray(toUnixTimestamp64Micro(time))))) > {gap:Int64}
FROM $events GROUP BY subject, service
"""
)

_EVENTS_OF: Final = Template(
    """
SELECT subject, service, toUnixTimestamp64Micro(time), type, case FROM $events
WHERE (subject, service) IN {keys:Array(Tuple(String, String))}
ORDER BY subject, service, time, source::String, id
"""
)

_ASSEMBLE: Final = Template(
    """
INSERT INTO journeys (service, started, subject, cut, journey, ended, territory, matter, entry_channel,
    at, type, channel, step, case, visit_channel, visit_from, version, removed)
WITH
    arraySlice(all, place, size) AS e,
    arrayFilter(x -> x.2 != '', arrayMap((x, n) -> (x.1, x.5, x.8, n), e, arrayEnumerate(e))) AS seen,
    arrayFilter(
        (x, before) -> x.2 != before.2 OR x.1 > addMinutes(before.1, $visit_gap)
            OR (x.3 != '' AND before.3 != '' AND x.3 != before.3),
        seen,
        arrayResize(arrayPushFront(seen, (toDateTime64(0, 6, 'UTC'), '', '', 0)), length(seen))
    ) AS visits
SELECT
    service, e[1].1, subject, cut, journey, e[-1].1,
    arrayFirst(x -> x != '', tupleElement(e, 9)), arrayFirst(x -> x != '', tupleElement(e, 10)), seen[1].2,
    tupleElement(e, 1), tupleElement(e, 4), tupleElement(e, 5), tupleElement(e, 6), tupleElement(e, 7),
    tupleElement(visits, 2), tupleElement(visits, 4), {version:UInt64}, 0
FROM
(
    SELECT subject, service, arraySort(groupArray((
        time, source::String, id, type::String, channel::String, step::String, case, contact, territory::String,
        matter::String))) AS all
    FROM $events GROUP BY subject, service
) AS staged
INNER JOIN $cuts AS found USING (subject, service)
"""
)

_REMOVE: Final = Template(
    """
INSERT INTO journeys (service, started, subject, cut, journey, ended, version, removed)
SELECT service, argMax(started, j.version) AS begun, subject, cut, '', begun, {version:UInt64}, 1
FROM journeys AS j
WHERE $keys
GROUP BY service, toDate(started), subject, cut
HAVING argMax(removed, j.version) = 0 AND (service, toDate(begun), subject, cut) NOT IN
    (SELECT service, toDate(fromUnixTimestamp64Micro(started_us, 'UTC')), subject, cut FROM $cuts)
"""
)


class Statements(NamedTuple):
    """Names of the staging tables of one assembler, and the statements over them."""

    events: str
    cuts: str
    stage: str
    stage_range: str
    staged: str
    events_of: str
    assemble: str
    remove: str


def statements(fence: int) -> Statements:
    """Those of the holder of a lease; of the only one there is, for 0."""
    events, cuts = (f"{name}_{fence}" if fence else name for name in PLAIN[:2])
    names = {
        "events": events,
        "cuts": cuts,
        "keys": _KEYS,
        "columns": _COLUMNS,
        "one_key": _ONE_KEY,
        "order": _ORDER,
        "visit_gap": VISIT_GAP_MINUTES,
    }
    templates = (_STAGE, _STAGE_RANGE, _STAGED, _EVENTS_OF, _ASSEMBLE, _REMOVE)
    return Statements(events, cuts, *(template.substitute(names) for template in templates))
