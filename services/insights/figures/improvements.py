"""Improvements as figures: all of them with their effects, and the weeks of one."""

from typing import Final

from services.insights.effect.protocol import Interval, Week
from services.insights.figures.figure import Ask, Figure, Parameter
from services.insights.figures.improvements_effect import Judged, judged
from services.insights.figures.improvements_scope import day_of
from services.insights.figures.table import Column, Table, Value, table
from services.insights.filters import Filters
from services.insights.language import N_
from services.insights.problems import Problem
from shared.registry.improvements import Improvement

MAX_LISTED: Final = 200
"""Improvements whose effects one list works out, the latest starts first."""
PER: Final = 1_000
"""Rates are points per so many contacts and steps."""

VERDICT_WORDS: Final = {
    "too_early": N_("Too early to say"),
    "improved": N_("Fewer points"),
    "worsened": N_("More points"),
    "no_change_seen": N_("No change seen"),
    "not_observable": N_("Cannot be observed"),
}
STATUS_WORDS: Final = {
    "planned": N_("Planned"),
    "pilot": N_("Pilot"),
    "in_force": N_("In force"),
    "stopped": N_("Stopped"),
}
ALL_RULES: Final = {"": N_("All frictions but those of case work")}
_NO_IMPROVEMENT: Final = N_("There is no improvement at this address. It may have been removed since.")


def find(ask: Ask, improvement: str | None) -> Improvement:
    """The improvement with this id. Raises `Problem` 404 where there is none, 422 where none is named."""
    if improvement is None:
        raise Problem(422, "no-improvement", N_("Name an improvement: the parameter “improvement” holds its id."))
    found = None if ask.records is None else ask.records.improvements.get(improvement)
    if found is None:
        raise Problem(404, "no-improvement", _NO_IMPROVEMENT)
    return found


def listed(ask: Ask) -> list[Improvement]:
    """The improvements that the filters `rule`, `service` and `territory` leave, the latest start first."""
    every = [] if ask.records is None else ask.records.improvements.all()
    return [each for each in every if _concerns(each, ask.filters)]


def _concerns(improvement: Improvement, filters: Filters) -> bool:
    if filters.rule is not None and improvement.rule not in {None, filters.rule}:
        return False
    if filters.service is not None and improvement.services and filters.service not in improvement.services:
        return False
    return filters.territory is None or _reaches(improvement, filters.territory)


def _reaches(improvement: Improvement, territory: str) -> bool:
    named = [*improvement.territories, *(each.territory for each in improvement.pilots if each.territory)]
    if not named:
        return True
    return any(
        each == territory or each.startswith(territory + "/") or territory.startswith(each + "/") for each in named
    )


def _improvements(ask: Ask) -> Table:
    """One row an improvement; with the parameter `improvement`, that one only."""
    named = ask.parameter("improvement")
    every = [find(ask, named)] if named else listed(ask)
    return table(
        (
            Column(name="improvement", title=N_("Id"), kind="text"),
            Column(name="title", title=N_("Improvement"), kind="text"),
            Column(name="rule", title=N_("Friction"), kind="rule", words=ALL_RULES),
            Column(name="owner", title=N_("Responsible"), kind="text"),
            Column(name="status", title=N_("State"), kind="text", words=STATUS_WORDS),
            Column(name="start", title=N_("Since"), kind="day"),
            Column(name="verdict", title=N_("Effect"), kind="text", words=VERDICT_WORDS),
            Column(name="read_until", title=N_("Read until"), kind="day"),
            Column(name="next_reading", title=N_("Next reading"), kind="day"),
            Column(name="points_before", title=N_("Points before"), kind="count", small_cells=True),
            Column(name="points_after", title=N_("Points after"), kind="count", small_cells=True),
            Column(name="ratio", title=N_("Rate after, of the rate expected"), kind="share", of="points_after"),
            *_interval_columns("ratio", "share", N_("Rate: low end"), N_("Rate: high end")),
            Column(name="avoided", title=N_("Points avoided a week"), kind="decimal", of="points_after"),
            *_interval_columns("avoided", "decimal", N_("Points avoided: low end"), N_("Points avoided: high end")),
            Column(name="citizen_minutes", title=N_("Citizens’ minutes a week"), kind="decimal", of="points_after"),
            *_interval_columns("citizen_minutes", "decimal", N_("Citizens’ minutes: low end"), N_("Citizens’ minutes: high end")),
            Column(name="working_minutes", title=N_("Working minutes a week"), kind="decimal", of="points_after"),
            *_interval_columns("working_minutes", "decimal", N_("Working minutes: low end"), N_("Working minutes: high end")),
            Column(name="euros", title=N_("Euros a week"), kind="decimal", of="points_after"),
            *_interval_columns("euros", "decimal", N_("Euros: low end"), N_("Euros: high end")),
            Column(name="cost", title=N_("Cost, once"), kind="euros"),
            Column(name="cost_minutes", title=N_("Working minutes spent, once"), kind="decimal"),
        ),
        [_row(judged(ask, each)) for each in every[:MAX_LISTED]],
        whole=False,
        cut=len(every) > MAX_LISTED,
    )  # fmt: skip


