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


def flows(filters: Filters) -> Question:
    """Journeys per `position` (0: before the first visit), `origin` and `target`: channels, or one of the names above."""
    where, parameters = journeys_where(filters)
    first = f"arraySlice(visits, 1, {POSITIONS})"
    return Question(
        f"""
        SELECT position, origin, target, sum(found) AS journeys
        FROM (
            SELECT arrayPushFront({first}, '{STARTED}') AS origins,
                arrayPushBack({first}, if(length(visits) > {POSITIONS}, '{CONTINUES}', '{ENDED}')) AS targets,
                arrayMap(place -> place - 1, arrayEnumerate(targets)) AS positions, found
            FROM (
                SELECT arraySlice(visit_channel, 1, {POSITIONS + 1}) AS visits, count() AS found
                FROM journeys FINAL {where} GROUP BY visits))
        ARRAY JOIN origins AS origin, targets AS target, positions AS position
        GROUP BY position, origin, target""",
        parameters,
    )


def next_channels(filters: Filters) -> Question:
    """Per channel of a visit and channel of the next (`ENDED` where there is none): such visits, and distinct journeys."""
    where, parameters = journeys_where(filters, "notEmpty(visit_channel)")
    return Question(
        f"""
        SELECT origin, target, sum(found) AS visits, sumIf(found, nth = 1) AS journeys
        FROM (
            SELECT visit_channel AS origins, arrayPushBack(arrayPopFront(visit_channel), '{ENDED}') AS targets,
                arrayEnumerateUniq(origins, targets) AS nths, count() AS found
            FROM journeys FINAL {where} GROUP BY visit_channel)
        ARRAY JOIN origins AS origin, targets AS target, nths AS nth
        GROUP BY origin, target""",
        parameters,
    )


def containment(filters: Filters) -> Question:
    """Per channel of the first visit: journeys, and those that never used another channel."""
    where, parameters = journeys_where(filters, "notEmpty(visit_channel)")
    return Question(
        f"""
        SELECT visit_channel[1] AS channel, count() AS journeys,
            countIf(arrayAll(each -> each = visit_channel[1], visit_channel)) AS contained
        FROM journeys FINAL {where} GROUP BY channel""",
        parameters,
    )
