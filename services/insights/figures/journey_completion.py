"""What of a journey was begun and completed: said once for the overview, comparisons and territories."""

# ruff: noqa: S608 - what is put into these statements are names of columns and parameters; values are bound
from typing import Final

NEVER: Final = "toDateTime64('2200-01-01 00:00:00', 6, 'UTC')"
"""What stands in `journeys.form_started` and `form_submitted` where there is no such event: later than any event can be."""


def completion_sql(outcomes: str, until: str = "") -> str:
    """Columns over rows of `journeys`, separated by commas.

    `form`, `form_done`: whether an online form began, and was sent or ended with an outcome. `begun_cases`, `ended_cases`: how
    many cases it names, and how many of them were decided or closed. `begun`, `done`: whether anything began that can be
    completed, and whether all of it was. `outcomes` is a condition on `events` that holds for all that may count; with
    `until`, an instant, what happened from then on is not looked at.
    """
    cases, ended = (f"{_before(name, until)} AS {alias}" for name, alias in _CASES)
    return f"""form_started < {until or NEVER} AS form,
                form AND (form_submitted < {until or NEVER} OR person_key IN (
                    SELECT outcome_key FROM events WHERE outcome_key != 0 AND {outcomes})) AS form_done,
                {cases}, {ended},
                form OR begun_cases > 0 AS begun, if(begun_cases > 0, begun_cases = ended_cases, form_done) AS done"""


_CASES: Final = (("cases_begun", "begun_cases"), ("cases_ended", "ended_cases"))


def _before(column: str, until: str) -> str:
    return f"arrayCount(moment -> moment < {until}, {column})" if until else f"{column}.size0"
