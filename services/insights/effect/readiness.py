"""Whether the figures of a repair may be read yet: rules that look at how much there is, never at how it came out."""

from math import sqrt
from typing import Final

from msgspec import Struct

from services.insights.effect.protocol import (
    MIN_DAYS_SHARE,
    MIN_POINTS_BEFORE,
    MIN_POINTS_COMPARED,
    MIN_POINTS_EXPECTED,
    MIN_WEEKS_BEFORE,
    MIN_WEEKS_OF_UNIT,
    PEAK_WEEKS,
    SETTLING_DAYS,
    VOLUME_CHANGE,
    WEEK,
    WEEKS_BEFORE,
    Reason,
    Series,
    Span,
    Study,
    Verdict,
    readings,
)

_UNUSUAL: Final = 1.645
"""Deviations above what the weeks before lead to expect: one run of weeks in twenty."""


class Amounts(Struct, frozen=True, kw_only=True):
    """Sums over the repaired units that have started, on days that count: before and after their starts."""

    days_before: int
    days_after: int
    open_days_before: int
    open_days_after: int
    points_before: int
    points_after: int
    contacts_before: int
    contacts_after: int

    @property
    def expected(self) -> float:
        """Points after the start at the rate before it."""
        return self.contacts_after * self.points_before / self.contacts_before if self.contacts_before else 0.0


class Plan(Struct, frozen=True, kw_only=True):
    """What is read: which days, which series, with which comparison; or the verdict that stands without reading."""

    reading: int | None
    next_reading: int | None
    span: Span | None
    comparison: Series | None
    amounts: Amounts | None
    refusal: Verdict | None
    reasons: tuple[Reason, ...]


