"""Funnels: how many journeys come from step to step, how long it takes, by which way in, and what changed."""

from typing import Any, Final

from msgspec import Struct, structs

from services.insights.figures import intervals
from services.insights.figures.compare_readings import READINGS
from services.insights.figures.figure import Ask, Figure, Parameter
from services.insights.figures.funnel_nested import hidden_parts, hidden_steps
from services.insights.figures.funnel_sql import (
    BREAKDOWNS,
    BY_ENTRY,
    LOOSE,
    ORDERS,
    Funnel,
    levels,
    levels_by,
)
from services.insights.figures.funnel_steps import ANY, STEP_NAMES, nodes, read_steps, usual_steps
from services.insights.figures.journey_filters import journey_notes, of_one_service
from services.insights.figures.overview_periods import period_before
from services.insights.figures.summaries import answer, history
from services.insights.figures.table import Column, Kind, Row, Table, Value
from services.insights.figures.territories_paths import child_of, forked, is_within
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.problems import Problem
from shared.journey.instants import DAY_US

MAX_GROUPS: Final = 5
OTHERS: Final = "others"
MAX_WINDOW_DAYS: Final = 3_650
PREVIOUS: Final = "previous"
YEAR: Final = "year"
_EARLIER: Final = (PREVIOUS, YEAR)
_YEAR_US: Final = 364 * DAY_US

NOTHING_EARLIER: Final = N_(
    "The data do not reach back over the whole earlier period: there is nothing to compare with."
)
FUNNEL_PARAMETERS: Final = (
    *(
        Parameter(
            name,
            f"Step {name[4:]}: a step label or event type, after its channel and a colon (`phone:call.queued`), or after "
            "`any:` on whatever channel. Without any, the four most frequent in their usual order.",
        )
        for name in STEP_NAMES
    ),
    Parameter(
        "order",
        "`loose`: anything may lie between two steps; `strict`: each step is the very next event. `loose` if left out.",
    ),
    Parameter("window_days", "At most so many days from the first step; without, as long as the journey lasts."),
)


class Asked(Struct, frozen=True, kw_only=True):
    """A funnel as asked for, completed: service, steps and window; and the funnel of the earlier period."""

    funnel: Funnel
    earlier: Funnel | None
    notes: tuple[str, ...]


class Counts(Struct, frozen=True):
    """All journeys, then those that come to each step; and what of it may not be shown."""

    journeys: tuple[int, ...]
    hidden: frozenset[int]

    def share(self, step: int) -> intervals.Estimate | None:
        """Of those at the step before (for the first step: of all journeys), how many come to this one."""
        return intervals.share(self.journeys[step], self.journeys[step - 1])


def one_of(ask: Ask, name: str, allowed: tuple[str, ...], default: str | None) -> str | None:
    """The value of a parameter that has few. Raises `Problem` 422 for another."""
    value = ask.parameter(name) or default
    if value is not None and value not in allowed:
        detail = N_("“%(name)s” must be one of: %(allowed)s.")
        raise Problem(422, "invalid-parameter", detail, name=name, allowed=", ".join(allowed))
    return value


def read_funnel(ask: Ask) -> Asked:
    """The funnel of an address; steps, order and window as `FUNNEL_PARAMETERS` say. Raises `Problem` 422."""
    steps = read_steps(ask.parameters)
    order = one_of(ask, "order", ORDERS, LOOSE) or LOOSE
    window_days = _window(ask)
    versus = one_of(ask, "versus", _EARLIER, None)
    filters = of_one_service(ask.store, ask.filters)
    if not steps:
        steps = usual_steps(nodes(ask.store, filters, ask.small_cell_min)[0])
    funnel = Funnel(filters=filters, steps=tuple(steps), order=order, window_days=window_days)
    notes = journey_notes(ask.filters)
    if versus is None:
        return Asked(funnel=funnel, earlier=None, notes=notes)
    earlier = _earlier(ask, filters, versus)
    if earlier is None:
        return Asked(funnel=funnel, earlier=None, notes=(*notes, NOTHING_EARLIER))
    return Asked(funnel=funnel, earlier=structs.replace(funnel, filters=earlier), notes=notes)


