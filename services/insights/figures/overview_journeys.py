"""Digital take-up and completion: of the journeys that began in a period, how many online, how many to the end."""

# ruff: noqa: S608 - what is put into these statements are names and numbers of this module; values are bound
from typing import Final, NamedTuple

from services.insights.figures.figure import Ask, Figure
from services.insights.figures.journey_completion import ended_with_outcome
from services.insights.figures.journey_filters import journey_notes, journeys_where
from services.insights.figures.overview_periods import NAMES, two_periods
from services.insights.figures.overview_ratio import Sums, read_sums, sums_sql
from services.insights.figures.summaries import answer
from services.insights.figures.table import Column, Table, Value, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.ports import Store
from services.insights.queries import Question

ONLINE: Final = ("web", "chat", "bot", "social", "partner")
"""Channels on which a journey that begins there began online. `partner` is assisted: someone did it online for the citizen."""
BEGUN: Final = "begun"
COMPLETED: Final = "completed"
FORMS: Final = "forms"
CASES: Final = "cases"
COUNTED: Final = {BEGUN: N_("journeys begun"), COMPLETED: N_("journeys completed")}
KINDS: Final = {FORMS: N_("online forms"), CASES: N_("cases")}

_UNTIL: Final = "fromUnixTimestamp64Micro({until_us:Int64}, 'UTC')"


class InShort(NamedTuple):
    """Journeys begun and completed, by whether they began online; forms and cases begun and completed, as sums."""

    begun: int
    begun_online: int
    completed: int
    completed_online: int
    forms: Sums
    cases: Sums


def journeys_in_short(filters: Filters, until_us: int) -> Question:
    """One row: the counts of `InShort`, in its order; what happened from `until_us` on is not looked at.

    Journeys are counted first by what is known of each (`bits`: one for each of `_BITS`); of those that have several cases the
    further ones are kept (`more`). All else is worked out of these few rows.
    """
    where, parameters = journeys_where(filters)
    outcomes = f"time < {_UNTIL}"
    if filters.from_us is not None:
        outcomes += " AND time >= fromUnixTimestamp64Micro({from_us:Int64}, 'UTC')"
    bits = " + ".join(f"{1 << place} * ({each})" for place, each in enumerate(_known_until(outcomes)))
    return Question(
        f"""
        SELECT sumIf(found, known) AS begun, sumIf(found, online) AS begun_online, sumIf(found, known AND done) AS completed,
            sumIf(found, online AND done) AS completed_online,
            {sums_sql("form_done", "form", "found")} AS forms, {sums_sql("ended_cases", "begun_cases", "found")} AS cases
        FROM (
            SELECT {", ".join(f"bitTest(bits, {place}) AS {name}" for place, name in enumerate(_BITS))}, group.1 AS found,
                begun + arrayCount(each -> each.begun < {_UNTIL}, group.2) AS begun_cases,
                ended + arrayCount(each -> each.ended < {_UNTIL}, group.2) AS ended_cases,
                if(begun_cases > 0, begun_cases = ended_cases, form_done) AS done
            FROM (
                SELECT toUInt8({bits}) AS bits, countIf(empty(more_cases)) AS alone,
                    groupArrayIf(more_cases, notEmpty(more_cases)) AS more
                FROM journeys FINAL {where} GROUP BY bits)
            ARRAY JOIN arrayConcat([(alone, [])], arrayMap(cases -> (toUInt64(1), cases), more)) AS group)""",
        {**parameters, "until_us": until_us, "online": list(ONLINE)},
    )


_BITS: Final = ("known", "online", "form", "form_done", "begun", "ended")


def _known_until(outcomes: str) -> tuple[str, ...]:
    """What each of `_BITS` says of a journey: of its entry, an online form, and the first of its cases."""
    form = f"form_started < {_UNTIL}"
    return (
        "entry_channel != ''",
        "entry_channel IN {online:Array(String)}",
        form,
        f"{form} AND (form_submitted < {_UNTIL} OR {ended_with_outcome(outcomes)})",
        f"case_begun < {_UNTIL}",
        f"case_ended < {_UNTIL}",
    )


