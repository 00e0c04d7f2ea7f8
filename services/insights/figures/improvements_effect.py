"""The effect of one improvement as every page, figure and sheet shows it: the verdict, its reasons, benefit beside cost."""

from datetime import date, timedelta
from typing import Final, Literal

from msgspec import Struct

from services.insights.effect.judge import judge
from services.insights.effect.protocol import SETTLING_DAYS, WEEK, Effect, Interval, Reason, Study
from services.insights.figures.figure import Ask
from services.insights.figures.improvements_scope import Scope, day_number, day_of, scope_of
from services.insights.figures.improvements_series import Minutes, days_of, read_minutes, read_study
from services.insights.figures.summaries import extent
from services.insights.filters import Filters
from services.insights.observability import rule_statuses
from shared.journey.instants import DAY_US
from shared.registry.improvements import Improvement

MIN_KNOWN_POINTS: Final = 10
"""Points whose minutes are known, below which no minutes a point are told."""
_ROW_WEEKS: Final = (1, 2, 4, 6)
_ROOM: Final = 1.3
"""Points a row on average, of the least that may be shown, so that most rows can be shown."""
_MAX_SERVICES: Final = 5
"""Of a repair of more services, so many are asked whether the rule could be judged."""


class Benefit(Struct, frozen=True, kw_only=True):
    """What the avoided points are worth, a week and since the start; negative where there are more points.

    minutes per point: mean of the points whose minutes are known; `None` is not known, and so is what rests on it.
    """

    citizen_minutes_per_point: float | None
    administration_minutes_per_point: float | None
    weeks: float
    citizen_minutes: Interval | None
    administration_minutes: Interval | None
    euros: Interval | None
    """A week: working minutes of the administration at the site's cost of an hour."""


class Judged(Struct, frozen=True, kw_only=True):
    """An improvement and all that is said of it. cost_euros: money and, where the site's cost of an hour is set, working time."""

    improvement: Improvement
    scope: Scope
    effect: Effect
    benefit: Benefit | None
    cost_euros: float | None
    starts: tuple[int, ...]
    """The days on which places began of which anything was received."""
    end_day: int
    row_weeks: int

    @property
    def payback_weeks(self) -> float | None:
        """Weeks of benefit that are worth the cost."""
        if (
            self.benefit is None
            or self.benefit.euros is None
            or self.cost_euros is None
            or self.benefit.euros.value <= 0
        ):
            return None
        return self.cost_euros / self.benefit.euros.value


def judged(ask: Ask, improvement: Improvement) -> Judged:
    """What is said of an improvement now."""
    scope = scope_of(improvement)
    first, end = days_of(scope, extent(ask.store), ask.now_us)
    notes = _known_shocks(ask, improvement, scope, first, end)
    told = tuple((each.name, *each.values.values()) for each in notes)
    key = (improvement.id, improvement.version, end, ask.book.version, ask.hour_cost_cents, ask.small_cell_min, told)
    known = None if ask.effects is None else ask.effects.get(key, ask.now_us)
    if isinstance(known, Judged):
        return known
    found = _judged(ask, improvement, scope, (first, end), notes)
    if ask.effects is not None:
        ask.effects.keep(key, ask.now_us, found)
    return found


def _judged(
    ask: Ask, improvement: Improvement, scope: Scope, days: tuple[int, int], notes: tuple[Reason, ...]
) -> Judged:
    first, end = days
    study = read_study(ask.store, scope, first, end)
    minutes = read_minutes(ask.store, scope, first, end)
    changed = (Reason("rules_changed"),) if minutes.versions > 1 else ()
    effect = judge(
        study,
        observed=_observed(ask, scope, study),
        notes=(*changed, *notes),
        row_weeks=_row_weeks(study, ask.small_cell_min),
    )
    return Judged(
        improvement=improvement,
        scope=scope,
        effect=effect,
        benefit=_benefit(effect, minutes, ask.hour_cost_cents),
        cost_euros=_cost(improvement, ask.hour_cost_cents),
        starts=tuple(each.start or 0 for each in study.treated),
        end_day=end,
        row_weeks=effect.weeks[0].weeks if effect.weeks else 1,
    )


def _row_weeks(study: Study, small_cell_min: int) -> int:
    """As many weeks a row that most rows hold enough points to be shown."""
    split = (study.treated[0].start or 0) - study.first_day
    sides = [(0, split), (split, study.end_day - study.first_day)]
    lowest = min(
        (_points(study, begin, end) / (end - begin) * WEEK for begin, end in sides if end - begin >= WEEK), default=0.0
    )
    return next((each for each in _ROW_WEEKS if lowest * each >= _ROOM * small_cell_min), _ROW_WEEKS[-1])