def _window(ask: Ask) -> int | None:
    text = ask.parameter("window_days")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_WINDOW_DAYS))):
        text = "0"
    if not 1 <= int(text) <= MAX_WINDOW_DAYS:
        detail = N_("The window must be a whole number of days from 1 to %(most)s.")
        raise Problem(422, "invalid-window", detail, most=MAX_WINDOW_DAYS)
    return int(text)


def _earlier(ask: Ask, filters: Filters, versus: str) -> Filters | None:
    """The same filters on the earlier period, which begins on the same day of the week; `None` where data do not reach back."""
    if filters.from_us is None or filters.to_us is None:
        return None
    if versus == YEAR:
        from_us, to_us = filters.from_us - _YEAR_US, filters.to_us - _YEAR_US
    else:
        from_us, to_us = period_before(filters.from_us, filters.to_us)
    found = history(ask.store, filters)
    if found is None or from_us < found.first_us // DAY_US * DAY_US:
        return None
    return filters.on(from_us, to_us)


def _counts(ask: Ask, funnel: Funnel) -> Counts:
    row = _levels(ask, funnel)
    journeys = _journeys(row)
    return Counts(journeys, frozenset(hidden_steps(journeys, ask.small_cell_min)))


def _levels(ask: Ask, funnel: Funnel) -> dict[str, Any]:
    (row,) = answer(ask.store, levels(funnel))
    return {**row, "reached": row["reached"] or [0] * len(funnel.steps)}


def _journeys(row: dict[str, Any]) -> tuple[int, ...]:
    return (int(row["journeys"]), *(int(each) for each in row["reached"]))


_PLACE: Final = (
    Column(name="number", title=N_("Number"), kind="count"),
    Column(name="step", title=N_("Step"), kind="event", words={"": N_("all journeys")}),
    Column(name="on", title=N_("On channel"), kind="channel", words={ANY: N_("any channel"), "": "–"}),
)


def _share_columns(name: str, title: str, of: str = "journeys") -> tuple[Column, ...]:
    return (
        Column(name=name, title=title, kind="share", of=of),
        Column(name=f"{name}_low", title=N_("at least"), kind="share", of=of),
        Column(name=f"{name}_high", title=N_("at most"), kind="share", of=of),
    )


_COUNTED: Final = (
    Column(name="journeys", title=N_("Journeys"), kind="count", small_cells=True),
    *_share_columns("share_of_first", N_("Of those at the first step")),
    *_share_columns("share", N_("Of those at the step before")),
)


def _funnel(ask: Ask) -> Table:
    asked = read_funnel(ask)
    steps = asked.funnel.steps
    if not steps:
        return Table(columns=_columns(versus=False), rows=(), whole=False, notes=asked.notes)
    now = _counts(ask, asked.funnel)
    earlier = None if asked.earlier is None else _counts(ask, asked.earlier)
    rows = [_row(0, ("", ""), now, earlier)]
    rows += [_row(number, (step.label, step.channel), now, earlier) for number, step in enumerate(steps, 1)]
    return Table(columns=_columns(versus=earlier is not None), rows=tuple(rows), whole=False, notes=asked.notes)


def _columns(*, versus: bool) -> tuple[Column, ...]:
    if not versus:
        return (*_PLACE, *_COUNTED)
    of = "earlier_journeys"
    return (
        *_PLACE,
        *_COUNTED,
        Column(name=of, title=N_("Journeys of the earlier period"), kind="count", small_cells=True),
        *_share_columns("earlier_share", N_("Of those at the step before, earlier"), of),
        *_share_columns("difference", N_("Difference of the shares"), of),
        Column(name="reading", title=N_("In words"), kind="text", of=of, words=READINGS),
    )


