"""Failure demand: contacts that would not have been needed had the service worked the first time.

Source: docs/definitions/frictions.md, "Failure demand" (after Seddon).
"""

from typing import Final

from msgspec import Struct

from services.insights.figures.figure import Ask, Figure
from services.insights.figures.overview_demand_sql import clusters_question, demand_question
from services.insights.figures.overview_periods import NAMES, two_periods
from services.insights.figures.overview_ratio import Sums, read_sums, scaled
from services.insights.figures.placed import assembled_late
from services.insights.figures.summaries import answer
from services.insights.figures.table import Column, Table, Value, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.ports import Store

NOT_JUDGED_YET: Final = N_(
    "Not every contact that has arrived is judged yet: this figure may still change. The state of the data says how far it is."
)


class Demand(Struct, frozen=True):
    """Uninvited contacts of journeys, those of them that are failure demand, and the minutes that these cost where known.

    known_*: how many of the avoidable contacts have known minutes.
    """

    contacts: int
    avoidable: int
    known_citizen: int
    known_administration: int
    minutes_citizen: float | None
    minutes_administration: float | None


def demand(store: Store, filters: Filters) -> Demand:
    """The counts of one period; the filter `rule` does not apply."""
    (row,) = answer(store, demand_question(filters.without_rule()))
    known_citizen, known_administration = int(row["known_citizen"] or 0), int(row["known_administration"] or 0)
    return Demand(
        contacts=int(row["contacts"] or 0),
        avoidable=int(row["avoidable"] or 0),
        known_citizen=known_citizen,
        known_administration=known_administration,
        minutes_citizen=row["minutes_citizen"] if known_citizen else None,
        minutes_administration=row["minutes_administration"] if known_administration else None,
    )


def demand_sums(store: Store, filters: Filters) -> Sums:
    """Avoidable of all contacts, per (subject, service); where these are many, their spread is that of a part of the persons."""
    found = demand(store, filters)
    (row,) = answer(store, clusters_question(filters.without_rule(), found.contacts))
    return scaled(read_sums(row["sums"]), found.avoidable, found.contacts)


def _judged_notes(store: Store) -> tuple[str, ...]:
    """What to say while contacts wait to be judged for long, or were never all judged."""
    return (NOT_JUDGED_YET,) if assembled_late(store) else ()


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
        [_row(name, demand(ask.store, filters), ask.contact_cost_cents) for name, filters in periods.named()],
        whole=False,
        notes=(*periods.notes(), *_judged_notes(ask.store)),
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