def _interval_columns(name: str, kind: str, low: str, high: str) -> tuple[Column, Column]:
    return (
        Column(name=f"{name}_low", title=low, kind=kind, of="points_after"),  # type: ignore[arg-type]
        Column(name=f"{name}_high", title=high, kind=kind, of="points_after"),  # type: ignore[arg-type]
    )


def _row(found: Judged) -> tuple[Value, ...]:
    improvement, effect, benefit = found.improvement, found.effect, found.benefit
    read = effect.reading is not None
    return (
        improvement.id,
        improvement.title,
        improvement.rule or "",
        improvement.owner,
        improvement.status,
        day_of(found.starts[0]).isoformat(),
        effect.verdict,
        _day(None if effect.reading is None else effect.reading - 1),
        _day(effect.next_reading),
        effect.points_before if read else None,
        effect.points_after if read else None,
        *_values(effect.ratio, 4),
        *_values(effect.avoided_per_week, 2),
        *_values(None if benefit is None else benefit.citizen_minutes, 1),
        *_values(None if benefit is None else benefit.administration_minutes, 1),
        *_values(None if benefit is None else benefit.euros, 2),
        found.cost_euros,
        improvement.cost_minutes,
    )


def _values(interval: Interval | None, digits: int) -> tuple[Value, Value, Value]:
    if interval is None:
        return None, None, None
    return round(interval.value, digits), round(interval.low, digits), round(interval.high, digits)


def _day(number: int | None) -> str | None:
    return None if number is None else day_of(number).isoformat()


def _effect(ask: Ask) -> Table:
    """The weeks of one improvement."""
    found = judged(ask, find(ask, ask.parameter("improvement")))
    return table(
        (
            Column(name="week", title=N_("From"), kind="day"),
            Column(name="weeks", title=N_("Weeks"), kind="count"),
            Column(name="points", title=N_("Points"), kind="count", small_cells=True),
            Column(name="contacts", title=N_("Contacts and steps"), kind="count"),
            Column(name="rate", title=N_("Points per 1,000"), kind="decimal", of="points"),
            Column(name="expected", title=N_("Expected without the repair, per 1,000"), kind="decimal"),
            Column(name="expected_low", title=N_("Expected: low end"), kind="decimal"),
            Column(name="expected_high", title=N_("Expected: high end"), kind="decimal"),
            Column(name="repaired", title=N_("Share already repaired"), kind="share"),
            Column(name="used", title=N_("The estimate rests on it"), kind="flag"),
            Column(name="compared_points", title=N_("Points, compared"), kind="count", small_cells=True),
            Column(name="compared_contacts", title=N_("Contacts and steps, compared"), kind="count"),
            Column(name="compared_rate", title=N_("Per 1,000, compared"), kind="decimal", of="compared_points"),
        ),
        [_week(each) for each in found.effect.weeks],
    )


def _week(week: Week) -> tuple[Value, ...]:
    expected = week.expected
    return (
        day_of(week.start).isoformat(),
        week.weeks,
        week.points,
        week.contacts,
        _per(week.points, week.contacts),
        *((None,) * 3 if expected is None else (_per(each, week.contacts) for each in (expected.value, expected.low, expected.high))),
        round(week.started_share, 4),
        week.used,
        week.compared_points,
        week.compared_contacts,
        None if week.compared_points is None else _per(week.compared_points, week.compared_contacts or 0),
    )  # fmt: skip


def _per(points: float, contacts: int) -> float | None:
    return round(points / contacts * PER, 3) if contacts else None


_IMPROVEMENT: Final = Parameter("improvement", "The id of an improvement.")

IMPROVEMENTS: Final = Figure(
    name="improvements",
    title=N_("Improvements and their effects"),
    definition=N_(
        "Each repair with what has become of the friction it aims at: the rate of points since its start over the rate expected "
        "without it, with an interval that holds the truth 95 times in 100, read on days fixed beforehand; what the avoided points "
        "are worth, and what it cost."
    ),
    parameters=(_IMPROVEMENT,),
    compute=_improvements,
)

IMPROVEMENT_EFFECT: Final = Figure(
    name="improvement-effect",
    title=N_("The weeks before and after an improvement"),
    definition=N_(
        "Points of the repaired services and places by weeks counted from the first start (several together where single weeks hold too few to be shown), per 1,000 contacts and steps; beside "
        "them what a regression with the weekly pattern, the trend and the comparison group expects without the repair, and the "
        "range in which 95 of 100 such weeks would lie. The filters of the site do not apply."
    ),
    parameters=(_IMPROVEMENT,),
    compute=_effect,
)

FIGURES: Final = (IMPROVEMENTS, IMPROVEMENT_EFFECT)
