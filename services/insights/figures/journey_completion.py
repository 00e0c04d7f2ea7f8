"""What of a journey was begun and completed: said once for the overview, comparisons and territories."""

# ruff: noqa: S608 - what is put into these statements are names of columns and parameters; values are bound


def completion_sql(outcomes: str) -> str:
    """Columns over rows of `journeys`, separated by commas.

    `begun`, `done`: whether anything began that can be completed, and whether all of it was: each of its cases was decided or
    closed; without a case, an online form was sent or ended with an outcome. `outcomes` is a condition on `events` that holds
    for all that may count. What `progress` holds: migration 0017.
    """
    return f"""bitAnd(progress, 131069) != 0 AS begun,
                multiIf(
                    bitAnd(progress, 131068) != 0, bitShiftRight(progress, 17) = bitShiftRight(bitAnd(progress, 131068), 2),
                    bitAnd(progress, 3) = 3, 1,
                    bitAnd(progress, 1) AND {ended_with_outcome(outcomes)}) AS done"""


def ended_with_outcome(outcomes: str) -> str:
    """The condition on rows of `journeys` that a form of the person ended with an outcome, by an event that meets `outcomes`."""
    return f"person_key IN (SELECT outcome_key FROM events WHERE outcome_key != 0 AND {outcomes})"