def in_short(store: Store, filters: Filters, until_us: int) -> InShort:
    """The counts of one period, seen at `until_us`."""
    question = journeys_in_short(filters, until_us)
    (row,) = answer(store, question)
    return InShort(
        int(row["begun"]),
        int(row["begun_online"]),
        int(row["completed"]),
        int(row["completed_online"]),
        read_sums(row["forms"]),
        read_sums(row["cases"]),
    )


def _take_up(ask: Ask) -> Table:
    periods = two_periods(ask)
    rows: list[tuple[Value, ...]] = []
    for name, filters in periods.named():
        found = in_short(ask.store, filters, periods.until_us(name))
        rows.append(_online_row(name, BEGUN, found.begun, found.begun_online))
        rows.append(_online_row(name, COMPLETED, found.completed, found.completed_online))
    return table(
        (
            Column(name="period", title=N_("Period"), kind="text", words=NAMES),
            Column(name="counted", title=N_("Counted"), kind="text", words=COUNTED),
            Column(name="journeys", title=N_("Journeys"), kind="count", small_cells=True),
            Column(name="online", title=N_("Begun online"), kind="count", small_cells=True, of="otherwise"),
            Column(name="otherwise", title=N_("Begun otherwise"), kind="count", small_cells=True, of="online"),
            Column(name="share", title=N_("Digital take-up"), kind="share", of="online"),
        ),
        rows,
        whole=False,
        notes=(*periods.notes(), *journey_notes(ask.filters)),
    )


def _online_row(period: str, counted: str, journeys: int, online: int) -> tuple[Value, ...]:
    if not journeys:
        return period, counted, None, None, None, None
    return period, counted, journeys, online, journeys - online, online / journeys


def _completion(ask: Ask) -> Table:
    periods = two_periods(ask)
    rows = [
        _completion_row(name, kind, sums)
        for name, filters in periods.named()
        for kind, sums in _kinds(in_short(ask.store, filters, periods.until_us(name)))
    ]
    return table(
        (
            Column(name="period", title=N_("Period"), kind="text", words=NAMES),
            Column(name="counted", title=N_("Counted"), kind="text", words=KINDS),
            Column(name="started", title=N_("Started"), kind="count", small_cells=True),
            Column(name="completed", title=N_("Completed"), kind="count", small_cells=True, of="open"),
            Column(name="open", title=N_("Not completed"), kind="count", small_cells=True, of="completed"),
            Column(name="share", title=N_("Completion"), kind="share", of="completed"),
        ),
        rows,
        whole=False,
        notes=(*periods.notes(), *journey_notes(ask.filters)),
    )


def _kinds(found: InShort) -> tuple[tuple[str, Sums], ...]:
    return (FORMS, found.forms), (CASES, found.cases)


def _completion_row(period: str, kind: str, sums: Sums) -> tuple[Value, ...]:
    """Where nothing was started, or no end ever arrived, completion is not known."""
    started, completed = int(sums.whole), int(sums.part)
    if not started:
        return period, kind, None, None, None, None
    if not completed:
        return period, kind, started, None, None, None
    return period, kind, started, completed, started - completed, completed / started


DIGITAL_TAKE_UP: Final = Figure(
    name="digital-take-up",
    title=N_("Digital take-up"),
    definition=N_(
        "Of the journeys that began in the period, those whose first event came online (web, chat, bot, social networks, or a "
        "partner who did it online for the citizen), whether or not someone helped by phone or at a counter later. Completed: "
        "every case was decided or closed; without a case, the form was sent or ended with an outcome."
    ),
    compute=_take_up,
)
COMPLETION: Final = Figure(
    name="completion",
    title=N_("Completion"),
    definition=N_(
        "Of what began in the journeys of the period, what was completed by its end. Online forms: sent, or ended with an "
        "outcome such as “not eligible”. Cases: decided or closed, whatever the decision. Not known where no beginning or no "
        "end of this kind arrives. What began shortly before the end may still be under way, in both periods alike."
    ),
    compute=_completion,
)
FIGURES: Final = (DIGITAL_TAKE_UP, COMPLETION)
