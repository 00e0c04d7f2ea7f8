"""The questions of channel flows: which channels the visits of journeys come by, one after the other."""

# ruff: noqa: S608 - what is put into these statements are numbers and names of this module; values are bound
from typing import Any, Final

from services.insights.figures.journey_filters import journeys_where
from services.insights.filters import Filters
from services.insights.queries import Question
from shared.journey.vocabulary import CHANNELS

POSITIONS: Final = 5
"""Visits that flows look at, from the first of a journey."""
STARTED: Final = "journey.started"
ENDED: Final = "journey.ended"
CONTINUES: Final = "journey.continues"
"""What stands before the first visit, after the last, and for visits beyond `POSITIONS`."""
UNKNOWN: Final = "channel.unknown"
"""A channel that `journeys.first_visits` (migration 0014) has no number for; none of `CHANNELS`."""


def visits(filters: Filters) -> Question:
    """Per `position` (0: before the first visit, to `POSITIONS`), `origin` and `target` (channels of a visit and the next,
    or `STARTED`, `ENDED`): such passages, journeys at their first passage of this kind (`journeys`; over all positions each
    counts once), and the passages of journeys all of whose visits came by one channel (`contained`).
    """
    where, parameters = journeys_where(filters)
    places = f"arrayMap(place -> bitAnd(bitShiftRight(number, 4 * place), 15), range({POSITIONS + 1}))"
    names = "transform(code, {codes:Array(UInt32)}, {channels:Array(String)}, {unknown:String})"
    return _passages(
        f"""
                SELECT arrayMap(code -> {names}, arrayFilter(code -> code != 0, {places})) AS visits,
                    bitTest(number, 24) AS one_channel, found
                FROM (SELECT first_visits AS number, count() AS found FROM journeys FINAL {where} GROUP BY number)""",
        {
            **parameters,
            "codes": list(range(1, len(CHANNELS) + 1)),
            "channels": list(CHANNELS),
            "unknown": UNKNOWN,
        },
    )


def visits_by_name(filters: Filters) -> Question:
    """As `visits`, whatever the channels are called."""
    where, parameters = journeys_where(filters)
    return _passages(
        f"""
                SELECT arraySlice(visit_channel, 1, {POSITIONS + 1}) AS visits, arrayUniq(visit_channel) = 1 AS one_channel,
                    count() AS found
                FROM journeys FINAL {where} GROUP BY visits, one_channel""",
        parameters,
    )


def _passages(journeys: str, parameters: dict[str, Any]) -> Question:
    return Question(
        f"""
        SELECT position, origin, target, sum(found) AS passages, sumIf(found, nth = 1) AS journeys,
            sumIf(found, one_channel) AS contained
        FROM (
            SELECT arrayPushFront(arraySlice(visits, 1, {POSITIONS}), '{STARTED}') AS origins,
                if(length(visits) > {POSITIONS}, visits, arrayPushBack(visits, '{ENDED}')) AS targets,
                arrayEnumerateUniq(origins, targets) AS nths,
                arrayMap(place -> place - 1, arrayEnumerate(targets)) AS positions, one_channel, found
            FROM ({journeys}))
        ARRAY JOIN origins AS origin, targets AS target, positions AS position, nths AS nth
        GROUP BY position, origin, target""",
        parameters,
    )