def _row(number: int, name: tuple[str, str], now: Counts, earlier: Counts | None) -> Row:
    """One step (0: all journeys); a share is withheld with either of its counts."""
    values: list[Value] = [
        number,
        *name,
        now.journeys[number],
        *_parts(now, number, 1),
        *_parts(now, number, number - 1),
    ]
    withheld = _withheld(now, number, "")
    if number and 1 in now.hidden:
        withheld |= _shares("share_of_first")
    if earlier is not None:
        values += [earlier.journeys[number], *_parts(earlier, number, number - 1), *_change(now, earlier, number)]
        withheld |= _withheld(earlier, number, "earlier_")
        if {"share", "earlier_share"} & withheld:
            withheld |= {*_shares("difference"), "reading"}
    columns = _columns(versus=earlier is not None)
    shown = [None if column.name in withheld else value for column, value in zip(columns, values, strict=True)]
    return Row(tuple(shown), frozenset(withheld))


def _parts(counts: Counts, number: int, of: int) -> tuple[Value, ...]:
    found = intervals.share(counts.journeys[number], counts.journeys[of]) if number else None
    return (None, None, None) if found is None else (found.value, *found.interval)


def _shares(name: str) -> set[str]:
    return {name, f"{name}_low", f"{name}_high"}


def _withheld(counts: Counts, number: int, prefix: str) -> set[str]:
    found: set[str] = set()
    if number in counts.hidden:
        found |= {f"{prefix}journeys", *_shares(f"{prefix}share"), *(() if prefix else _shares("share_of_first"))}
    if number and number - 1 in counts.hidden:
        found |= _shares(f"{prefix}share")
    return found


def _change(now: Counts, earlier: Counts, number: int) -> tuple[Value, ...]:
    one, other = (now.share(number), earlier.share(number)) if number else (None, None)
    if one is None or other is None:
        return None, None, None, None
    found = intervals.difference(one, other)
    return found.value, *found.interval, intervals.reading(found.interval)


def _times(ask: Ask) -> Table:
    asked = read_funnel(ask)
    steps = asked.funnel.steps
    columns = (
        *_PLACE,
        Column(name="journeys", title=N_("Journeys"), kind="count", small_cells=True),
        Column(name="median_s", title=N_("Since the step before: half within"), kind="seconds", of="journeys"),
        Column(name="p90_s", title=N_("nine in ten within"), kind="seconds", of="journeys"),
        Column(
            name="since_first_median_s", title=N_("Since the first step: half within"), kind="seconds", of="journeys"
        ),
        Column(name="since_first_p90_s", title=N_("nine in ten within"), kind="seconds", of="journeys"),
    )
    if not steps:
        return Table(columns=columns, rows=(), whole=False, notes=asked.notes)
    found = _levels(ask, asked.funnel)
    counts = _journeys(found)
    hidden = hidden_steps(counts, ask.small_cell_min)
    timed = frozenset(column.name for column in columns[3:])
    rows = []
    for number, step in enumerate(steps[1:], 2):
        known = counts[number] > 0 and number not in hidden
        times = (*found["between"][number - 2], *found["since"][number - 2]) if known else (None,) * 4
        withheld = timed if number in hidden else frozenset[str]()
        journeys = None if number in hidden else counts[number]
        rows.append(Row((number, step.label, step.channel, journeys, *times), withheld))
    return Table(columns=columns, rows=tuple(rows), whole=False, notes=asked.notes)


