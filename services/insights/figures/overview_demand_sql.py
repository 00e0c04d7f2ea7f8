"""The questions behind failure demand, asked of the contacts that the assembler has judged (table `judged_contacts`)."""

# ruff: noqa: S608 - what is put into these statements are names of columns and numbers; values are bound
from typing import Final

from services.insights.conditions import days_within, restrict, where_of
from services.insights.figures.overview_ratio import sums_sql
from services.insights.filters import Filters
from services.insights.queries import Question
from services.insights.sums import sums

SAMPLED_CONTACTS: Final = 50_000
"""So many contacts say enough of how they cluster by person."""

_KEYS: Final = 1 << 64


def demand_question(filters: Filters) -> Question:
    """One row: contacts, those of them that are failure demand, and the minutes of which are known."""
    select = """
        SELECT failure, sum(sign) AS found, sum(sign * minutes_citizen) AS lost_c, sum(sign * minutes_administration) AS lost_a,
            sumIf(sign, isNotNull(minutes_citizen)) AS known_c, sumIf(sign, isNotNull(minutes_administration)) AS known_a
        FROM judged_contacts $where GROUP BY failure"""
    found, parameters = sums("judged_contacts", select, filters)
    return Question(
        f"""
        SELECT sum(found) AS contacts, sumIf(found, failure) AS avoidable, sum(known_c) AS known_citizen,
            sum(known_a) AS known_administration, sum(lost_c) AS minutes_citizen, sum(lost_a) AS minutes_administration
        FROM ({found})""",
        parameters,
    )


def clusters_question(filters: Filters, contacts: int) -> Question:
    """One row: how avoidable contacts and all contacts cluster by person (`Sums`), of all or of a part of the persons.

    Of `contacts` in all about `SAMPLED_CONTACTS` are looked at: those of the persons with the lowest numbers, which are hashes.
    """
    conditions, parameters = restrict(filters, rule_column=True)
    period, days = days_within(filters)
    conditions += period
    share = -(-contacts // SAMPLED_CONTACTS)
    if share > 1:
        conditions.append(f"person_key < {_KEYS // share}")
    return Question(
        f"""
        SELECT {sums_sql("avoidable", "contacts")} AS sums
        FROM (
            SELECT sum(sign) AS contacts, sumIf(sign, failure) AS avoidable
            FROM judged_contacts {where_of(conditions)} GROUP BY person_key HAVING contacts > 0)""",
        parameters | days,
    )
