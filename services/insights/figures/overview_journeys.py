"""Digital take-up and completion: of the journeys that began in a period, how many online, how many to the end."""

# ruff: noqa: S608 - what is put into these statements are names and numbers of this module; values are bound
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from services.insights.conditions import where_of
from services.insights.figures.figure import Ask, Figure
from services.insights.figures.journey_completion import ended_with_outcome
from services.insights.figures.journey_filters import began_within, journey_notes, restrict_journeys
from services.insights.figures.overview_periods import BEFORE, NAMES, NOW, TwoPeriods, two_periods
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

_END_OF: Final = {name: f"fromUnixTimestamp64Micro({{until_{name}:Int64}}, 'UTC')" for name in (NOW, BEFORE)}
_UNTIL: Final = f"if(shown, {_END_OF[NOW]}, {_END_OF[BEFORE]})"
"""Until when the events of a journey of the period `shown`, or of the one before, are looked at."""


class InShort(NamedTuple):
    """Journeys begun and completed, by whether they began online; forms and cases begun and completed, as sums."""

    begun: int
    begun_online: int
    completed: int
    completed_online: int
    forms: Sums
    cases: Sums


_NO_SUMS: Final = Sums(0, 0.0, 0.0, 0.0, 0.0, 0.0)
NOTHING: Final = InShort(0, 0, 0, 0, _NO_SUMS, _NO_SUMS)


def journeys_in_short(periods: TwoPeriods) -> Question:
    """One row for each period that has journeys: whether it is the one shown, and the counts of `InShort`, in its order; what
    happened after its end is not looked at.

    Journeys are counted first by what is known of each (`bits`: one for each of `_BITS`); of those that have several cases the
    further ones are kept (`more`). All else is worked out of these few rows.
    """
    where, parameters = _of_periods(periods)
    bits = " + ".join(f"{1 << place} * ({each})" for place, each in enumerate(_known_until(periods)))
    return Question(
        f"""
        SELECT shown, sumIf(found, known) AS begun, sumIf(found, online) AS begun_online, sumIf(found, known AND done) AS completed,
            sumIf(found, online AND done) AS completed_online,
            {sums_sql("form_done", "form", "found")} AS forms, {sums_sql("ended_cases", "begun_cases", "found")} AS cases
        FROM (
            SELECT shown, {_UNTIL} AS until, group.1 AS found,
                {", ".join(f"bitTest(bits, {place}) AS {name}" for place, name in enumerate(_BITS))},
                begun + arrayCount(each -> each.begun < until, group.2) AS begun_cases,
                ended + arrayCount(each -> each.ended < until, group.2) AS ended_cases,
                if(begun_cases > 0, begun_cases = ended_cases, form_done) AS done
            FROM (
                SELECT {_shown(periods)} AS shown, {_UNTIL} AS until, toUInt8({bits}) AS bits,
                    countIf(empty(more_cases)) AS alone, groupArrayIf(more_cases, notEmpty(more_cases)) AS more
                FROM journeys FINAL {where} GROUP BY shown, bits)
            ARRAY JOIN arrayConcat([(alone, [])], arrayMap(cases -> (toUInt64(1), cases), more)) AS group)
        GROUP BY shown""",
        {
            **parameters,
            "online": list(ONLINE),
            **{f"until_{name}": periods.until_us(name) for name in (NOW, BEFORE)},
        },
    )


_BITS: Final = ("known", "online", "form", "form_done", "begun", "ended")


def _of_periods(periods: TwoPeriods) -> tuple[str, dict[str, Any]]:
    """The journeys that began in one of the periods, as a WHERE clause and its values."""
    conditions, parameters = restrict_journeys(periods.now.on(None, None))
    began = []
    for name, filters in periods.named():
        edges, values = began_within(filters, f"{name}_")
        began.append(" AND ".join(edges) or "1")
        parameters |= values
    return where_of([*conditions, f"({' OR '.join(began)})"]), parameters


def _shown(periods: TwoPeriods) -> str:
    """The condition that a journey of one of the periods is of the one shown, which lies after the other."""
    return began_within(periods.now, f"{NOW}_")[0][0] if periods.before else "1"


def _known_until(periods: TwoPeriods) -> tuple[str, ...]:
    """What each of `_BITS` says of a journey: of its entry, an online form, and the first of its cases."""
    outcomes = " OR ".join(_ended_within(name, filters) for name, filters in periods.named())
    return (
        "entry_channel != ''",
        "entry_channel IN {online:Array(String)}",
        "form_started < until",
        f"form_started < until AND (form_submitted < until OR {outcomes})",
        "case_begun < until",
        "case_ended < until",
    )


def _ended_within(name: str, filters: Filters) -> str:
    """The condition that a journey is of this period and its form ended with an outcome within it."""
    outcomes = f"time < {_END_OF[name]}"
    if filters.from_us is not None:
        outcomes += f" AND time >= fromUnixTimestamp64Micro({{{name}_from_us:Int64}}, 'UTC')"
    return f"{'shown' if name == NOW else 'NOT shown'} AND {ended_with_outcome(outcomes)}"


def in_short(store: Store, periods: TwoPeriods) -> dict[str, InShort]:
    """The counts of each period that has data, by its name."""
    found = {bool(row["shown"]): _read(row) for row in answer(store, journeys_in_short(periods))}
    return {name: found.get(name == NOW, NOTHING) for name, _ in periods.named()}


def _read(row: Mapping[str, Any]) -> InShort:
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
    for name, found in in_short(ask.store, periods).items():
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
        for name, found in in_short(ask.store, periods).items()
        for kind, sums in _kinds(found)
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
