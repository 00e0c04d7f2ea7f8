"""Failure demand: contacts that would not have been needed had the service worked the first time.

Source: docs/definitions/frictions.md, "Failure demand" (after Seddon).
"""

from typing import Any, Final

from msgspec import Struct

from services.insights.figures.figure import Ask, Figure
from services.insights.figures.overview_demand_sql import MAX_TIED, demand_by_names, demand_question
from services.insights.figures.overview_periods import NAMES, two_periods
from services.insights.figures.overview_ratio import Sums, read_sums
from services.insights.figures.summaries import answer
from services.insights.figures.table import Column, Table, Value, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.ports import Store
from shared.detection.settings import RuleBook


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

    def plus(self, other: "Demand") -> "Demand":
        """Both together, of persons who are not the same."""
        return Demand(
            contacts=self.contacts + other.contacts,
            avoidable=self.avoidable + other.avoidable,
            known_citizen=self.known_citizen + other.known_citizen,
            known_administration=self.known_administration + other.known_administration,
            minutes_citizen=_added(self.minutes_citizen, other.minutes_citizen),
            minutes_administration=_added(self.minutes_administration, other.minutes_administration),
            sums=self.sums.plus(other.sums),
        )


def demand(store: Store, filters: Filters, book: RuleBook) -> Demand:
    """The counts of one period; the filter `rule` does not apply."""
    every = filters.without_rule()
    (row,) = answer(store, demand_question(every, book))
    tied = [int(each) for each in row["tied"]]
    if not tied:
        return _demand(row)
    if len(tied) > MAX_TIED:
        (row,) = answer(store, demand_by_names(every, book))
        return _demand(row)
    (others,) = answer(store, demand_question(every, book, tied))
    (row,) = answer(store, demand_by_names(every, book, tied))
    return _demand(others).plus(_demand(row))


def _demand(row: dict[str, Any]) -> Demand:
    known_citizen, known_administration = int(row["known_citizen"] or 0), int(row["known_administration"] or 0)
    return Demand(
        contacts=int(row["contacts"] or 0),
        avoidable=int(row["avoidable"] or 0),
        known_citizen=known_citizen,
        known_administration=known_administration,
        minutes_citizen=row["minutes_citizen"] if known_citizen else None,
        minutes_administration=row["minutes_administration"] if known_administration else None,
        sums=read_sums(row["sums"]),
    )


def _added(first: float | None, second: float | None) -> float | None:
    known = [each for each in (first, second) if each is not None]
    return sum(known) if known else None


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
