"""The questions of channel flows: which channels the visits of journeys come by, one after the other."""

# ruff: noqa: S608 - what is put into these statements are numbers and names of this module; values are bound
from typing import Final

from services.insights.figures.journey_filters import journeys_where
from services.insights.filters import Filters
from services.insights.queries import Question

POSITIONS: Final = 5
"""Visits that flows look at, from the first of a journey."""
STARTED: Final = "journey.started"
ENDED: Final = "journey.ended"
CONTINUES: Final = "journey.continues"
"""What stands before the first visit, after the last, and for visits beyond `POSITIONS`."""


def visits(filters: Filters) -> Question:
    """Per `position` (0: before the first visit, to `POSITIONS`), `origin` and `target` (channels of a visit and the next,
    or `STARTED`, `ENDED`): such passages, journeys at their first passage of this kind (`journeys`; over all positions each
    counts once), and the passages of journeys all of whose visits came by one channel (`contained`).
    """
    where, parameters = journeys_where(filters)
    return Question(
        f"""
        SELECT position, origin, target, sum(found) AS passages, sumIf(found, nth = 1) AS journeys,
            sumIf(found, one_channel) AS contained
        FROM (
            SELECT arrayPushFront(arraySlice(visits, 1, {POSITIONS}), '{STARTED}') AS origins,
                if(length(visits) > {POSITIONS}, visits, arrayPushBack(visits, '{ENDED}')) AS targets,
                arrayEnumerateUniq(origins, targets) AS nths,
                arrayMap(place -> place - 1, arrayEnumerate(targets)) AS positions, one_channel, found
            FROM (
                SELECT arraySlice(visit_channel, 1, {POSITIONS + 1}) AS visits, arrayUniq(visit_channel) = 1 AS one_channel,
                    count() AS found
                FROM journeys FINAL {where} GROUP BY visits, one_channel))
        ARRAY JOIN origins AS origin, targets AS target, positions AS position, nths AS nth
        GROUP BY position, origin, target""",
        parameters,
    )