def plan(study: Study) -> Plan:
    """How a study is read on its last day."""
    treated = study.treated
    first, last = treated[0].start or 0, treated[-1].start or 0
    due = readings(first, last)
    past = [day for day in due if day <= study.end_day]
    coming = next((day for day in due if day > study.end_day), None)
    if not past:
        weeks = max(0, (study.end_day - first) // WEEK)
        reason = Reason("weeks_after", {"weeks": float(weeks), "needed": float(MIN_WEEKS_OF_UNIT)})
        return Plan(reading=None, next_reading=coming, span=None, comparison=None, amounts=None,
                    refusal="too_early", reasons=(reason,))  # fmt: skip
    reading = past[-1]
    begin = _begin(treated, study.first_day, first)
    active = sum((each.start or 0) <= reading - WEEK * MIN_WEEKS_OF_UNIT for each in treated)
    peaks, peak_reasons = _peaks(treated[:active], study.first_day, begin)
    span = Span(begin, reading, active, (*peaks, *([None] * (len(treated) - active))))
    found = amounts(treated[:active], study.first_day, span)
    refusal, reasons = _refusal(found, first - begin, coming)
    comparison, compared_reason = _comparison(study, span)
    waiting = (Reason("units_waiting", {"units": float(len(treated) - active)}),) if active < len(treated) else ()
    notes = (*reasons, *peak_reasons, compared_reason, *waiting, *_volume(found))
    return Plan(
        reading=reading,
        next_reading=coming,
        span=span,
        comparison=comparison,
        amounts=found,
        refusal=refusal,
        reasons=(*notes, *((Reason("final"),) if coming is None else ())),
    )


def _begin(treated: tuple[Series, ...], first_day: int, first_start: int) -> int:
    """The first day with contacts of the weeks that are looked at."""
    earliest = max(first_day, first_start - WEEK * WEEKS_BEFORE)
    for day in range(earliest, first_start):
        if any(each.contacts[day - first_day] for each in treated):
            return day
    return first_start


def amounts(treated: tuple[Series, ...], first_day: int, span: Span) -> Amounts:
    """What the repaired series hold within the span, without settling in; weeks of a peak count as before."""
    sums = {"before": [0, 0, 0, 0], "after": [0, 0, 0, 0]}
    for each in treated:
        start = each.start or 0
        for side, begin, end in (("before", span.begin, start), ("after", start + SETTLING_DAYS, span.end)):
            counts = _within(each, first_day, begin, end)
            sums[side] = [one + other for one, other in zip(sums[side], counts, strict=True)]
    before, after = sums["before"], sums["after"]
    return Amounts(
        days_before=before[0], open_days_before=before[1], points_before=before[2], contacts_before=before[3],
        days_after=after[0], open_days_after=after[1], points_after=after[2], contacts_after=after[3],
    )  # fmt: skip


def _within(series: Series, first_day: int, begin: int, end: int) -> list[int]:
    """Days, days with contacts, points on those, contacts of `[begin, end)`."""
    contacts = series.contacts[max(begin - first_day, 0) : max(end - first_day, 0)]
    points = series.points[max(begin - first_day, 0) : max(end - first_day, 0)]
    seen = [(one, other) for one, other in zip(points, contacts, strict=True) if other]
    return [len(contacts), len(seen), sum(one for one, _ in seen), sum(other for _, other in seen)]


def _refusal(found: Amounts, days_before: int, coming: int | None) -> tuple[Verdict | None, tuple[Reason, ...]]:
    """Why nothing can be said, if so: waiting helps only where it is the time after the start that is too poor."""
    if days_before < WEEK * MIN_WEEKS_BEFORE:
        values = {"weeks": float(days_before // WEEK), "needed": float(MIN_WEEKS_BEFORE)}
        return "not_observable", (Reason("few_weeks_before", values),)
    if found.open_days_before < MIN_DAYS_SHARE * found.days_before:
        return "not_observable", (Reason("gaps_before"),)
    if found.points_before < MIN_POINTS_BEFORE:
        return "not_observable", (Reason("few_points_before", {"needed": float(MIN_POINTS_BEFORE)}),)
    if found.contacts_after == 0:
        return "not_observable", (Reason("no_contacts_after"),)
    waiting: Verdict = "too_early" if coming is not None else "not_observable"
    if found.open_days_after < MIN_DAYS_SHARE * found.days_after:
        return waiting, (Reason("gaps_after"),)
    if found.expected < MIN_POINTS_EXPECTED:
        return waiting, (Reason("points_expected", {"needed": float(MIN_POINTS_EXPECTED)}),)
    return None, ()


def _peaks(treated: tuple[Series, ...], first_day: int, begin: int) -> tuple[list[int | None], tuple[Reason, ...]]:
    """Of each series, where the weeks before its start are left out since they were unusually bad."""
    days: list[int | None] = []
    names = set()
    for each in treated:
        from_day = (each.start or 0) - WEEK * PEAK_WEEKS
        unusual = _unusual(each, first_day, begin, from_day)
        room = from_day - begin >= WEEK * MIN_WEEKS_BEFORE
        days.append(from_day if unusual and room else None)
        if unusual:
            names.add("started_at_a_peak" if room else "peak_kept")
    weeks = {"weeks": float(PEAK_WEEKS)}
    found = [Reason("started_at_a_peak", weeks)] if "started_at_a_peak" in names else []
    return days, (*found, *([Reason("peak_kept", weeks)] if "peak_kept" in names else []))


def _unusual(series: Series, first_day: int, begin: int, from_day: int) -> bool:
    """Whether the rate of the last weeks before the start lies above that of the weeks before, beyond their own scatter."""
    edges = range(from_day, begin - 1, -WEEK)
    weeks = [_within(series, first_day, end - WEEK, end) for end in edges if end - WEEK >= begin]
    points, contacts = sum(each[2] for each in weeks), sum(each[3] for each in weeks)
    _, _, last_points, last_contacts = _within(series, first_day, from_day, from_day + WEEK * PEAK_WEEKS)
    if len(weeks) < PEAK_WEEKS or not points or not last_contacts:
        return False
    rate = points / contacts
    squares = [(each[2] - rate * each[3]) ** 2 / (rate * each[3]) for each in weeks if each[3]]
    dispersion = max(1.0, sum(squares) / max(len(squares) - 1, 1))
    expected = rate * last_contacts
    return (last_points - expected) / sqrt(dispersion * expected * (1 + last_contacts / contacts)) > _UNUSUAL


def _comparison(study: Study, span: Span) -> tuple[Series | None, Reason]:
    """The comparison group if it is large enough on both sides."""
    group = study.comparison
    if group is None:
        return None, Reason("no_comparison")
    first = study.treated[0].start or 0
    before = _within(group, study.first_day, span.begin, first)[2]
    after = _within(group, study.first_day, first, span.end)[2]
    if before + after < MIN_POINTS_COMPARED or min(before, after) < MIN_POINTS_EXPECTED:
        return None, Reason("comparison_small", {"needed": float(MIN_POINTS_COMPARED)})
    return group, Reason("comparison_used")


def _volume(found: Amounts) -> tuple[Reason, ...]:
    if not found.contacts_before or not found.days_after or not found.days_before:
        return ()
    before, after = found.contacts_before / found.days_before * WEEK, found.contacts_after / found.days_after * WEEK
    if abs(after / before - 1) < VOLUME_CHANGE:
        return ()
    return (Reason("volume_changed", {"before": before, "after": after}),)
