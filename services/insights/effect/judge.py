"""The verdict on a repair: what was planned beforehand, carried out."""

from services.insights.effect.protocol import WEEK, WEEKS_BEFORE, Effect, Interval, Reason, Study, Verdict
from services.insights.effect.readiness import Plan, plan
from services.insights.effect.weeks import weeks

_WIDE = 0.5
"""An interval that reaches from the estimate by half and more tells little."""


def judge(study: Study, *, observed: bool = True, notes: tuple[Reason, ...] = (), row_weeks: int = 1) -> Effect:
    """What can be said of a repair on the last day of the study.

    observed: whether the rule could be judged before and after, in the repaired units. notes: what else a reader must know
    (known shocks), added to the reasons. row_weeks: weeks that a row of the result holds. Raises `ValueError` for a study without a repaired series.
    """
    if not study.treated:
        raise ValueError("a study needs a repaired series")
    planned = plan(study)
    first = study.treated[0].start or 0
    found, expected = None, {}
    if observed and planned.refusal is None and planned.span is not None:
        # Read on first use: numpy takes a quarter of a second, and most pages need none.
        from services.insights.effect.estimate import estimate  # noqa: PLC0415
        from services.insights.effect.expected import expected_weeks  # noqa: PLC0415

        found = estimate(list(study.treated), planned.comparison, study.first_day, planned.span)
        expected = {} if found is None else expected_weeks(found, first, row_weeks)
    verdict, reasons = _verdict(planned, None if found is None else found.ratio, observed=observed)
    begin = max(study.first_day, first - WEEK * WEEKS_BEFORE)
    amounts = planned.amounts
    return Effect(
        verdict=verdict,
        reasons=(*reasons, *notes),
        reading=planned.reading,
        next_reading=planned.next_reading,
        ratio=None if found is None else found.ratio,
        avoided_per_week=None if found is None else found.avoided_per_week,
        points_before=amounts.points_before if amounts else 0,
        points_after=amounts.points_after if amounts else 0,
        expected_after=None if found is None else found.expected_after,
        weeks_before=(first - planned.span.begin) / WEEK if planned.span else 0.0,
        weeks_after=(planned.reading - first) / WEEK if planned.reading else 0.0,
        compared=found is not None and planned.comparison is not None,
        weeks=tuple(weeks(study, planned.span, expected, begin, row_weeks)),
    )


def _verdict(planned: Plan, ratio: Interval | None, *, observed: bool) -> tuple[Verdict, tuple[Reason, ...]]:
    if not observed:
        return "not_observable", (Reason("rule_not_observed"),)
    if planned.refusal is not None:
        return planned.refusal, planned.reasons
    if ratio is None:
        return "not_observable", (Reason("few_points_before"), *planned.reasons)
    season = () if planned.comparison is not None else (Reason("season_not_known"),)
    if ratio.high < 1:
        return "improved", (*planned.reasons, *season)
    if ratio.low > 1:
        return "worsened", (*planned.reasons, *season)
    wide = (Reason("interval_wide"),) if ratio.low < 1 - _WIDE or ratio.high > 1 + _WIDE else ()
    return "no_change_seen", (*planned.reasons, *wide, *season)
