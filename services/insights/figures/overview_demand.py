"""Failure demand: contacts that would not have been needed had the service worked the first time.

Source: docs/definitions/frictions.md, "Failure demand" (after Seddon).
"""

# ruff: noqa: S608 - what is put into these statements are names of columns and parameters; values are bound
from typing import Any, Final

from msgspec import Struct

from services.insights.figures.figure import Ask, Figure
from services.insights.figures.overview_periods import NAMES, two_periods
from services.insights.figures.overview_ratio import Sums, sums_sql
from services.insights.figures.summaries import answer
from services.insights.figures.table import Column, Table, Value, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.ports import Store
from services.insights.queries import Question, events_where
from shared.detection.register import DECLARATIONS
from shared.detection.settings import RuleBook
from shared.journey.vocabulary import CONTACT_TYPES

ANCHORING: Final = ("repeat_contact", "unanswered_retry", "channel_switch", "status_chasing")
"""A contact that anchors a point of one of these is failure demand by itself."""
VISIBLE: Final = tuple(rule for rule, each in DECLARATIONS.items() if each.citizen_sees)
"""A contact soon after a point of one of these is failure demand."""

_KEY: Final = "sipHash64(subject, service)"
_MICROS: Final = "toUnixTimestamp64Micro(time)"


class Demand(Struct, frozen=True):
    """Uninvited contacts of journeys, those of them that are failure demand, and the minutes that these cost where known.

    known_*: how many of the avoidable contacts have known minutes. sums: avoidable of all, per (subject, service).
    """

    contacts: int
    avoidable: int
    known_citizen: int
    known_administration: int
    minutes_citizen: float | None
    minutes_administration: float | None
    sums: Sums


def demand_question(filters: Filters, book: RuleBook) -> Question:
    """One row: the counts of `Demand`. A contact with several points counts once, with the largest of their minutes."""
    windows = _windows(book)
    where, parameters = events_where(filters, "type IN {contact_types:Array(String)}", "NOT invited", "subject != ''")
    parameters |= {
        "contact_types": sorted(CONTACT_TYPES), "anchoring": list(ANCHORING), "visible": list(VISIBLE), **windows,
        "longest_us": max([windows["window_us"], *windows["windows_us"]]),
    }  # fmt: skip
    points = [] if filters.service is None else ["service = {service:String}"]
    if filters.from_us is not None:
        points.append("time >= fromUnixTimestamp64Micro({from_us:Int64} - {longest_us:Int64}, 'UTC')")
    if filters.to_us is not None:
        points.append("time < fromUnixTimestamp64Micro({to_us:Int64}, 'UTC')")
    points.append("rule IN {visible:Array(String)}")
    return Question(_demand_sql(where, " AND ".join(points)), parameters)


def _demand_sql(where: str, points: str) -> str:
    """Contacts with the points of their (subject, service) beside them; a cut between two journeys is wider than any window.

    In `found`, a point is (its time, source, anchor, whether its rule makes the anchor failure demand, minutes).
    """
    before = "(p.1 < at OR (p.1 = at AND (p.2, p.3) < (source, id))) AND at - p.1 <= window"
    own = "p.4 AND p.2 = source AND p.3 = id"
    return f"""
        SELECT sum(n) AS contacts, sum(failed) AS avoidable, sum(n_citizen) AS known_citizen,
            sum(n_administration) AS known_administration, sum(m_citizen) AS minutes_citizen,
            sum(m_administration) AS minutes_administration, {sums_sql("failed", "n")} AS sums
        FROM (
            SELECT key, count() AS n, countIf(failure) AS failed, count(citizen) AS n_citizen,
                count(administration) AS n_administration, sum(citizen) AS m_citizen,
                sum(administration) AS m_administration
            FROM (
                SELECT key, arrayExists(p -> ({own}) OR ({before}), found) AS failure,
                    arrayReduce('max', arrayMap(p -> p.5, arrayFilter(p -> {own}, found))) AS citizen,
                    arrayReduce('max', arrayMap(p -> p.6, arrayFilter(p -> {own}, found))) AS administration
                FROM (
                    SELECT {_KEY} AS key, {_MICROS} AS at, source, id,
                        transform(service, {{services:Array(String)}}, {{windows_us:Array(Int64)}}, {{window_us:Int64}})
                            AS window
                    FROM events {where}) AS c
                LEFT JOIN (
                    SELECT key, groupArray((at, source, anchor, anchoring, citizen, administration)) AS found
                    FROM (
                        SELECT {_KEY} AS key, {_MICROS} AS at, source, anchor, rule IN {{anchoring:Array(String)}} AS anchoring,
                            sum(sign * minutes_citizen) AS citizen, sum(sign * minutes_administration) AS administration
                        FROM points WHERE {points}
                        GROUP BY key, at, source, anchor, rule HAVING sum(sign) > 0)
                    GROUP BY key) AS p USING key)
            GROUP BY key)"""


