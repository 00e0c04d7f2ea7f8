"""The weeks of a study as a chart shows them."""

from collections.abc import Mapping

from services.insights.effect.protocol import SETTLING_DAYS, WEEK, Interval, Series, Span, Study, Week


def weeks(study: Study, span: Span | None, expected: Mapping[int, Interval], begin: int, row_weeks: int) -> list[Week]:
    """Rows of `row_weeks` whole weeks counted from the first start, from `begin` on to the end of the study; `expected` by their first day."""
    comparison = study.comparison
    treated = study.treated
    first = treated[0].start or 0
    length = WEEK * row_weeks
    earliest = first - (first - begin) // length * length
    rows = []
    for start in range(earliest, study.end_day - length + 1, length):
        days = range(start - study.first_day, start - study.first_day + length)
        contacts = sum(each.contacts[day] for each in treated for day in days)
        started = sum(
            each.contacts[day] for each in treated for day in days if day + study.first_day >= (each.start or 0)
        )
        rows.append(
            Week(
                start=start,
                weeks=row_weeks,
                points=sum(each.points[day] for each in treated for day in days if each.contacts[day]),
                contacts=contacts,
                expected=expected.get(start),
                started_share=started / contacts if contacts else 0.0,
                used=span is not None and _used(start, start + length, treated, span),
                compared_points=None if comparison is None else sum(comparison.points[day] for day in days),
                compared_contacts=None if comparison is None else sum(comparison.contacts[day] for day in days),
            )
        )
    return rows


def _used(start: int, end: int, treated: tuple[Series, ...], span: Span) -> bool:
    """Whether the estimate rests on these days: they were read, and not wholly of settling in or of a peak."""
    if end > span.end:
        return False
    for each, peak in zip(treated, span.peaks, strict=True):
        own = each.start or 0
        if own <= start and end <= own + SETTLING_DAYS:
            return False
        if peak is not None and peak <= start and end <= own:
            return False
    return True