def _points(study: Study, begin: int, end: int) -> int:
    return sum(sum(each.points[begin:end]) for each in study.treated)


def _observed(ask: Ask, scope: Scope, study: Study) -> bool:
    """Whether any of the rules could be judged before and after; where points were noticed, it could."""
    start = scope.first_start
    sides = [(study.first_day, start)] + ([(start, study.end_day)] if study.end_day > start else [])
    return all(_noticed(study, begin, end) or _observable(ask, scope, begin, end) for begin, end in sides)


def _noticed(study: Study, begin: int, end: int) -> bool:
    return any(any(each.points[begin - study.first_day : end - study.first_day]) for each in study.treated)


def _observable(ask: Ask, scope: Scope, begin: int, end: int) -> bool:
    territories = {territory for group in scope.groups for territory in group.territories}
    territory = next(iter(territories)) if len(territories) == 1 else None
    for service in scope.services[:_MAX_SERVICES] or (None,):
        filters = Filters(service=service, territory=territory, from_us=begin * DAY_US, to_us=end * DAY_US)
        statuses = rule_statuses(ask.store, filters, ask.book)
        if any(statuses[rule] == "observed" for rule in scope.rules):
            return True
    return False


def _known_shocks(ask: Ask, improvement: Improvement, scope: Scope, first: int, end: int) -> tuple[Reason, ...]:
    """What else happened in the weeks that are compared: annotations, and other improvements of the same services."""
    if ask.records is None or end <= first:
        return ()
    begin, last = day_of(first), day_of(end) - timedelta(days=1)
    found = []
    for annotation in ask.records.annotations.between(begin, last):
        in_services = not scope.services or annotation.service is None or annotation.service in scope.services
        if in_services and _within_places(scope, annotation.territory):
            found.append(_shock("annotation", annotation.title, annotation.first_day))
    found += [
        _shock("other_improvement", other.title, other.since)
        for other in ask.records.improvements.all()
        if other.id != improvement.id and first <= day_number(other.since) < end and _overlaps(improvement, other)
    ]
    return tuple(found)


def _shock(name: Literal["annotation", "other_improvement"], title: str, day: date) -> Reason:
    return Reason(name, {"title": title, "day": day.isoformat()})


def _within_places(scope: Scope, territory: str | None) -> bool:
    """Whether what was noted of a territory concerns one of the repaired; offices may lie anywhere."""
    if territory is None or any(group.everywhere or group.offices for group in scope.groups):
        return True
    return any(_meet(territory, each) for group in scope.groups for each in group.territories)


def _meet(one: str, other: str) -> bool:
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def _overlaps(one: Improvement, other: Improvement) -> bool:
    """Whether two improvements may reach the same points."""
    if other.status == "planned" or (one.rule and other.rule and one.rule != other.rule):
        return False
    if one.services and other.services and not set(one.services) & set(other.services):
        return False
    of_one, of_other = scope_of(one), scope_of(other)
    territories = [territory for group in of_other.groups for territory in group.territories]
    everywhere = any(group.everywhere or group.offices for group in of_other.groups)
    return everywhere or any(_within_places(of_one, territory) for territory in territories)


def _benefit(effect: Effect, minutes: Minutes, hour_cost_cents: int) -> Benefit | None:
    """What avoided (or added) points are worth; nothing is claimed where no change is seen."""
    if effect.avoided_per_week is None or effect.verdict not in {"improved", "worsened"}:
        return None
    citizen = _per_point(minutes.citizen, minutes.known_citizen)
    administration = _per_point(minutes.administration, minutes.known_administration)
    working = _times(effect.avoided_per_week, administration)
    return Benefit(
        citizen_minutes_per_point=citizen,
        administration_minutes_per_point=administration,
        weeks=effect.weeks_after - SETTLING_DAYS / WEEK,
        citizen_minutes=_times(effect.avoided_per_week, citizen),
        administration_minutes=working,
        euros=_times(working, hour_cost_cents / 100 / 60 if hour_cost_cents else None),
    )


def _per_point(minutes: float | None, known: int) -> float | None:
    return minutes / known if minutes is not None and known >= MIN_KNOWN_POINTS else None


def _times(interval: Interval | None, factor: float | None) -> Interval | None:
    if interval is None or factor is None:
        return None
    return Interval(interval.value * factor, interval.low * factor, interval.high * factor)


def _cost(improvement: Improvement, hour_cost_cents: int) -> float | None:
    """Spent once, as far as it can be told in euros; `None` where nothing is known."""
    working = improvement.cost_minutes
    of_work = working / 60 * hour_cost_cents / 100 if working is not None and hour_cost_cents else None
    known = [each for each in (improvement.cost_euros, of_work) if each is not None]
    return sum(known) if known else None