def _breakdown(ask: Ask) -> Table:
    asked = read_funnel(ask)
    breakdown = one_of(ask, "by", BREAKDOWNS, BY_ENTRY) or BY_ENTRY
    kind: Kind = "channel" if breakdown == BY_ENTRY else "territory"
    columns = (
        Column(
            name="name",
            title=N_("Channel of entry") if breakdown == BY_ENTRY else N_("Territory"),
            kind=kind,
            words={OTHERS: N_("the others")},
        ),
        *_PLACE,
        *_COUNTED,
    )
    if not asked.funnel.steps:
        return Table(columns=columns, rows=(), whole=False, notes=asked.notes)
    groups = _largest(_groups(ask, asked.funnel, breakdown))
    hidden = hidden_parts([journeys for _, journeys in groups], ask.small_cell_min)
    rows = []
    for (name, journeys), places in zip(groups, hidden, strict=True):
        counts = Counts(journeys, frozenset(places))
        labels = [("", ""), *((step.label, step.channel) for step in asked.funnel.steps)]
        for number, label in enumerate(labels):
            row = _row(number, label, counts, None)
            rows.append(Row((name, *row.values), row.withheld))
    return Table(columns=columns, rows=tuple(rows), whole=False, notes=asked.notes)


Group = tuple[str, tuple[int, ...]]


def _groups(ask: Ask, funnel: Funnel, breakdown: str) -> list[Group]:
    """Largest first. The channels of entry come with what the funnel itself is counted by."""
    if breakdown == BY_ENTRY:
        groups = [
            (name, (int(all_of), *map(int, reached))) for name, all_of, reached in _levels(ask, funnel)["entries"]
        ]
        return sorted(groups, key=lambda group: (-group[1][0], group[0]))
    found = [(str(row["name"]), _journeys(row)) for row in answer(ask.store, levels_by(funnel, breakdown))]
    return _by_part(found, funnel.filters.territory)


def _by_part(groups: list[Group], territory: str | None) -> list[Group]:
    """Summed up below the territory chosen, at the first level that has several parts."""
    within = forked((name for name, _ in groups), territory or "")
    sums: dict[str, tuple[int, ...]] = {}
    for name, counts in groups:
        part = child_of(name, within) if is_within(name, within) else name
        sums[part] = tuple(map(sum, zip(sums.get(part, (0,) * len(counts)), counts, strict=True)))
    return sorted(sums.items(), key=lambda group: (-group[1][0], group[0]))


def _largest(groups: list[Group]) -> list[Group]:
    """The five largest, and the rest as one; a single one beyond keeps its name."""
    kept, rest = groups[:MAX_GROUPS], groups[MAX_GROUPS:]
    if len(rest) > 1:
        rest = [(OTHERS, tuple(sum(column) for column in zip(*(counts for _, counts in rest), strict=True)))]
    return kept + rest


_DEFINITION: Final = N_(
    "Journeys that began in the period, of one service (the busiest if none is chosen), and how many of them come to each step: "
    "in this order, from the first step on. Of several attempts in one journey the one that comes furthest counts, of those the "
    "first. Intervals hold with 95 percent."
)
FUNNEL: Final = Figure(
    name="funnel",
    title=N_("Journeys from step to step"),
    definition=_DEFINITION,
    parameters=(
        *FUNNEL_PARAMETERS,
        Parameter(
            "versus",
            "An earlier period beside it: `previous` (the latest as long, from the same day of the week) or `year` (52 weeks "
            "before). Needs `from` and `to`.",
        ),
    ),
    compute=_funnel,
)
FUNNEL_TIMES: Final = Figure(
    name="funnel-times",
    title=N_("Time between the steps"),
    definition=N_(
        "Of the journeys that come to a step: the time since the step before, and since the first, which half of them and nine in "
        "ten need at most."
    ),
    parameters=FUNNEL_PARAMETERS,
    compute=_times,
)
FUNNEL_BREAKDOWN: Final = Figure(
    name="funnel-breakdown",
    title=N_("Journeys from step to step, by their beginning"),
    definition=N_(
        "The same journeys by the channel on which they began, or by the part of the territory (the first level below the one chosen that has several); "
        "the five with most journeys, and the others together."
    ),
    parameters=(*FUNNEL_PARAMETERS, Parameter("by", "`entry`: channel of entry; `territory`. `entry` if left out.")),
    compute=_breakdown,
)
FIGURES: Final = (FUNNEL, FUNNEL_TIMES, FUNNEL_BREAKDOWN)