def _windows(book: RuleBook) -> dict[str, Any]:
    services = sorted(book.document["service"])
    return {
        "services": services,
        "windows_us": [book.failure_demand_window_us(service) for service in services],
        "window_us": book.failure_demand_window_us(""),
    }


def demand(store: Store, filters: Filters, book: RuleBook) -> Demand:
    """The counts of one period; the filter `rule` does not apply."""
    (row,) = answer(store, demand_question(filters.without_rule(), book))
    return Demand(
        contacts=int(row["contacts"] or 0),
        avoidable=int(row["avoidable"] or 0),
        known_citizen=int(row["known_citizen"] or 0),
        known_administration=int(row["known_administration"] or 0),
        minutes_citizen=row["minutes_citizen"],
        minutes_administration=row["minutes_administration"],
        sums=Sums(int(row["sums"][0]), *(float(each) for each in row["sums"][1:])),
    )


def _failure_demand(ask: Ask) -> Table:
    periods = two_periods(ask)
    return table(
        (
            Column(name="period", title=N_("Period"), kind="text", words=NAMES),
            Column(name="contacts", title=N_("Uninvited contacts"), kind="count", small_cells=True),
            Column(name="avoidable", title=N_("Avoidable contacts"), kind="count", small_cells=True, of="other"),
            Column(name="other", title=N_("Other contacts"), kind="count", small_cells=True, of="avoidable"),
            Column(name="share", title=N_("Share avoidable"), kind="share", of="avoidable"),
            Column(
                name="known_citizen", title=N_("With known time of citizens"), kind="count", small_cells=True,
                of="avoidable",
            ),
            Column(name="minutes_citizen", title=N_("Lost by citizens"), kind="minutes", of="known_citizen"),
            Column(
                name="known_administration", title=N_("With known time of the administration"), kind="count",
                small_cells=True, of="avoidable",
            ),
            Column(
                name="minutes_administration", title=N_("Lost by the administration"), kind="minutes",
                of="known_administration",
            ),
            Column(name="euros", title=N_("Cost in euros"), kind="euros", of="avoidable"),
        ),
        [_row(name, demand(ask.store, filters, ask.book), ask.contact_cost_cents) for name, filters in periods.named()],
        whole=False,
        notes=periods.notes(),
    )  # fmt: skip


def _row(period: str, found: Demand, cost_cents: int) -> tuple[Value, ...]:
    if not found.contacts:
        return period, *([None] * 9)
    return (
        period,
        found.contacts,
        found.avoidable,
        found.contacts - found.avoidable,
        found.avoidable / found.contacts,
        found.known_citizen,
        found.minutes_citizen,
        found.known_administration,
        found.minutes_administration,
        found.avoidable * cost_cents / 100 if cost_cents else None,
    )


FAILURE_DEMAND: Final = Figure(
    name="failure-demand",
    title=N_("Avoidable contacts (failure demand)"),
    definition=N_(
        "Contacts that the administration did not ask for and that better service would have avoided: a repeat contact, another "
        "try after no answer, a change of channel, a question about where the case stands, or a contact within 7 days (unless "
        "set otherwise) after a friction point that the citizen could notice. Each contact counts once. Contacts that belong to "
        "no journey are left out."
    ),
    compute=_failure_demand,
)
FIGURES: Final = (FAILURE_DEMAND,)
